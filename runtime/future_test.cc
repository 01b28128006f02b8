// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/future.h"

#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FutureTest : public detent_testing::TestLoop {};

// A value that counts its copies.
class Counted {
 public:
  Counted() {}
  explicit Counted(int* copies) : copies_(copies) {}
  Counted(const Counted& other) : copies_(other.copies_) { ++*copies_; }
  Counted(Counted&&) = default;
  Counted& operator=(Counted&&) = default;

 private:
  int* copies_ = nullptr;
};

// fut-01
TEST_F(FutureTest, APendingFutureHasNoResult) {
  Run([&]() -> Coro<> {
    Future<int> future = MakeFuture<int>();
    EXPECT_FALSE(future.Done());
    EXPECT_FALSE(future.Cancelled());
    EXPECT_THROW(future.Result(), InvalidStateError);
    EXPECT_THROW(future.Exception(), InvalidStateError);
    co_return;
  });
}

// fut-03, fut-04
TEST_F(FutureTest, ACancelledFutureStaysSo) {
  Run([&]() -> Coro<> {
    Future<int> future = MakeFuture<int>();
    EXPECT_TRUE(future.Cancel());
    EXPECT_TRUE(future.Done());
    EXPECT_TRUE(future.Cancelled());
    EXPECT_FALSE(future.Cancel());
    EXPECT_THROW(future.Result(), CancelledError);
    EXPECT_THROW(future.Exception(), CancelledError);
    EXPECT_THROW(future.SetResult(1), InvalidStateError);
    EXPECT_THROW(future.SetException(std::runtime_error("oops")), InvalidStateError);
    co_return;
  });
}

// fut-05
TEST_F(FutureTest, AResultIsSetOnce) {
  Run([&]() -> Coro<> {
    Future<int> future = MakeFuture<int>();
    future.SetResult(42);
    EXPECT_TRUE(future.Done());
    EXPECT_EQ(future.Result(), 42);
    EXPECT_EQ(future.Result(), 42);
    EXPECT_EQ(future.Exception(), nullptr);
    EXPECT_FALSE(future.Cancel());
    EXPECT_THROW(future.SetResult(1), InvalidStateError);
    EXPECT_THROW(future.SetException(std::runtime_error("oops")), InvalidStateError);
    EXPECT_EQ(co_await future, 42);
  });
}

// fut-06
TEST_F(FutureTest, AnErrorIsTheOneThatWasSet) {
  Run([&]() -> Coro<> {
    Future<> future = MakeFuture();
    EXPECT_THROW(future.SetException(std::exception_ptr()), InvalidStateError);
    EXPECT_FALSE(future.Done());
    std::exception_ptr error = std::make_exception_ptr(std::runtime_error("oops"));
    future.SetException(error);
    EXPECT_EQ(future.Exception(), error);
    EXPECT_THROW(future.Result(), std::runtime_error);
    EXPECT_THROW(co_await future, std::runtime_error);
    EXPECT_FALSE(future.Cancel());
    EXPECT_THROW(future.SetResult(), InvalidStateError);
  });
}

TEST_F(FutureTest, ARefusedResultIsStillTheCallers) {
  Run([&]() -> Coro<> {
    Future<std::unique_ptr<int>> future = MakeFuture<std::unique_ptr<int>>();
    future.Cancel();
    auto value = std::make_unique<int>(1);
    EXPECT_THROW(future.SetResult(std::move(value)), InvalidStateError);
    EXPECT_NE(value, nullptr);
    co_return;
  });
}

// fut-02, fut-10, fut-11
TEST_F(FutureTest, CallbacksRunLaterAndInOrderWithTheFuture) {
  Run([&]() -> Coro<> {
    Future<int> future = MakeFuture<int>();
    for (const char* name : {"a", "b"}) {
      future.AddDoneCallback([&, name](const Future<int>& done) {
        EXPECT_TRUE(done == future);
        Note(name);
      });
    }
    future.SetResult(1);
    EXPECT_THAT(log_, IsEmpty());
    co_await Yield();
    EXPECT_THAT(log_, ElementsAre("a", "b"));
    future.AddDoneCallback([&](const Future<int>&) { Note("late"); });
    EXPECT_EQ(log_.size(), 2u);
    co_await Yield();
    EXPECT_EQ(log_.back(), "late");
  });
}

// fut-12, fut-13
TEST_F(FutureTest, ARemovedCallbackDoesNotRun) {
  Run([&]() -> Coro<> {
    Future<> future = MakeFuture();
    std::vector<uint64_t> ids;
    for (const char* name : {"a", "b", "c"}) {
      ids.push_back(future.AddDoneCallback([&, name](const AnyFuture&) { Note(name); }));
    }
    EXPECT_EQ(future.RemoveDoneCallback(ids[1]), 1);
    EXPECT_EQ(future.RemoveDoneCallback(ids[1]), 0);
    future.SetResult();
    EXPECT_EQ(future.RemoveDoneCallback(ids[0]), 0);  // Queued already.
    co_await Yield();
  });
  EXPECT_THAT(log_, ElementsAre("a", "c"));
}

