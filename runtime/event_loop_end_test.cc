// SPDX-License-Identifier: Apache-2.0
//
// The end of a loop with everything pending, and handles that outlive it. AddressSanitizer is the judge.
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A local that does things when its frame is destroyed.
class AtExit {
 public:
  explicit AtExit(std::function<void()> action) : action_(std::move(action)) {}
  AtExit(const AtExit&) = delete;
  ~AtExit() { action_(); }

 private:
  std::function<void()> action_;
};

class LoopEndTest : public detent_testing::TestLoop {
 protected:
  // Runs `start` as a task of the loop, which ends while everything that it started waits.
  void EndWhilePending(std::function<void()> start) {
    Run([&]() -> Coro<> {
      start();
      for (int i = 0; i < 5; ++i) co_await Yield();
    });
    DestroyLoop();
  }
};

TEST_F(LoopEndTest, EveryPendingTaskIsReportedAndItsFramesDestroyed) {
  auto alive = std::make_shared<int>();
  EndWhilePending([&] {
    Spawn([alive]() -> Coro<> { co_await Sleep(absl::Hours(1)); }, {.name = "sleeper"});
    Spawn([alive]() -> Coro<> { co_await MakeFuture<int>(); }, {.name = "waiter"});
  });
  EXPECT_EQ(alive.use_count(), 1);
  ASSERT_EQ(reports_.size(), 2u);
  EXPECT_THAT(reports_, Each(HasSubstr("was destroyed while pending, waiting for ")));
  EXPECT_THAT(reports_[0], HasSubstr("task \"waiter\""));  // The newest goes first.
}

// Regression: the future and its callback kept each other for good.
TEST_F(LoopEndTest, ACallbackThatCapturesItsOwnFutureIsDropped) {
  auto alive = std::make_shared<int>();
  Future<int> kept;
  EndWhilePending([&] {
    Future<int> future = MakeFuture<int>();
    future.AddDoneCallback([future, alive](Future<int>) {});
    kept = MakeFuture<int>();
    kept.AddDoneCallback([alive](Future<int>) {});
    const uint64_t removed = kept.AddDoneCallback([alive](Future<int>) {});
    EXPECT_EQ(kept.RemoveDoneCallback(removed), 1);
    Future<int> done = MakeFuture<int>();
    done.AddDoneCallback([alive](Future<int>) {});
    done.SetResult(1);
    MakeFuture<int>().AddDoneCallback([alive](Future<int>) {});  // Goes down with its future.
  });
  EXPECT_EQ(alive.use_count(), 1);
  EXPECT_FALSE(kept.Done());
  EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(LoopEndTest, WaitersOfEveryPrimitiveMayBeLeft) {
  Lock lock;
  Event event;
  Condition condition;
  Semaphore semaphore(0);
  Barrier barrier(2);
  Queue<int> empty, full(1);
  full.PutNowait(1);
  EndWhilePending([&] {
    Spawn([&]() -> Coro<> {
      auto held = co_await lock.Hold();
      co_await Sleep(absl::Hours(1));
    });
    for (int i = 0; i < 2; ++i) {
      Spawn([&]() -> Coro<> { auto held = co_await lock.Hold(); });
      Spawn([&]() -> Coro<> { co_await event.Wait(); });
      Spawn([&]() -> Coro<> {
        auto held = co_await condition.Hold();
        co_await condition.Wait();
      });
      Spawn([&]() -> Coro<> { auto permit = co_await semaphore.Hold(); });
      Spawn([&]() -> Coro<> { (void)co_await empty.Get(); });
      Spawn([&]() -> Coro<> { co_await full.Put(2); });
      Spawn([&]() -> Coro<> { co_await full.Join(); });
    }
    Spawn([&]() -> Coro<> { (void)co_await barrier.Wait(); });
  });
  EXPECT_FALSE(lock.Locked());
  EXPECT_EQ(full.Size(), 1u);
}

TEST_F(LoopEndTest, EveryCombinatorMayBeLeft) {
  EndWhilePending([&] {
    auto forever = []() -> Coro<> { co_await Sleep(absl::Hours(1)); };
    Spawn([=]() -> Coro<> { (void)co_await Gather(forever(), MakeFuture<int>(), Spawn(forever())); });
    Spawn([=]() -> Coro<> { (void)co_await GatherSettled(forever(), MakeFuture<int>()); });
    Spawn([=]() -> Coro<> { (void)co_await Wait(ReturnWhen::kFirstCompleted, forever(), MakeFuture<int>()); });
    Spawn([=]() -> Coro<> { (void)co_await Race(forever(), forever()); });
    Spawn([=]() -> Coro<> { co_await WaitFor(forever(), absl::Seconds(100)); });
    Spawn([=]() -> Coro<> { co_await Shield(MakeFuture<>()); });
    Spawn([=]() -> Coro<> { co_await Shield(forever()); });
    Spawn([=]() -> Coro<> {
      std::vector<Coro<>> coros;
      coros.push_back(forever());
      auto completed = AsCompleted(std::move(coros), absl::Seconds(100));
      (void)co_await completed.Next();
    });
    Spawn([=]() -> Coro<> {
      co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
        group.Spawn(forever());
        co_await Finally(forever, forever);
      });
    });
  });
}

