// SPDX-License-Identifier: Apache-2.0
//
// The real look-ups: getaddrinfo on threads of their own.
//
// A look-up may hang for as long as a resolver likes, so nothing waits for its thread: at most four of them serve all
// loops of the process, are never joined, and end when there is nothing to look up. They share nothing with
// RunInExecutor()'s.
#ifndef DETENT_RUNTIME_EPOLL_NAMES_H_
#define DETENT_RUNTIME_EPOLL_NAMES_H_

#include <functional>
#include <memory>
#include <string>

#include "detent/runtime/event_loop.h"
#include "detent/runtime/io/internal/names.h"

namespace detent::internal {

// More than so many different names that wait for a thread are refused.
inline constexpr size_t kLookUpsQueuedMax = 1000;
inline constexpr size_t kLookUpThreadsMax = 4;

// `loop` outlives it.
std::unique_ptr<Names> MakeEpollNames(EventLoop& loop);

// For tests: what the threads call instead of getaddrinfo from now on, in the whole process; empty brings that back. It
// may block, and must not throw. Waits until no look-up is under way: what asks for the same name later joins none.
using LookUpFunction = std::function<NamesFound(const std::string& host)>;
void SetLookUpFunction(LookUpFunction function);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_NAMES_H_
