// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/async_generator.h"

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
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
using ::testing::IsEmpty;
using Log = std::vector<std::string>;

// Notes when it is destroyed.
class Noting {
 public:
  Noting(Log& log, const char* name) : log_(log), name_(name) {}
  ~Noting() { log_.push_back(name_); }

 private:
  Log& log_;
  const char* name_;
};

class AsyncGeneratorTest : public detent_testing::TestLoop {
 protected:
  AsyncGenerator<int> Count(int n, absl::Duration pause = absl::ZeroDuration()) {
    const Noting noting(log_, "body destroyed");
    for (int i = 0; i < n; ++i) {
      if (pause > absl::ZeroDuration()) co_await Sleep(pause);
      co_yield i;
    }
  }
};

TEST_F(AsyncGeneratorTest, NextGivesTheValuesAndThenNothing) {
  Run([&]() -> Coro<> {
    AsyncGenerator<int> numbers = Count(3, absl::Seconds(1));
    std::vector<int> seen;
    while (std::optional<int> n = co_await numbers.Next()) seen.push_back(*n);
    EXPECT_THAT(seen, ElementsAre(0, 1, 2));
    EXPECT_EQ(Now(), absl::Seconds(3));
    EXPECT_EQ(co_await numbers.Next(), std::nullopt);
  });
}

TEST_F(AsyncGeneratorTest, CallingItRunsNothingAndAYieldDoesNotSuspendTheTask) {
  Run([&]() -> Coro<> {
    EventLoop::Current().CallSoon([&] { Note("another step"); });
    AsyncGenerator<int> numbers = Count(1000);
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(co_await numbers.Next(), i);
    EXPECT_THAT(log_, IsEmpty());
  });
}

// loop-25
TEST_F(AsyncGeneratorTest, ADroppedGeneratorRunsItsDestructors) {
  Run([&]() -> Coro<> {
    {
      AsyncGenerator<int> numbers = Count(3);
      EXPECT_EQ(co_await numbers.Next(), 0);
      AsyncGenerator<int> unstarted = Count(3);
    }
    EXPECT_THAT(log_, ElementsAre("body destroyed"));
    AsyncGenerator<int> numbers = Count(3);
    EXPECT_EQ(co_await numbers.Next(), 0);
    numbers = Count(1);
    EXPECT_EQ(log_.size(), 2u);
    EXPECT_EQ(co_await numbers.Next(), 0);
  });
}

TEST_F(AsyncGeneratorTest, AnErrorComesOutOfNextAndEndsTheSequence) {
  auto failing = []() -> AsyncGenerator<int> {
    co_yield 1;
    co_await Yield();
    throw std::out_of_range("oops");
  };
  Run([&]() -> Coro<> {
    AsyncGenerator<int> numbers = failing();
    EXPECT_EQ(co_await numbers.Next(), 1);
    EXPECT_THROW(co_await numbers.Next(), std::out_of_range);
    EXPECT_EQ(co_await numbers.Next(), std::nullopt);
  });
}

TEST_F(AsyncGeneratorTest, ACancellationIsThrownAtTheBodysAwait) {
  Run([&]() -> Coro<> {
    AsyncGenerator<int> numbers = Count(3, absl::Hours(1));
    Task<> task = Spawn([&]() -> Coro<> { (void)co_await numbers.Next(); });
    co_await Yield();
    task.Cancel();
    EXPECT_TRUE((co_await Settle(task)).cancelled());
    EXPECT_THAT(log_, ElementsAre("body destroyed"));
    EXPECT_EQ(co_await numbers.Next(), std::nullopt);
  });
}

TEST_F(AsyncGeneratorTest, ABodyMayCatchTheCancellationAndYieldOn) {
  auto stubborn = []() -> AsyncGenerator<int> {
    (void)co_await Catch(Sleep(absl::Hours(1)));
    co_yield 7;
  };
  Run([&]() -> Coro<> {
    AsyncGenerator<int> numbers = stubborn();
    Task<int> task = Spawn([&]() -> Coro<int> { co_return *co_await numbers.Next(); });
    co_await Yield();
    task.Cancel();
    EXPECT_EQ(co_await task, 7);
  });
}

