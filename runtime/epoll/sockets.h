// SPDX-License-Identifier: Apache-2.0
//
// The real network: non-blocking TCP sockets in an EpollLoop's epoll instance.
#ifndef DETENT_RUNTIME_EPOLL_SOCKETS_H_
#define DETENT_RUNTIME_EPOLL_SOCKETS_H_

#include <memory>

#include "detent/runtime/epoll/epoll.h"
#include "detent/runtime/io/internal/network.h"

namespace detent::internal {

std::unique_ptr<Network> MakeEpollNetwork(Epoll& epoll);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_SOCKETS_H_
