// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/cancel_and_wait.h"

#include <stdexcept>
#include <string>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using detent_testing::Forever;
using ::testing::HasSubstr;

// A task that takes its time to end.
class Slow {
 public:
  Coro<> Run() {
    started_.Set();
    (void)co_await Catch(Forever());
    cleaning_.Set();
    cleaned_in_peace_ = (co_await Catch(may_end_.Wait())).ok();
    if (!answer_.empty()) throw std::runtime_error(answer_);
    co_await Propagate(Outcome<>::Cancelled());
  }

  Event started_, cleaning_, may_end_;
  bool cleaned_in_peace_ = false;
  std::string answer_;  // An error to end with.
};

LOOP_TEST(CancelAndWaitTest, ItWaitsUntilTheCleanUpIsOver) {
  Slow slow;
  Task<> task = Spawn(slow.Run());
  co_await slow.started_.Wait();
  EventLoop::Current().CallLater(absl::Milliseconds(2), [&] { slow.may_end_.Set(); });
  co_await CancelAndWait(task);
  EXPECT_TRUE(task.Cancelled());
  EXPECT_TRUE(slow.cleaned_in_peace_);
  EXPECT_EQ(CurrentTask().Cancelling(), 0);
}

LOOP_TEST(CancelAndWaitTest, ATaskThatWasNeverStartedEndsWithoutRunning) {
  Slow slow;
  Task<> task = Spawn(slow.Run());
  co_await CancelAndWait(task);
  EXPECT_TRUE(task.Done());
}

LOOP_TEST(CancelAndWaitTest, AnErrorOfTheTaskComesOut) {
  Slow slow;
  slow.answer_ = "the disk is full";
  slow.may_end_.Set();
  Task<> task = Spawn(slow.Run());
  co_await slow.started_.Wait();
  EXPECT_EQ(co_await EndOf(CancelAndWait(task)), "the disk is full");
}

LOOP_TEST(CancelAndWaitTest, AValueStaysInTheHandle) {
  Event started;
  Task<int> task = Spawn([&]() -> Coro<int> {
    started.Set();
    (void)co_await Catch(Forever());
    co_return 7;
  });
  co_await started.Wait();
  co_await CancelAndWait(task);
  EXPECT_EQ(task.Result(), 7);
  // Done: it does not suspend.
  Event suspended;
  EventLoop::Current().CallSoon([&] { suspended.Set(); });
  co_await CancelAndWait(task);
  EXPECT_FALSE(suspended.IsSet());
  co_await suspended.Wait();  // The callback uses what is ours.
}

LOOP_TEST(CancelAndWaitTest, ItsOwnCancellationIsPassedOnAndComesOutWhenTheTaskHasEnded) {
  Slow slow;
  Task<> task = Spawn(slow.Run());
  co_await slow.started_.Wait();
  Task<> waiter = Spawn(CancelAndWait(task));
  co_await slow.cleaning_.Wait();
  waiter.Cancel();
  (void)co_await Wait(ReturnWhen::kAllCompleted, waiter);
  EXPECT_TRUE(waiter.Cancelled());
  EXPECT_TRUE(task.Cancelled());
}

LOOP_TEST(CancelAndWaitTest, ATimeoutBoundsACleanUpThatHangs) {
  Event started;
  Task<> hanging = Spawn([&]() -> Coro<> {
    started.Set();
    (void)co_await Catch(Forever());
    co_await Forever();
  });
  co_await started.Wait();
  EXPECT_EQ(co_await EndOf(WaitFor(CancelAndWait(hanging), absl::Milliseconds(2))), "timeout");
  EXPECT_TRUE(hanging.Cancelled());
}

LOOP_TEST(CancelAndWaitTest, AFutureIsCancelledToo) {
  Future<int> future = MakeFuture<int>();
  co_await CancelAndWait(future);
  EXPECT_TRUE(future.Cancelled());
}

LOOP_TEST(CancelAndWaitTest, TheRunningTaskIsRefusedAndGoesOn) {
  EXPECT_THAT(co_await EndOf(Invoke([]() -> Coro<> { co_await CancelAndWait(CurrentTask()); })),
              HasSubstr("cannot wait for its own end"));
  EXPECT_EQ(CurrentTask().Cancelling(), 0);
  co_await Yield();
}

}  // namespace
}  // namespace detent
