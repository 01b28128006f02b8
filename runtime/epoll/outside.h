// SPDX-License-Identifier: Apache-2.0
//
// What the real loop gives for runtime/io/ to stand on: the kernel's.
#ifndef DETENT_RUNTIME_EPOLL_OUTSIDE_H_
#define DETENT_RUNTIME_EPOLL_OUTSIDE_H_

#include <memory>

#include "detent/runtime/epoll/epoll.h"
#include "detent/runtime/epoll/threads.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/io/internal/outside.h"

namespace detent::internal {

// `epoll` is that of `loop`; `run` is for its threads.
std::unique_ptr<Outside> MakeEpollOutside(Epoll& epoll, EventLoop& loop, RunLoop run);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_OUTSIDE_H_
