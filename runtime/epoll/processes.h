// SPDX-License-Identifier: Apache-2.0
//
// The system's child processes, started by posix_spawn() and watched by pidfds.
//
// Where the kernel has no pidfds (before Linux 5.3, or a container that forbids them) a thread for each child waits for
// its end.
#ifndef DETENT_RUNTIME_EPOLL_PROCESSES_H_
#define DETENT_RUNTIME_EPOLL_PROCESSES_H_

#include <memory>

#include "detent/runtime/epoll/epoll.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/io/internal/programs.h"

namespace detent::internal {

std::unique_ptr<Programs> MakeEpollPrograms(Epoll& epoll, const LoopCore& core);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_PROCESSES_H_