// Regression: a gather and a shield of futures that nobody completes kept themselves and those alive for ever.
TEST_F(LoopEndTest, ADroppedGatherOrShieldOfPlainFuturesIsLetGo) {
  auto alive = std::make_shared<int>();
  EndWhilePending([&] {
    Future<int> future = MakeFuture<int>();
    (void)Gather(future, MakeFuture<int>());
    (void)Shield(future);
    future.AddDoneCallback([alive](Future<int>) {});
  });
  EXPECT_EQ(alive.use_count(), 1);
}

TEST_F(LoopEndTest, DestructorsMayUseTheLoop) {
  Event event;
  Queue<int> queue;
  int callbacks = 0;
  EndWhilePending([&] {
    Task<> older = Spawn([&]() -> Coro<> { co_await event.Wait(); });
    Spawn([&, older]() -> Coro<> {
      Future<int> future = MakeFuture<int>();
      AtExit at_exit([&] {
        event.Set();
        older.Cancel();
        queue.PutNowait(1);
        future.SetResult(1);
        EventLoop::Current().CallSoon([&] { ++callbacks; });
        EventLoop::Current().CallLater(absl::Seconds(1), [&] { ++callbacks; });
      });
      co_await Sleep(absl::Hours(1));
    });
    Spawn([&]() -> Coro<> { (void)co_await queue.Get(); });
  });
  EXPECT_EQ(callbacks, 0);
}

TEST_F(LoopEndTest, CallbacksThatDidNotRunAreDropped) {
  auto alive = std::make_shared<int>();
  CallbackHandle kept;
  EndWhilePending([&] {
    EventLoop& loop = EventLoop::Current();
    loop.CallLater(absl::Hours(1), [alive] {});
    kept = loop.CallLater(absl::Hours(1), [alive] {});
    loop.CallAt(LoopTime::Never(), [alive] {});
  });
  EXPECT_EQ(alive.use_count(), 2);
  kept.Cancel();
  kept = CallbackHandle();
  EXPECT_EQ(alive.use_count(), 1);
}

TEST_F(LoopEndTest, NoTaskIsCurrentWhenCallbacksAreDropped) {
  int without_a_task = 0;
  EndWhilePending([&] {
    Spawn([]() -> Coro<> { co_await MakeFuture<>(); });
    auto drop = std::make_shared<AtExit>([&] { without_a_task += internal::CurrentCore()->current_task == nullptr; });
    EventLoop::Current().CallLater(absl::Hours(1), [drop] {});
  });
  EXPECT_EQ(without_a_task, 1);
}

TEST_F(LoopEndTest, HandlesOutliveTheLoop) {
  Future<int> future;
  Future<> done;
  Task<> task;
  Future<> shield;
  std::optional<Coro<>> coro;
  auto alive = std::make_shared<int>();
  EndWhilePending([&] {
    future = MakeFuture<int>();
    future.AddDoneCallback([alive](Future<int>) {});
    done = MakeFuture<>();
    done.SetResult();
    task = Spawn([]() -> Coro<> { co_await Sleep(absl::Hours(1)); }, {.name = "left"});
    shield = Shield(task);
    coro = Invoke([]() -> Coro<> { co_return; });
  });
  EXPECT_TRUE(task.Cancelled());
  EXPECT_EQ(task.Name(), "left");
  EXPECT_FALSE(task.Cancel());
  EXPECT_TRUE(task.Stack().empty());
  EXPECT_TRUE(done.Done());
  // Regression: cancelling it queued the callback in a loop that was gone.
  EXPECT_FALSE(future.Cancel());
  EXPECT_FALSE(future.Done());
  EXPECT_FALSE(shield.Done() && !shield.Cancelled());
  future = Future<int>();
  EXPECT_EQ(alive.use_count(), 1);
  coro->Close();
}

TEST_F(LoopEndTest, ALoopThatNeverRanMayEnd) {
  auto alive = std::make_shared<int>();
  loop_->CallSoon([alive] {});
  loop_->CallLater(absl::Seconds(1), [alive] {});
  DestroyLoop();
  EXPECT_EQ(alive.use_count(), 1);
}

TEST_F(LoopEndTest, ResetDropsEverythingWithoutAReport) {
  auto alive = std::make_shared<int>();
  for (int i = 0; i < 3; ++i) {
    Run([&]() -> Coro<> {
      Spawn([alive]() -> Coro<> { co_await MakeFuture<>(); });
      EventLoop::Current().CallLater(absl::Hours(1), [alive] {});
      (void)Gather(MakeFuture<int>(), MakeFuture<int>());
      co_await Yield();
    });
    loop_->Reset(1);
    EXPECT_EQ(alive.use_count(), 1);
  }
  EXPECT_THAT(reports_, IsEmpty());
}

}  // namespace
}  // namespace detent
