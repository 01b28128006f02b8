// SPDX-License-Identifier: Apache-2.0
//
// WaitFor: awaits one thing for at most a given time. asyncio's wait_for() as of Python 3.13.
//
//   Order order = co_await WaitFor(orders.Get(), absl::Seconds(5));     // throws TimeoutError
//
// When the time is up, what is awaited is cancelled, and WaitFor() goes on when it has really ended. Something that
// swallows that cancellation and returns a value still gives its value; an error that it throws instead comes out.
// With a time-out of zero or less, a Coro that was not started is not started; a done future gives its result.
//
// Errors.        TimeoutError.
// Suspension.    Where the awaited thing suspends.
// Cancellation.  Cancels the awaited thing (use Shield() where that is not wanted) and throws when it has ended.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_WAIT_FOR_H_
#define DETENT_RUNTIME_WAIT_FOR_H_

#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/internal/awaiting.h"
#include "detent/runtime/timeout.h"
#include "detent/runtime/wait.h"

namespace detent {
namespace internal {

template <typename A>
using AwaitValue = std::remove_cvref_t<AwaitResult<A>>;

}  // namespace internal

// `awaitable`: a Coro, a Task, a Future, or an operation such as queue.Get().
template <typename A>
  requires(internal::Awaitable<std::remove_cvref_t<A>> && std::is_constructible_v<std::remove_cvref_t<A>, A>)
Coro<internal::AwaitValue<std::remove_cvref_t<A>>> WaitFor(
    A&& awaitable, AnyDuration timeout, std::source_location where = std::source_location::current());

// --------------------------------------------------------------------------------------------------------------------

namespace internal {

// Cancels `handle` and waits until it has ended, in as many trips through the ready queue as asyncio.
template <typename H>
Coro<> CancelForTimeout(H handle) {
  handle.Cancel();
  std::vector<AnyFuture> one;
  one.push_back(handle);
  (void)co_await Wait(std::move(one), ReturnWhen::kAllCompleted);
}

template <typename H>
auto WaitForNothing(H handle) -> Coro<AwaitValue<H>> {
  if (!handle.Done()) {
    co_await CancelForTimeout(handle);
    if (handle.Cancelled() || handle.state().FailedByCancellation()) {
      handle.state().MarkRetrieved();
      co_await Propagate(Outcome<>::Error(std::make_exception_ptr(TimeoutError())));
    }
  }
  co_return co_await std::move(handle);
}

template <typename A>
Coro<AwaitValue<A>> WaitForCoro(A awaitable, absl::Duration timeout) {
  if (timeout <= absl::ZeroDuration()) {
    if constexpr (std::is_base_of_v<AnyFuture, A>) {
      co_return co_await WaitForNothing(std::move(awaitable));
    } else {
      co_return co_await WaitForNothing(Spawn(std::move(awaitable)));
    }
  }
  // `awaitable` is named and lives in this frame until the block has ended.
  co_return co_await WithTimeout(timeout,
                                 [&](Timeout&) -> Coro<AwaitValue<A>> { co_return co_await std::move(awaitable); });
}

}  // namespace internal

template <typename A>
  requires(internal::Awaitable<std::remove_cvref_t<A>> && std::is_constructible_v<std::remove_cvref_t<A>, A>)
Coro<internal::AwaitValue<std::remove_cvref_t<A>>> WaitFor(A&& awaitable, AnyDuration timeout,
                                                           std::source_location where) {
  return internal::WaitForCoro<std::remove_cvref_t<A>>(std::forward<A>(awaitable), timeout).At(where);
}

// Anything else: says why.
template <typename A>
Coro<> WaitFor(A&&, AnyDuration, std::source_location = std::source_location()) {
  static_assert(internal::Awaitable<std::remove_cvref_t<A>>,
                "WaitFor() awaits a Coro, a Task, a Future, or an operation such as queue.Get(); for a closure use "
                "WithTimeout(duration, closure), or WaitFor(Invoke(closure), duration)");
  static_assert(!internal::Awaitable<std::remove_cvref_t<A>>,
                "WaitFor(): a Coro is awaited once, as an rvalue: WaitFor(std::move(coro), duration)");
  return Coro<>();
}

}  // namespace detent

#endif  // DETENT_RUNTIME_WAIT_FOR_H_
