// SPDX-License-Identifier: Apache-2.0
//
// Descriptors that were opened before an EpollLoop came to them: by the program, a supervisor, or whoever started it.
#ifndef DETENT_RUNTIME_EPOLL_ADOPTION_H_
#define DETENT_RUNTIME_EPOLL_ADOPTION_H_

#include <memory>

#include "detent/runtime/epoll/epoll.h"
#include "detent/runtime/io/internal/adoption.h"
#include "detent/runtime/io/internal/disk.h"

namespace detent::internal {

std::unique_ptr<Adoption> MakeEpollAdoption(Epoll& epoll, Disk& disk);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_ADOPTION_H_
