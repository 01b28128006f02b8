// SPDX-License-Identifier: Apache-2.0
//
// The kernel's Unix sockets, by path and in pairs, under the real network.
#ifndef DETENT_RUNTIME_EPOLL_UNIX_SOCKETS_H_
#define DETENT_RUNTIME_EPOLL_UNIX_SOCKETS_H_

#include <memory>
#include <string>

#include "detent/runtime/epoll/socket_descriptor.h"
#include "detent/runtime/io/internal/io_result.h"
#include "detent/runtime/io/internal/network.h"

namespace detent::internal {

// As the calls of Network.
IoResult<std::unique_ptr<ListenSocket>> ListenAtPath(SocketDescriptors& all, const std::string& path,
                                                     const ListenSettings& settings);
IoResult<std::unique_ptr<StreamSocket>> ConnectToPath(SocketDescriptors& all, const std::string& path);
IoResult<Network::Streams> MakeSocketPair(SocketDescriptors& all, bool one_way);

// Of a socket that was made elsewhere, with its descriptor, which does not block. The file of a listener stays.
IoResult<std::unique_ptr<StreamSocket>> AdoptUnixStream(SocketDescriptors& all, int fd);
IoResult<std::unique_ptr<ListenSocket>> AdoptUnixListener(SocketDescriptors& all, int fd);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_UNIX_SOCKETS_H_
