// SPDX-License-Identifier: Apache-2.0
//
// The real datagrams: non-blocking UDP sockets in an EpollLoop's epoll instance.
#ifndef DETENT_RUNTIME_EPOLL_DATAGRAMS_H_
#define DETENT_RUNTIME_EPOLL_DATAGRAMS_H_

#include <memory>

#include "detent/runtime/epoll/epoll.h"
#include "detent/runtime/io/internal/datagrams.h"

namespace detent::internal {

std::unique_ptr<Datagrams> MakeEpollDatagrams(Epoll& epoll);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_DATAGRAMS_H_
