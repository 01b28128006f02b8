// SPDX-License-Identifier: Apache-2.0
//
// Streams to read from a descriptor that others share, and which therefore stays a blocking one.
#ifndef DETENT_RUNTIME_EPOLL_INPUT_STREAMS_H_
#define DETENT_RUNTIME_EPOLL_INPUT_STREAMS_H_

#include <memory>

#include "detent/runtime/epoll/socket_descriptor.h"
#include "detent/runtime/io/internal/disk.h"
#include "detent/runtime/io/internal/io_result.h"
#include "detent/runtime/io/internal/network.h"

namespace detent::internal {

// Each takes `fd`, a dup() of the descriptor, and closes it.

// Of a socket: each call says for itself that it must not block.
IoResult<std::unique_ptr<StreamSocket>> MakeSharedInput(SocketDescriptors& all, int fd);
// Of anything that can be read: on the threads of `disk`, from where the descriptor stands, a piece ahead.
std::unique_ptr<StreamSocket> MakeFileInput(Disk& disk, int fd);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_INPUT_STREAMS_H_