TEST_F(AsyncGeneratorTest, ASecondNextAtATimeIsRefused) {
  Run([&]() -> Coro<> {
    AsyncGenerator<int> numbers = Count(3, absl::Seconds(1));
    Task<> task = Spawn([&]() -> Coro<> { (void)co_await numbers.Next(); });
    co_await Yield();
    EXPECT_THROW(co_await numbers.Next(), InvalidStateError);
    co_await task;
    EXPECT_EQ(co_await numbers.Next(), 1);
  });
}

TEST_F(AsyncGeneratorTest, ItMayGoOnInAnotherTask) {
  Run([&]() -> Coro<> {
    AsyncGenerator<int> numbers = Count(3, absl::Seconds(1));
    auto next = [&]() -> Coro<int> { co_return *co_await numbers.Next(); };
    for (int i = 0; i < 3; ++i) EXPECT_EQ(co_await Spawn(next()), i);
  });
}

TEST_F(AsyncGeneratorTest, ValuesMayBeMoveOnlyAndGeneratorsNest) {
  auto boxes = [](int n) -> AsyncGenerator<std::unique_ptr<int>> {
    for (int i = 0; i < n; ++i) co_yield std::make_unique<int>(i);
  };
  auto doubled = [&](AsyncGenerator<std::unique_ptr<int>> inner) -> AsyncGenerator<int> {
    while (auto box = co_await inner.Next()) co_yield **box * 2;
  };
  Run([&]() -> Coro<> {
    AsyncGenerator<int> numbers = doubled(boxes(3));
    std::vector<int> seen;
    while (std::optional<int> n = co_await numbers.Next()) seen.push_back(*n);
    EXPECT_THAT(seen, ElementsAre(0, 2, 4));
  });
}

// The generator is kept by the frame that awaits it: it goes with that frame, once.
TEST_F(AsyncGeneratorTest, UnwindDestroyDestroysABodyThatAwaits) {
  Run([&]() -> Coro<> {
    auto body = [&]() -> Coro<> {
      AsyncGenerator<int> numbers = Count(3, absl::Hours(1));
      (void)co_await numbers.Next();
    };
    Task<> task = Spawn(body(), {.unwind = Unwind::kDestroy});
    co_await Yield();
    task.Cancel();
    EXPECT_TRUE((co_await Settle(task)).cancelled());
  });
  EXPECT_THAT(log_, ElementsAre("body destroyed"));
}

TEST_F(AsyncGeneratorTest, AnEmptyGeneratorHasNoValues) {
  Run([&]() -> Coro<> {
    AsyncGenerator<int> empty;
    EXPECT_EQ(co_await empty.Next(), std::nullopt);
  });
}

AsyncGenerator<int> EndedByPropagate(bool& went_on, Outcome<> how) {
  co_yield 1;
  co_await Propagate(std::move(how));
  went_on = true;
  co_yield 2;
}

// Regression: the error was lost, and a later Next() went on behind the Propagate().
TEST_F(AsyncGeneratorTest, PropagateEndsTheSequence) {
  bool went_on = false;
  Run([&]() -> Coro<> {
    const std::exception_ptr boom = std::make_exception_ptr(std::runtime_error("boom"));
    auto failing = EndedByPropagate(went_on, Outcome<>::Error(boom));
    EXPECT_EQ(co_await failing.Next(), 1);
    const Outcome<> error = co_await Settle(Invoke([&]() -> Coro<> { (void)co_await failing.Next(); }));
    EXPECT_EQ(internal::DescribeException(error.exception()), "boom");
    EXPECT_EQ(co_await failing.Next(), std::nullopt);
    auto ending = EndedByPropagate(went_on, Outcome<>::Value());
    EXPECT_EQ(co_await ending.Next(), 1);
    EXPECT_EQ(co_await ending.Next(), std::nullopt);
    EXPECT_EQ(co_await ending.Next(), std::nullopt);
  });
  EXPECT_FALSE(went_on);
}

