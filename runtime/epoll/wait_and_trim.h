// SPDX-License-Identifier: Apache-2.0
//
// WaitAndTrim: the wait of a loop that has nothing to do. If it lasts for kIdleBeforeTrim, what a spike has left in
// this thread's pool goes back to the system: whole chunks of 64 KB or 2 MB in which nothing lives. So an idle loop's
// pool has no more than 4 MB beside the chunks in which something does.
#ifndef DETENT_RUNTIME_EPOLL_WAIT_AND_TRIM_H_
#define DETENT_RUNTIME_EPOLL_WAIT_AND_TRIM_H_

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "detent/runtime/epoll/epoll.h"

namespace detent::internal {

inline constexpr absl::Duration kIdleBeforeTrim = absl::Milliseconds(100);

// As epoll.Wait(timeout). `nothing_came` tells whether the loop still has nothing to do.
void WaitAndTrim(Epoll& epoll, absl::Duration timeout, absl::FunctionRef<bool()> nothing_came);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_WAIT_AND_TRIM_H_
