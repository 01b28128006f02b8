// SPDX-License-Identifier: Apache-2.0
//
// WithTimeout: runs a block that must end in time. asyncio's timeout().
//
//   int n = co_await WithTimeout(absl::Seconds(1), [&](Timeout& timeout) -> Coro<int> {
//     Hello hello = co_await ReadHello();
//     timeout.Reschedule(EventLoop::Current().Time() + hello.patience);
//     co_return co_await ReadAnswer();
//   });
//
// When the deadline passes, the task is cancelled inside the block; when that cancellation leaves the block it becomes
// a TimeoutError. A block that swallows the cancellation and returns, returns; an error that it throws in reaction
// passes unchanged. Blocks nest: only the one whose deadline passed converts.
//
// Suspension.    Where the body suspends. A deadline that has passed strikes at the first suspension
//                that outlasts an iteration; a simulated schedule may let the body run on before it.
// Cancellation.  A cancellation from outside passes unchanged, unless the deadline struck too.
// Ownership.     The closure is kept until the block ends; the Timeout& is valid inside it.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_TIMEOUT_H_
#define DETENT_RUNTIME_TIMEOUT_H_

#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>

#include "absl/time/time.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/internal/keep_closure.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/internal/timer_heap.h"
#include "detent/runtime/loop_time.h"
#include "detent/runtime/outcome.h"

namespace detent {

class Timeout : private internal::Timer {
 public:
  Timeout(const Timeout&) = delete;
  Timeout& operator=(const Timeout&) = delete;

  // Moves the deadline; LoopTime::Never() switches it off. Throws InvalidStateError once the deadline has struck or the
  // block has ended.
  void Reschedule(LoopTime when);
  LoopTime When() const { return when_; }
  // Whether the deadline has struck.
  bool Expired() const { return state_ == State::kExpiring || state_ == State::kExpired; }

  // --- For the library ---

  // Enters the block in the running task.
  explicit Timeout(LoopTime when);
  ~Timeout() { Disarm(); }
  // Leaves the block, which ended with a cancellation or not: whether that becomes a TimeoutError.
  bool Exit(bool cancelled);

 private:
  enum class State : uint8_t { kEntered, kExpiring, kExpired, kExited };

  void Run() override;
  uint64_t Lane() const override;
  void Disarm();

  internal::StateRef<internal::TaskState> task_;
  LoopTime when_;
  uint32_t cancelling_on_entry_;
  State state_ = State::kEntered;
};

namespace internal {

template <typename F>
CoroFrom<F, Timeout&> WithTimeoutAtCoro(LoopTime when, F body) {
  Timeout timeout(when);
  auto outcome = co_await Catch(std::invoke(body, timeout));
  if (timeout.Exit(outcome.cancelled())) {
    co_await Propagate(decltype(outcome)::Error(std::make_exception_ptr(TimeoutError())));
  }
  if (!outcome.ok()) co_await Propagate(std::move(outcome));
  co_return std::move(outcome).value();
}

// The deadline of a duration that starts now; Never() for an infinite one.
LoopTime DeadlineAfter(absl::Duration duration);

template <typename F>
CoroFrom<F, Timeout&> WithTimeoutCoro(absl::Duration duration, F body) {
  co_return co_await WithTimeoutAtCoro<F>(DeadlineAfter(duration), std::move(body));
}

}  // namespace internal

// The time starts when the returned Coro is awaited.
template <typename F>
  requires std::is_invocable_v<std::decay_t<F>&, Timeout&>
auto WithTimeout(absl::Duration duration, F&& body) {
  DETENT_INTERNAL_CHECK_CLOSURE(F);
  return internal::WithTimeoutCoro<std::decay_t<F>>(duration, std::forward<F>(body));
}

template <typename F>
  requires std::is_invocable_v<std::decay_t<F>&, Timeout&>
auto WithTimeoutAt(LoopTime when, F&& body) {
  DETENT_INTERNAL_CHECK_CLOSURE(F);
  return internal::WithTimeoutAtCoro<std::decay_t<F>>(when, std::forward<F>(body));
}

}  // namespace detent

#endif  // DETENT_RUNTIME_TIMEOUT_H_
