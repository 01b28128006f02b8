// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/threadsafe.h"

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/sim/sim.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A loop on this thread, and a function that runs on another one while the loop does.
class ThreadsafeTest : public ::testing::Test {
 protected:
  ThreadsafeTest() {
    loop_.SetExceptionHandler([this](const ExceptionContext& context) { reports_.push_back(context.ToString()); });
  }

  // Runs the loop until `fn`, on a thread of its own, has returned.
  void RunBeside(const std::function<void()>& fn) {
    std::thread thread([&] {
      fn();
      loop_.CallSoonThreadsafe([this] { loop_.Stop(); });
    });
    loop_.RunForever();
    thread.join();
  }

  EpollLoop loop_;
  std::vector<std::string> reports_;
};

Coro<int> Add(int a, int b) {
  co_await Yield();
  co_return a + b;
}

Coro<> SleepLong() { co_await Sleep(absl::Hours(1)); }

// thr-08, fut-30
TEST_F(ThreadsafeTest, GetGivesTheResult) {
  RunBeside([&] {
    ThreadFuture<int> sum = RunCoroutineThreadsafe(loop_, Add, 1, 2);
    EXPECT_EQ(sum.Get(), 3);
    EXPECT_TRUE(sum.Done());
    EXPECT_EQ(sum.Get(), 3);
  });
}

Coro<std::unique_ptr<int>> Box(int value) { co_return std::make_unique<int>(value); }

// Regression: Get() copied, so that a result that only moves did not compile.
TEST_F(ThreadsafeTest, AResultThatOnlyMovesIsMovedOutOnce) {
  RunBeside([&] {
    EXPECT_EQ(*RunCoroutineThreadsafe(loop_, Box, 7).Get(), 7);
    ThreadFuture<std::unique_ptr<int>> boxed = RunCoroutineThreadsafe(loop_, Box, 8);
    ThreadFuture<std::unique_ptr<int>> copy = boxed;
    EXPECT_EQ(*boxed.Get(), 8);
    EXPECT_EQ(*std::move(boxed).Get(absl::Seconds(10)), 8);
    try {
      (void)copy.Get();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const InvalidStateError& e) {
      EXPECT_THAT(e.what(), HasSubstr("the result was already moved out by `std::move(future).Get()`"));
    }
  });
}

TEST_F(ThreadsafeTest, AResultThatCanBeCopiedStaysForTheOtherCopies) {
  RunBeside([&] {
    ThreadFuture<std::string> text = RunCoroutineThreadsafe(loop_, []() -> Coro<std::string> { co_return "text"; });
    ThreadFuture<std::string> copy = text;
    static_assert(std::is_same_v<decltype(text.Get()), const std::string&>);
    EXPECT_EQ(std::move(text).Get(), "text");
    EXPECT_EQ(copy.Get(), "text");
  });
}

TEST_F(ThreadsafeTest, TheCoroutineRunsOnTheLoopsThread) {
  const std::thread::id here = std::this_thread::get_id();
  RunBeside([&] {
    auto body = [&, text = std::string(100, 'x')]() -> Coro<std::string> {
      EXPECT_EQ(std::this_thread::get_id(), here);
      co_await Sleep(absl::Milliseconds(1));
      co_return text;
    };
    EXPECT_EQ(RunCoroutineThreadsafe(loop_, body).Get(), std::string(100, 'x'));
  });
}

// thr-09
TEST_F(ThreadsafeTest, GetThrowsTheError) {
  RunBeside([&] {
    auto fail = []() -> Coro<> {
      co_await Yield();
      throw std::out_of_range("oops");
    };
    EXPECT_THROW(RunCoroutineThreadsafe(loop_, fail).Get(), std::out_of_range);
  });
  EXPECT_THAT(reports_, IsEmpty());
}

// thr-10
TEST_F(ThreadsafeTest, AGetThatTimesOutMayBeFollowedByACancel) {
  RunBeside([&] {
    ThreadFuture<> future = RunCoroutineThreadsafe(loop_, SleepLong);
    EXPECT_THROW(future.Get(absl::Milliseconds(1)), TimeoutError);
    EXPECT_FALSE(future.Done());
    future.Cancel();
    EXPECT_THROW(future.Get(), CancelledError);
    future.Cancel();
  });
}

TEST_F(ThreadsafeTest, CancelReachesATaskThatWaits) {
  RunBeside([&] {
    std::atomic<bool> has_begun = false;
    auto body = [&]() -> Coro<> {
      has_begun = true;
      co_await Sleep(absl::Hours(1));
    };
    ThreadFuture<> future = RunCoroutineThreadsafe(loop_, body);
    while (!has_begun) std::this_thread::yield();
    future.Cancel();
    EXPECT_THROW(future.Get(), CancelledError);
  });
}

// thr-11
TEST_F(ThreadsafeTest, ATaskThatIsCancelledInItsLoopMakesGetThrow) {
  RunBeside([&] {
    auto body = []() -> Coro<> {
      CurrentTask().Cancel();
      co_await Sleep(absl::Hours(1));
    };
    EXPECT_THROW(RunCoroutineThreadsafe(loop_, body).Get(), CancelledError);
  });
}

