// SPDX-License-Identifier: Apache-2.0
//
// The real network: non-blocking TCP sockets in an EpollLoop's epoll instance.
#ifndef DETENT_RUNTIME_INTERNAL_EPOLL_NETWORK_H_
#define DETENT_RUNTIME_INTERNAL_EPOLL_NETWORK_H_

#include <memory>

#include "detent/runtime/epoll_loop.h"
#include "detent/runtime/internal/network.h"

namespace detent::internal {

std::unique_ptr<Network> MakeEpollNetwork(EpollLoop& loop);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_EPOLL_NETWORK_H_
