// SPDX-License-Identifier: Apache-2.0
//
// The real network: non-blocking TCP sockets in an EpollLoop's epoll instance.
#ifndef DETENT_RUNTIME_EPOLL_SOCKETS_H_
#define DETENT_RUNTIME_EPOLL_SOCKETS_H_

#include <memory>

#include "detent/runtime/epoll/epoll.h"
#include "detent/runtime/epoll/socket_descriptor.h"
#include "detent/runtime/io/internal/io_result.h"
#include "detent/runtime/io/internal/network.h"

namespace detent::internal {

std::unique_ptr<Network> MakeEpollNetwork(Epoll& epoll);

// Of a socket that was made elsewhere, with its descriptor, which does not block.
IoResult<std::unique_ptr<StreamSocket>> AdoptTcpStream(SocketDescriptors& all, int fd);
IoResult<std::unique_ptr<ListenSocket>> AdoptTcpListener(SocketDescriptors& all, int fd);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_SOCKETS_H_
