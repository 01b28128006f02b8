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
// a TimeoutError. Was it this one? A Timeout of the caller's own answers after the block, as asyncio's does:
//
//   Timeout patience(absl::Seconds(1));
//   Outcome<int> n = co_await Settle(WithTimeout(patience, [](Timeout&) { return ReadAnswer(); }));
//   if (patience.Expired()) Log("too late");
//
// A block that swallows the cancellation and returns, returns; an error that it throws in reaction
// passes unchanged. Blocks nest: only the one whose deadline passed converts.
//
// Suspension.    Where the body suspends. A deadline that has passed strikes at the first suspension
//                that outlasts an iteration; a simulated schedule may let the body run on before it.
// Cancellation.  A cancellation from outside passes unchanged, unless the deadline struck too.
// Errors.        TimeoutError. InvalidStateError for a Timeout that is entered a second time.
// Ownership.     The closure is kept until the block ends; the Timeout& is valid inside it, and one that the caller
//                made must outlive it.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_TIMEOUT_H_
#define DETENT_RUNTIME_TIMEOUT_H_

#include <cstdint>
#include <functional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "absl/time/time.h"
#include "detent/runtime/any_duration.h"
#include "detent/runtime/closure.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/internal/timer_heap.h"
#include "detent/runtime/loop_time.h"
#include "detent/runtime/outcome.h"

namespace detent {

class Timeout : private internal::Timer {
 public:
  // For one WithTimeout(). The time starts now; InvalidStateError outside a running loop.
  explicit Timeout(AnyDuration duration);
  explicit Timeout(LoopTime when) : when_(when) {}
  Timeout(const Timeout&) = delete;
  Timeout& operator=(const Timeout&) = delete;
  ~Timeout() { Disarm(); }

  // Moves the deadline; LoopTime::Never() switches it off. Throws InvalidStateError once the deadline has struck or the
  // block has ended.
  void Reschedule(LoopTime when);
  LoopTime When() const { return when_; }
  // Whether the deadline has struck, in the block and ever after. The block may have ended otherwise all the same: see
  // above.
  bool Expired() const { return state_ == State::kExpiring || state_ == State::kExpired; }

  // --- For the library ---

  // Enters the block in the running task.
  void Enter();
  // Leaves the block, which ended with a cancellation or not: whether that becomes a TimeoutError.
  bool Exit(bool cancelled);
  // The deadline passes now, if it has not yet: for tests.
  void Strike();

 private:
  enum class State : uint8_t { kCreated, kEntered, kExpiring, kExpired, kExited };

  void Run() override;
  internal::Lane lane() const override;
  void DescribeStep(internal::StepText& text) const override;
  void Arm();
  void Disarm();

  internal::Ref<internal::TaskState> task_;
  LoopTime when_;
  uint32_t cancelling_on_entry_ = 0;
  State state_ = State::kCreated;
};

namespace internal {

// `T` is a Timeout, made from `limit` in this frame, or a Timeout&, the caller's.
template <typename T, typename L, typename F>
CoroFrom<F, Timeout&> WithTimeoutCoro(L limit, F body) {
  T timeout(limit);
  timeout.Enter();
  auto outcome = co_await Catch(CallBody(body, timeout));
  if (timeout.Exit(outcome.cancelled())) {
    co_await Propagate(decltype(outcome)::Error(std::make_exception_ptr(TimeoutError())));
  }
  if (!outcome.ok()) co_await Propagate(std::move(outcome));
  co_return std::move(outcome).value();
}

}  // namespace internal

// The time starts when the returned Coro is awaited.
template <typename F>
  requires std::is_invocable_v<std::decay_t<F>&, Timeout&>
auto WithTimeout(AnyDuration duration, F&& body, std::source_location where = std::source_location::current()) {
  DETENT_INTERNAL_CHECK_CLOSURE(F);
  return internal::WithTimeoutCoro<Timeout, absl::Duration, std::decay_t<F>>(duration, std::forward<F>(body)).At(where);
}

template <typename F>
  requires std::is_invocable_v<std::decay_t<F>&, Timeout&>
auto WithTimeoutAt(LoopTime when, F&& body, std::source_location where = std::source_location::current()) {
  DETENT_INTERNAL_CHECK_CLOSURE(F);
  return internal::WithTimeoutCoro<Timeout, LoopTime, std::decay_t<F>>(when, std::forward<F>(body)).At(where);
}

template <typename F>
  requires std::is_invocable_v<std::decay_t<F>&, Timeout&>
auto WithTimeout(Timeout& timeout, F&& body, std::source_location where = std::source_location::current()) {
  DETENT_INTERNAL_CHECK_CLOSURE(F);
  return internal::WithTimeoutCoro<Timeout&, Timeout&, std::decay_t<F>>(timeout, std::forward<F>(body)).At(where);
}

}  // namespace detent

#endif  // DETENT_RUNTIME_TIMEOUT_H_
