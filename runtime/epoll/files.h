// SPDX-License-Identifier: Apache-2.0
//
// The kernel's files, by the calls that may block.
#ifndef DETENT_RUNTIME_EPOLL_FILES_H_
#define DETENT_RUNTIME_EPOLL_FILES_H_

#include "detent/runtime/io/internal/file_system.h"

namespace detent::internal {

// Has no state: for any number of threads at once.
FileSystem& KernelFiles();

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_FILES_H_