// fut-14, fut-15, fut-16: there is no comparison to change the list from; a closure's destructor can.
TEST_F(FutureTest, AClosureThatChangesTheCallbacksWhileItGoesIsHarmless) {
  Run([&]() -> Coro<> {
    for (const bool completed : {false, true}) {
      log_.clear();
      Future<> future = MakeFuture();
      uint64_t last = 0;
      auto meddle = [&](int*) {
        future.RemoveDoneCallback(last);
        if (!future.Done()) future.AddDoneCallback([&](const AnyFuture&) { Note("added"); });
      };
      int dummy = 0;
      std::shared_ptr<int> token(&dummy, meddle);
      const uint64_t first = future.AddDoneCallback([&, token](const AnyFuture&) { Note("first"); });
      future.AddDoneCallback([&](const AnyFuture&) { Note("middle"); });
      last = future.AddDoneCallback([&](const AnyFuture&) { Note("last"); });
      token = nullptr;
      if (!completed) {
        EXPECT_EQ(future.RemoveDoneCallback(first), 1);
      }
      future.SetResult();
      co_await Yield();
      if (completed) {
        EXPECT_THAT(log_, ElementsAre("first", "middle", "last"));  // Queued before the closure went.
      } else {
        EXPECT_THAT(log_, ElementsAre("middle", "added"));
      }
    }
  });
}

TEST_F(FutureTest, ACallbackThatThrowsIsReportedAndTheOthersRun) {
  Run([&]() -> Coro<> {
    Future<> future = MakeFuture();
    future.AddDoneCallback([](const AnyFuture&) { throw std::runtime_error("oops"); });
    future.AddDoneCallback([&](const AnyFuture&) { Note("ran"); });
    future.SetResult();
    co_await Yield();
  });
  EXPECT_THAT(log_, ElementsAre("ran"));
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_THAT(reports_[0], HasSubstr("oops"));
}

// fut-17
TEST_F(FutureTest, AwaitingADoneFutureDoesNotSuspend) {
  Run([&]() -> Coro<> {
    Future<int> future = MakeFuture<int>();
    Task<> waiter = Spawn([&]() -> Coro<> {
      co_await future;
      Note("waiter");
    });
    co_await Yield();
    future.SetResult(1);
    co_await future;
    EXPECT_THAT(log_, IsEmpty());
    co_await waiter;
  });
}

TEST_F(FutureTest, WaitersGoOnInTheOrderInWhichTheyCame) {
  Run([&]() -> Coro<> {
    Future<> future = MakeFuture();
    auto wait = [&](const char* name) -> Coro<> {
      co_await future;
      Note(name);
    };
    std::vector<Task<>> tasks;
    for (const char* name : {"a", "b", "c"}) tasks.push_back(Spawn(wait, name));
    co_await Yield();
    future.SetResult();
    co_await Gather(std::move(tasks));
  });
  EXPECT_THAT(log_, ElementsAre("a", "b", "c"));
}

// fut-18, fut-24
TEST_F(FutureTest, ADroppedErrorThatNobodySawIsReported) {
  Run([&]() -> Coro<> {
    Future<> future = MakeFuture();
    future.SetException(std::runtime_error("oops"));
    EXPECT_TRUE(future.HasUnseenError());
    future = Future<>();
    EXPECT_EQ(reports_.size(), 1u);
    co_return;
  });
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_THAT(reports_[0], HasSubstr("oops"));
}

