// SPDX-License-Identifier: Apache-2.0
//
// RunTestBody(): runs the body of a test, and ends the tasks that it leaves while they can still be ended.
//
// A body's variables go when it returns or throws, and C++ has no place between the two in which others could run. So
// what it leaves is ended
//   * before its variables go, if a fatal assertion ends it: that is a macro of ours, which awaits;
//   * after that, if it passed: by a cancellation, as asyncio.run() does. The memory of the body's frame lasts until
//     then;
//   * not at all if it failed or threw: its tasks could find anything. They stay as they are, told in the report.
//     Callbacks that are ready are dropped. (After a pass they run, and those of the body's own are warned of.)
// If it never ends (a deadlock, a limit), everything is destroyed, the latest task first and the body last.
//
// Internal.
#ifndef DETENT_TESTING_TEST_BODY_H_
#define DETENT_TESTING_TEST_BODY_H_

#include <coroutine>

#include "absl/functional/function_ref.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/outcome.h"
#include "detent/testing/failure.h"
#include "detent/testing/report/trace_recorder.h"

namespace detent_testing::internal {

// Calls `make_body`, inside the loop, and gives how what it made ended. REQUIRES: `make_body` lives until then.
detent::Coro<detent::Outcome<>> RunTestBody(absl::FunctionRef<detent::Coro<>()> make_body);

// While one exists, bodies of this thread fail in `failure`, besides in GoogleTest, and `trace` is told how they end;
// that may be null.
class BodyFailure {
 public:
  BodyFailure(Failure& failure, TraceRecorder* trace);
  BodyFailure(const BodyFailure&) = delete;
  BodyFailure& operator=(const BodyFailure&) = delete;
  ~BodyFailure();

 private:
  Failure* const outer_;
  TraceRecorder* const outer_trace_;
};

// Cancels all tasks but the running one and waits until they have ended.
detent::Coro<> CancelOtherTasks();

// Whether `coroutine` is the body that RunTestBody() runs.
bool IsTestBody(const detent::internal::PromiseBase& coroutine);

// `co_await AmTestBody()`: whether the coroutine that asks is. Never suspends.
class AmTestBody {
 public:
  AmTestBody() {}
  class Awaiter {
   public:
    Awaiter() {}
    bool await_ready() const noexcept { return false; }
    template <typename P>
    bool await_suspend(std::coroutine_handle<P> coroutine) noexcept {
      answer_ = IsTestBody(detent::internal::PromiseOf(coroutine));
      return false;
    }
    bool await_resume() const noexcept { return answer_; }

   private:
    bool answer_ = false;
  };
  Awaiter IntoAwaiter() && { return Awaiter(); }
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_TEST_BODY_H_