// Regression: Next() was accepted by nothing but co_await.
TEST_F(AsyncGeneratorTest, NextGoesWhereACoroGoes) {
  Run([&]() -> Coro<> {
    AsyncGenerator<int> numbers = Count(10, absl::Seconds(1));
    EXPECT_EQ(co_await WaitFor(numbers.Next(), absl::Seconds(2)), 0);
    EXPECT_EQ((co_await Settle(numbers.Next())).value(), 1);
    EXPECT_EQ((co_await Catch(numbers.Next())).value(), 2);
    EXPECT_EQ((co_await AsStatus(numbers.Next())).value(), 3);
    EXPECT_EQ(co_await Spawn(numbers.Next(), {.name = "next"}), 4);
    AsyncGenerator<int> others = Count(10);
    EXPECT_EQ((co_await Gather(numbers.Next(), others.Next())), std::make_tuple(5, 0));
    EXPECT_EQ((co_await Wait(ReturnWhen::kAllCompleted, numbers.Next(), others.Next())).done.size(), 2u);
    EXPECT_EQ(co_await Race(numbers.Next(), others.Next()), 2);
    EXPECT_EQ(co_await TaskGroup::Run(
                  [&](TaskGroup& group) -> Coro<std::optional<int>> { co_return co_await group.Spawn(others.Next()); }),
              3);
  });
}

TEST_F(AsyncGeneratorTest, ATimeoutOfNextEndsTheSequence) {
  Run([&]() -> Coro<> {
    AsyncGenerator<int> numbers = Count(3, absl::Hours(1));
    EXPECT_THROW((void)co_await WaitFor(numbers.Next(), absl::ZeroDuration()), TimeoutError);
    EXPECT_THAT(log_, IsEmpty());  // It was not even started.
    EXPECT_THROW((void)co_await WaitFor(numbers.Next(), absl::Seconds(1)), TimeoutError);
    EXPECT_THAT(log_, ElementsAre("body destroyed"));
    EXPECT_EQ(co_await numbers.Next(), std::nullopt);
  });
}

TEST_F(AsyncGeneratorTest, CatchOfNextStopsUnwindDestroy) {
  Run([&]() -> Coro<> {
    auto body = [&]() -> Coro<> {
      AsyncGenerator<int> numbers = Count(3, absl::Hours(1));
      EXPECT_TRUE((co_await Catch(numbers.Next())).cancelled());
      EXPECT_EQ(co_await numbers.Next(), std::nullopt);
      Note("went on");
    };
    Task<> task = Spawn(body(), {.unwind = Unwind::kDestroy});
    co_await Yield();
    task.Cancel();
    co_await task;
  });
  EXPECT_THAT(log_, ElementsAre("went on", "body destroyed"));
}

// Regression: the frame was destroyed under the task that stood in it.
TEST_F(AsyncGeneratorTest, ANextThatIsNotOverKeepsTheBody) {
  Run([&]() -> Coro<> {
    AsyncGenerator<int> numbers = Count(3, absl::Seconds(1));
    Task<std::optional<int>> suspended = Spawn(numbers.Next());
    co_await Yield();
    numbers = Count(3);
    Task<std::optional<int>> not_started = Spawn(numbers.Next());
    numbers = AsyncGenerator<int>();
    EXPECT_EQ(co_await not_started, 0);
    EXPECT_THAT(log_, ElementsAre("body destroyed"));
    EXPECT_EQ(co_await suspended, 0);
    EXPECT_EQ(log_.size(), 2u);
  });
}

TEST_F(AsyncGeneratorTest, ADroppedGeneratorsNextMayBeCancelled) {
  for (const Unwind unwind : {Unwind::kThrow, Unwind::kDestroy}) {
    Run([&]() -> Coro<> {
      auto numbers = std::make_unique<AsyncGenerator<int>>(Count(3, absl::Hours(1)));
      Task<std::optional<int>> task = Spawn(numbers->Next(), {.unwind = unwind});
      co_await Yield();
      numbers = nullptr;
      EXPECT_THAT(log_, IsEmpty());
      task.Cancel();
      EXPECT_TRUE((co_await Settle(task)).cancelled());
    });
    EXPECT_THAT(log_, ElementsAre("body destroyed"));
    log_.clear();
  }
}

TEST_F(AsyncGeneratorTest, ABodyMayDropItsOwnGenerator) {
  auto suicidal = [](AsyncGenerator<int>& self) -> AsyncGenerator<int> {
    self = AsyncGenerator<int>();
    co_yield 1;
  };
  Run([&]() -> Coro<> {
    AsyncGenerator<int> numbers;
    numbers = suicidal(numbers);
    EXPECT_EQ(co_await numbers.Next(), 1);
    EXPECT_EQ(co_await numbers.Next(), std::nullopt);
  });
}

}  // namespace
}  // namespace detent
