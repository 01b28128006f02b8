// SPDX-License-Identifier: Apache-2.0
//
// CancelEverywhere: runs a body once for each await at which it can be cancelled, and says at which it broke. The test
// that everything with an await in it should have.
//
//   SIM_TEST(PoolTest, ACancelledUserLeavesThePoolWhole) {
//     std::optional<Pool> pool;
//     co_await CancelEverywhere(
//         [&]() -> Coro<> {                       // made anew for each run, so that each run goes the same way
//           pool.emplace(/*connections=*/2);
//           co_await Fetch(*pool, "/");
//         },
//         [&] { EXPECT_EQ(pool->Idle(), 2); });   // what must hold afterwards: a function, or a coroutine
//   }
//
// The body is run as a task: twice as it is, to see that it can be and to count; then once for each moment at which its
// task waits, where it is cancelled, and once more for each of them, where a time-out around the body strikes. A moment
// is either the one in which an await begins to wait, or the one in which it is over and the task is about to go on:
// what it was given must not be lost then. While it waits for other tasks (in a Gather, a TaskGroup, ...) their moments
// count too: a cancellation is passed on and finds them where they are. With `task` it is not the body's own task that
// is cancelled but each one of that name; time-outs are left out then, and the body has to live with what the cancelled
// task does not do.
//
// After each of these runs come the check and, as it is, the body once more: what a cancelled body has left must be fit
// for the next. A run is broken by
//   * an assertion, or a report of an error that nobody can catch (a lock destroyed while held, ...), in all of that;
//   * an exception that leaves the body, unless it is a CancelledError or a TimeoutError;
//   * a cancelled task that ends with a value all the same: it has swallowed the cancellation (`may_swallow` lets it);
//   * a body, or a task that it left behind, that has not ended an hour later (virtual time): a lock that was kept, a
//     permit that was lost, a child that nobody ends.
// The first that is broken ends it, and fails the schedule with the place of the await, what it waited for and how many
// times it had been there.
//
// Schedules.     Each tries all moments if they are few, else the first of a search tries all and each other one as
//                many as make some hundred runs, from a place that it chooses.
// Errors.        Fails if the body never waits, if no task has the name, if there are too many moments. Throws
//                InvalidStateError outside SIM_TEST, LOOP_TEST and Explore().
// Suspension.    Always. On the real loop of a LOOP_TEST, whose steps nobody sees, body and check run once as they are.
// Cancellation.  Cancels nothing but what the body runs: the caller's test goes on.
// Ownership.     The callables are kept until the end. What the body shares with the tasks that it leaves must live as
//                long as the test's own variables do.
// Threads.       The loop's own thread only.
#ifndef DETENT_TESTING_CANCEL_EVERYWHERE_H_
#define DETENT_TESTING_CANCEL_EVERYWHERE_H_

#include <cstdint>
#include <functional>
#include <source_location>
#include <string_view>
#include <type_traits>
#include <utility>

#include "detent/runtime/closure.h"
#include "detent/runtime/coro.h"
#include "detent/testing/cancel_counts.h"

namespace detent_testing {

// Trivially destructible (rule R10).
struct CancelOptions {
  // Who is cancelled: the body's own task if empty, every task of the body if "*", or all those of this name.
  std::string_view task = {};
  // Whether time-outs strike too, where the body's own task is cancelled.
  bool timeouts = true;
  // Whether the task is also cancelled a second time, at each moment that follows the first: in its clean-up.
  bool again = false;
  // Whether the cancelled task may end with a value.
  bool may_swallow = false;
  // More moments than that are refused.
  uint64_t moments_max = 2000;
};

namespace internal {

// A body or a check.
using CancelPart = std::function<detent::Coro<>()>;

template <typename F>
detent::Coro<> CallPart(F function) {
  if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
    function();
    co_return;
  } else {
    co_await function();
  }
}
template <typename F>
CancelPart AsPart(F function) {
  return [function = std::move(function)] { return CallPart<F>(function); };
}

detent::Coro<CancelCounts> RunCancelEverywhere(CancelPart body, CancelPart check, CancelOptions options,
                                               std::source_location where);

}  // namespace internal

template <typename Body>
  requires std::is_invocable_v<std::decay_t<Body>&>
detent::Coro<CancelCounts> CancelEverywhere(Body&& body, CancelOptions options = CancelOptions(),
                                            std::source_location where = std::source_location::current()) {
  DETENT_INTERNAL_CHECK_CLOSURE(Body);
  return internal::RunCancelEverywhere(internal::AsPart<std::decay_t<Body>>(std::forward<Body>(body)), nullptr, options,
                                       where)
      .At(where);
}

template <typename Body, typename Check>
  requires std::is_invocable_v<std::decay_t<Body>&> && std::is_invocable_v<std::decay_t<Check>&>
detent::Coro<CancelCounts> CancelEverywhere(Body&& body, Check&& check, CancelOptions options = CancelOptions(),
                                            std::source_location where = std::source_location::current()) {
  DETENT_INTERNAL_CHECK_CLOSURE(Body);
  DETENT_INTERNAL_CHECK_CLOSURE(Check);
  return internal::RunCancelEverywhere(internal::AsPart<std::decay_t<Body>>(std::forward<Body>(body)),
                                       internal::AsPart<std::decay_t<Check>>(std::forward<Check>(check)), options,
                                       where)
      .At(where);
}

}  // namespace detent_testing

#endif  // DETENT_TESTING_CANCEL_EVERYWHERE_H_
