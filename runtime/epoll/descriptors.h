// SPDX-License-Identifier: Apache-2.0
//
// The real descriptors of a program, level-triggered in an EpollLoop's epoll instance.
#ifndef DETENT_RUNTIME_EPOLL_DESCRIPTORS_H_
#define DETENT_RUNTIME_EPOLL_DESCRIPTORS_H_

#include <memory>

#include "detent/runtime/epoll/epoll.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/io/internal/descriptors.h"

namespace detent::internal {

std::unique_ptr<Descriptors> MakeEpollDescriptors(Epoll& epoll, LoopCore& core);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_DESCRIPTORS_H_
