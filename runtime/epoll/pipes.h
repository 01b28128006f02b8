// SPDX-License-Identifier: Apache-2.0
//
// Pipes: one end of a kernel's pipe as a StreamSocket, for the streams of child processes.
#ifndef DETENT_RUNTIME_EPOLL_PIPES_H_
#define DETENT_RUNTIME_EPOLL_PIPES_H_

#include <memory>
#include <string>

#include "detent/runtime/epoll/socket_descriptor.h"
#include "detent/runtime/io/internal/network.h"

namespace detent::internal {

// Takes `fd`, which blocks until now, and closes it if this throws: std::system_error. `name` stands in errors.
// REQUIRES: `ways` is one way.
std::unique_ptr<StreamSocket> MakePipeEnd(SocketDescriptors& all, int fd, StreamSocket::Ways ways, std::string name);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_PIPES_H_