TEST_F(ThreadsafeTest, AnErrorOfAFunctionThatThrowsInsteadOfMakingACoroReachesGet) {
  RunBeside([&] {
    auto refuse = [](int n) -> Coro<> {
      if (n == 0) throw std::invalid_argument("no task");
      return SleepLong();
    };
    EXPECT_THROW(RunCoroutineThreadsafe(loop_, refuse, 0).Get(), std::invalid_argument);
  });
  EXPECT_THAT(reports_, IsEmpty());  // It was thrown inside the task.
}

TEST_F(ThreadsafeTest, ManyThreadsMayWaitForOneResult) {
  RunBeside([&] {
    ThreadFuture<int> sum = RunCoroutineThreadsafe(loop_, Add, 2, 3);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([sum] { EXPECT_EQ(sum.Get(), 5); });
    for (std::thread& thread : threads) thread.join();
  });
}

TEST_F(ThreadsafeTest, AThreadFutureThatIsDroppedLeavesTheTaskAlone) {
  bool done = false;
  RunBeside([&] {
    (void)RunCoroutineThreadsafe(loop_, [&]() -> Coro<> {
      co_await Yield();
      done = true;
    });
    EXPECT_EQ(RunCoroutineThreadsafe(loop_, Add, 1, 1).Get(), 2);
  });
  EXPECT_TRUE(done);
}

TEST(ThreadsafeLifetimeTest, GetSaysThatTheLoopIsGone) {
  auto loop = std::make_unique<EpollLoop>();
  loop->SetExceptionHandler([](const ExceptionContext&) {});
  std::optional<ThreadFuture<>> started, queued;
  started = RunCoroutineThreadsafe(*loop, SleepLong);
  loop->Run([]() -> Coro<> {
    for (int i = 0; i < 3; ++i) co_await Yield();
  });
  std::thread([&] { queued = RunCoroutineThreadsafe(*loop, SleepLong); }).join();
  loop = nullptr;
  for (const auto& future : {*started, *queued}) {
    try {
      future.Get(absl::Seconds(10));
      ADD_FAILURE() << "nothing was thrown";
    } catch (const InvalidStateError& e) {
      EXPECT_THAT(e.what(), HasSubstr("closed"));
    } catch (const CancelledError&) {
      ADD_FAILURE() << "cancelled";
    }
    future.Cancel();
  }
}

TEST(ThreadsafeLifetimeTest, ASimLoopRefusesOtherThreads) {
  sim::SimLoop loop;
  std::thread([&] { EXPECT_THROW(RunCoroutineThreadsafe(loop, SleepLong), InvalidStateError); }).join();
}

TEST(ThreadsafeLifetimeTest, AHandleMayOutliveItsLoop) {
  auto loop = std::make_unique<EpollLoop>();
  const LoopHandle handle(*loop);
  std::vector<std::string> calls;
  std::thread([&] { EXPECT_TRUE(handle.CallSoonThreadsafe([&] { calls.push_back("from a thread"); })); }).join();
  EXPECT_TRUE(handle.CallSoonThreadsafe([&] { calls.push_back("from its own"); }));
  loop->Run([]() -> Coro<> { co_await Yield(); });
  EXPECT_EQ(calls, (std::vector<std::string>{"from a thread", "from its own"}));
  loop = nullptr;
  const auto expect_gone = [&] {
    EXPECT_FALSE(handle.CallSoonThreadsafe([] { ADD_FAILURE() << "it ran"; }));
    EXPECT_THROW(RunCoroutineThreadsafe(handle, Add, 1, 2).Get(), InvalidStateError);
  };
  std::thread(expect_gone).join();
  expect_gone();
}

TEST_F(ThreadsafeTest, AHandleStartsCoroutines) {
  const LoopHandle handle(loop_);
  RunBeside([&] { EXPECT_EQ(RunCoroutineThreadsafe(handle, Add, 1, 2).Get(), 3); });
}

TEST(ThreadsafeLifetimeTest, AHandleOfASimLoopRefusesOtherThreads) {
  sim::SimLoop loop;
  const LoopHandle handle(loop);
  std::thread([&] { EXPECT_THROW((void)handle.CallSoonThreadsafe([] {}), InvalidStateError); }).join();
  EXPECT_TRUE(handle.CallSoonThreadsafe([] {}));
}

// Regression: there was no bound, and a loop that does not keep up filled the memory.
TEST(ThreadsafeLifetimeTest, TheInboxHasABound) {
  EpollLoop loop({.inbox_max = 2});
  int ran = 0;
  std::thread([&] {
    loop.CallSoonThreadsafe([&] { ++ran; });
    loop.CallSoonThreadsafe([&] { ++ran; });
    EXPECT_THROW(loop.CallSoonThreadsafe([&] { ran = 100; }), QueueFull);
  }).join();
  loop.Run([]() -> Coro<> { co_await Yield(); });
  EXPECT_EQ(ran, 2);
}

// Regression: a null pointer was followed.
TEST(ThreadsafeLifetimeTest, AnEmptyThreadFutureSaysSo) {
  ThreadFuture<int> empty;
  EXPECT_FALSE(empty);
  try {
    (void)empty.Done();
    ADD_FAILURE();
  } catch (const InvalidStateError& e) {
    EXPECT_STREQ(e.what(), "the ThreadFuture is empty: assign it what RunCoroutineThreadsafe() gives before using it");
  }
  EXPECT_THROW((void)empty.Get(), InvalidStateError);
  EXPECT_THROW(empty.Cancel(), InvalidStateError);
}

}  // namespace
}  // namespace detent
