// SPDX-License-Identifier: Apache-2.0
//
// CancelAndWait: cancels a task and waits until it has really ended.
//
//   Task<> pings = Spawn(SendPings(connection));
//   ...
//   co_await CancelAndWait(pings);      // its clean-up is over
//   connection.Close();
//
// Cancel() alone only asks: the task may still use what its clean-up needs. It is `task.cancel(); await task` of
// asyncio, where "it was cancelled" and "I am cancelled" look the same: here the task's own end by the cancellation is
// no error.
//
// Errors.        An error with which the task ends comes out; a value is dropped, it stays in the handle.
//                InvalidStateError, and nothing is cancelled, for the running task itself and for another loop's.
// Suspension.    Until the task has ended; not at all if it is done already.
// Cancellation.  Passed on to the task once more, as by awaiting it, and thrown when the task has ended: a clean-up
//                that takes too long can be bounded by WithTimeout(). A task that swallows that too and returns has
//                swallowed it for both.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_CANCEL_AND_WAIT_H_
#define DETENT_RUNTIME_CANCEL_AND_WAIT_H_

#include <source_location>

#include "detent/runtime/coro.h"
#include "detent/runtime/future.h"

namespace detent {

// Of a Task, a Future or a handle whose type is erased.
Coro<> CancelAndWait(AnyFuture task, std::source_location where = std::source_location::current());

}  // namespace detent

#endif  // DETENT_RUNTIME_CANCEL_AND_WAIT_H_
