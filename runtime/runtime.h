// SPDX-License-Identifier: Apache-2.0
//
// All of runtime/.
#ifndef DETENT_RUNTIME_RUNTIME_H_
#define DETENT_RUNTIME_RUNTIME_H_

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/runtime/epoll/run_threads.h"

#endif  // DETENT_RUNTIME_RUNTIME_H_