// fut-19, fut-20, fut-21, fut-22, fut-23
TEST_F(FutureTest, NothingElseThatIsDroppedIsReported) {
  Run([&]() -> Coro<> {
    std::vector<Future<int>> futures;
    for (int i = 0; i < 6; ++i) futures.push_back(MakeFuture<int>());
    for (int i = 0; i < 3; ++i) futures[i].SetException(std::runtime_error("oops"));
    EXPECT_NE(futures[0].Exception(), nullptr);
    EXPECT_THROW(futures[1].Result(), std::runtime_error);
    EXPECT_THROW(co_await futures[2], std::runtime_error);
    futures[3].Cancel();
    futures[4].SetResult(1);
  });
  EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(FutureTest, APeekAtTheErrorDoesNotCountAsLooking) {
  Run([&]() -> Coro<> {
    Future<int> future = MakeFuture<int>();
    EXPECT_THROW((void)future.PeekException(), InvalidStateError);
    future.SetException(std::runtime_error("lost"));
    EXPECT_EQ(internal::DescribeException(future.PeekException()), "lost");
    EXPECT_TRUE(future.HasUnseenError());
    Future<int> fine = MakeFuture<int>(), cancelled = MakeFuture<int>();
    fine.SetResult(1);
    EXPECT_EQ(fine.PeekException(), nullptr);
    cancelled.Cancel();
    EXPECT_THROW((void)cancelled.PeekException(), CancelledError);
    co_return;
  });
  EXPECT_THAT(reports_, ElementsAre(HasSubstr("lost")));
  // After a look that counts, a peek takes nothing back.
  Run([&]() -> Coro<> {
    Future<int> future = MakeFuture<int>();
    future.SetException(std::runtime_error("seen"));
    (void)future.Exception();
    (void)future.PeekException();
    co_return;
  });
  EXPECT_EQ(reports_.size(), 1u);
}

TEST_F(FutureTest, TheLastHandleMovesItsValueOutAndOthersCopyIt) {
  Run([&]() -> Coro<> {
    int copies = 0;
    Future<Counted> future = MakeFuture<Counted>();
    Future<Counted> other = future;
    future.SetResult(Counted(&copies));
    const Counted& reference = co_await future;
    (void)reference;
    EXPECT_EQ(copies, 0);
    [[maybe_unused]] const Counted copy = co_await std::move(future);
    EXPECT_EQ(copies, 1);
    [[maybe_unused]] const Counted moved = std::move(other).Result();
    EXPECT_EQ(copies, 1);
    EXPECT_FALSE(other);
    EXPECT_FALSE(future);
  });
}

TEST_F(FutureTest, AMoveOnlyValueMovesOutOfAnyHandle) {
  Run([&]() -> Coro<> {
    Future<std::unique_ptr<int>> future = MakeFuture<std::unique_ptr<int>>();
    Future<std::unique_ptr<int>> other = future;
    future.SetResult(std::make_unique<int>(3));
    EXPECT_EQ(**&co_await future, 3);
    std::unique_ptr<int> value = co_await std::move(future);
    EXPECT_EQ(*value, 3);
    EXPECT_THROW(other.Result(), InvalidStateError);  // Not a null pointer that looks like the result.
    EXPECT_THROW(co_await other, InvalidStateError);
  });
}

TEST_F(FutureTest, AnEmptyHandleSaysSo) {
  Future<int> empty;
  EXPECT_FALSE(empty);
  EXPECT_THROW(empty.Done(), InvalidStateError);
  EXPECT_THROW(empty.Cancel(), InvalidStateError);
  Run([&]() -> Coro<> { EXPECT_THROW(co_await empty, InvalidStateError); });
}

// fut-31, fut-32
TEST_F(FutureTest, AFutureNeedsARunningLoop) { EXPECT_THROW((void)MakeFuture<int>(), InvalidStateError); }

TEST_F(FutureTest, HandlesMayOutliveTheirLoop) {
  Future<int> done, pending, failed;
  Task<> task;
  Run([&]() -> Coro<> {
    done = MakeFuture<int>();
    done.SetResult(1);
    pending = MakeFuture<int>();
    pending.AddDoneCallback([&](const AnyFuture&) { Note("ran"); });
    failed = MakeFuture<int>();
    failed.SetException(std::runtime_error("oops"));
    task = Spawn([&]() -> Coro<> { co_await pending; });
    co_await Yield();
  });
  DestroyLoop();
  EXPECT_EQ(done.Result(), 1);
  EXPECT_TRUE(task.Cancelled());
  EXPECT_FALSE(task.Cancel());
  EXPECT_FALSE(pending.Done());
  EXPECT_THROW(pending.AddDoneCallback([](const AnyFuture&) {}), InvalidStateError);
  EXPECT_THROW(pending.SetResult(2), InvalidStateError);
  EXPECT_THROW(pending.Result(), InvalidStateError);
  EXPECT_THROW(failed.Result(), std::runtime_error);
  EXPECT_THAT(log_, IsEmpty());
}

// Whatever the order of the cancels and the result: who is not cancelled gets it.
SIM_TEST(FutureScheduleTest, AResultReachesEveryWaiterOfAShieldedFuture) {
  Future<int> future = MakeFuture<int>();
  int sum = 0;
  std::vector<Task<>> tasks;
  for (int i = 0; i < 4; ++i) {
    tasks.push_back(Spawn([&]() -> Coro<> { sum += co_await Shield(future); }));
  }
  co_await Yield();
  Task<> canceller = Spawn([&]() -> Coro<> {
    tasks[0].Cancel();
    co_return;
  });
  co_await Yield();
  future.SetResult(5);
  for (int i = 1; i < 4; ++i) co_await tasks[i];
  const Outcome<> first = co_await Settle(tasks[0]);
  co_await canceller;
  EXPECT_EQ(sum, first.ok() ? 20 : 15);
}

}  // namespace
}  // namespace detent
