// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/timeout.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/test_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kLimit = absl::Milliseconds(10);

std::string NameOf(const std::exception_ptr& error) {
  try {
    if (error != nullptr) std::rethrow_exception(error);
  } catch (const CancelledError&) {
    return "cancelled";
  } catch (const TimeoutError&) {
    return "timeout";
  } catch (const ExceptionGroup& group) {
    return "group of " + std::to_string(group.Exceptions().size());
  } catch (const std::exception& e) {
    return e.what();
  }
  return "value";
}

// "value", "cancelled", "timeout", or the text of another error.
template <typename A>
Coro<std::string> EndOf(A awaitable) {
  const auto outcome = co_await Settle(std::move(awaitable));
  co_return NameOf(outcome.exception());
}

Coro<> Forever() { co_await Sleep(absl::InfiniteDuration()); }

// A loop in the real loop's order, and what it reports.
class TimeoutTest : public ::testing::Test {
 protected:
  TimeoutTest() : loop_(std::make_unique<sim::SimLoop>(sim::Options{.strategy = sim::Fifo()})) {
    loop_->SetExceptionHandler(
        [this](const ExceptionContext& report) { reports_.push_back(report.ToString()); });
  }

  template <typename F>
  void Run(F body) {
    loop_->Run(body);
  }
  void DestroyLoop() { loop_ = nullptr; }
  static absl::Duration Now() { return EventLoop::Current().Time() - LoopTime(); }

  std::vector<std::string> reports_;
  std::unique_ptr<sim::SimLoop> loop_;
};

// to-01, to-13, to-22
SIM_TEST(TimeoutAnyOrderTest, TheDeadlineCancelsTheBodyAndBecomesATimeoutError) {
  std::string seen;
  bool expired = false;
  auto body = [&](Timeout& timeout) -> Coro<> {
    const Outcome<> inside = co_await Catch(Sleep(absl::InfiniteDuration()));
    seen = NameOf(inside.exception());
    expired = timeout.Expired();
    co_await Sleep(absl::Seconds(1));  // The clean-up may take its time.
    co_await Propagate(Outcome<>::Cancelled());
  };
  const LoopTime start = EventLoop::Current().Time();
  EXPECT_EQ(co_await EndOf(WithTimeout(kLimit, body)), "timeout");
  EXPECT_EQ(EventLoop::Current().Time() - start, absl::Seconds(1) + kLimit);
  EXPECT_EQ(seen, "cancelled");
  EXPECT_TRUE(expired);
  EXPECT_EQ(CurrentTask().Cancelling(), 0);
  co_await Yield();  // Does not throw.
}

// to-02, to-06
TEST_F(TimeoutTest, ADeadlineInThePastStrikesAtTheFirstSuspension) {
  Run([&]() -> Coro<> {
    co_await Sleep(absl::Seconds(5));
    bool before = false, after = false;
    auto body = [&](Timeout&) -> Coro<> {
      before = true;
      co_await Yield();
      after = true;
    };
    const LoopTime past = EventLoop::Current().Time() - absl::Seconds(1);
    EXPECT_EQ(co_await EndOf(WithTimeoutAt(past, body)), "timeout");
    EXPECT_TRUE(before && !after);
    EXPECT_EQ(Now(), absl::Seconds(5));
  });
}

// to-03
TEST_F(TimeoutTest, ABodyThatEndsInTimeLeavesNoTimer) {
  Run([&]() -> Coro<> {
    std::unique_ptr<int> value =
        co_await WithTimeout(kLimit, [&](Timeout& timeout) -> Coro<std::unique_ptr<int>> {
          co_await Sleep(kLimit / 2);
          EXPECT_FALSE(timeout.Expired());
          co_return std::make_unique<int>(3);
        });
    EXPECT_EQ(*value, 3);
    co_await Sleep(absl::Seconds(1));
    EXPECT_EQ(CurrentTask().Cancelling(), 0);
  });
}

// to-04
SIM_TEST(TimeoutAnyOrderTest, AnInfiniteOneNeverStrikes) {
  co_await WithTimeout(absl::InfiniteDuration(), [](Timeout& timeout) -> Coro<> {
    EXPECT_EQ(timeout.When(), LoopTime::Never());
    co_await Sleep(absl::Hours(10000));
  });
}

// to-05
TEST_F(TimeoutTest, ZeroAndLessStrikeAtABareYield) {
  Run([&]() -> Coro<> {
    for (const absl::Duration limit : {absl::ZeroDuration(), -absl::Seconds(1), -absl::InfiniteDuration()}) {
      EXPECT_EQ(co_await EndOf(WithTimeout(limit, [](Timeout&) -> Coro<> { co_await Yield(); })), "timeout");
      EXPECT_EQ(co_await WithTimeout(limit, [](Timeout&) -> Coro<int> { co_return 1; }), 1);
      co_await Yield();
    }
  });
}

// to-07
SIM_TEST(TimeoutAnyOrderTest, OnlyTheBlockWhoseDeadlinePassedConverts) {
  std::string inner;
  co_await WithTimeout(absl::Seconds(1), [&](Timeout&) -> Coro<> {
    inner = co_await EndOf(WithTimeout(kLimit, [](Timeout&) { return Forever(); }));
    co_await Yield();
  });
  EXPECT_EQ(inner, "timeout");
  const std::string outer = co_await EndOf(WithTimeout(kLimit, [&](Timeout&) -> Coro<> {
    const Outcome<> end = co_await Catch(WithTimeout(absl::Seconds(1), [](Timeout&) { return Forever(); }));
    inner = NameOf(end.exception());
    co_await Propagate(end);
  }));
  EXPECT_EQ(inner + ", " + outer, "cancelled, timeout");
}

// Near to-08. The outer's timer is older; the inner block then sees two requests and leaves the other to the
// outer.
TEST_F(TimeoutTest, OfTwoDeadlinesAtOnceTheOuterConverts) {
  Run([&]() -> Coro<> {
    std::string inner;
    const std::string outer = co_await EndOf(WithTimeout(kLimit, [&](Timeout&) -> Coro<> {
      const Outcome<> end = co_await Catch(WithTimeout(kLimit, [](Timeout&) { return Forever(); }));
      inner = NameOf(end.exception());
      co_await Propagate(end);
    }));
    EXPECT_EQ(inner + ", " + outer, "cancelled, timeout");
    EXPECT_EQ(CurrentTask().Cancelling(), 0);
    co_await Yield();
  });
}

// to-09
SIM_TEST(TimeoutAnyOrderTest, AfterTheInnerExpiredTheOuterStillCuts) {
  std::string inner;
  const std::string outer = co_await EndOf(WithTimeout(2 * kLimit, [&](Timeout&) -> Coro<> {
    inner = co_await EndOf(WithTimeout(kLimit, [](Timeout&) { return Forever(); }));
    co_await Forever();
  }));
  EXPECT_EQ(inner + ", " + outer, "timeout, timeout");
}

// to-10, to-11
SIM_TEST(TimeoutAnyOrderTest, TheBodysOwnErrorPasses) {
  auto fail = [](Timeout&) -> Coro<> {
    co_await Yield();
    throw std::runtime_error("own");
  };
  EXPECT_EQ(co_await EndOf(WithTimeout(kLimit, fail)), "own");
  auto react = [](Timeout&) -> Coro<> {
    (void)co_await Catch(Forever());
    throw std::runtime_error("reaction");
  };
  EXPECT_EQ(co_await EndOf(WithTimeout(kLimit, react)), "reaction");
  EXPECT_EQ(CurrentTask().Cancelling(), 0);
}

SIM_TEST(TimeoutAnyOrderTest, ABodyThatSwallowsTheCancellationReturns) {
  auto swallow = [](Timeout&) -> Coro<std::string> {
    (void)co_await Catch(Forever());
    co_return "swallowed";
  };
  EXPECT_EQ(co_await WithTimeout(kLimit, swallow), "swallowed");
  EXPECT_EQ(CurrentTask().Cancelling(), 0);
  co_await Yield();
}

// to-12
SIM_TEST(TimeoutAnyOrderTest, ACancellationFromOutsidePasses) {
  for (const Unwind unwind : {Unwind::kThrow, Unwind::kDestroy}) {
    bool entered = false;
    auto body = [&](Timeout&) -> Coro<> {
      entered = true;
      co_await Forever();
    };
    Task<> task =
        Spawn([&]() -> Coro<> { co_await WithTimeout(absl::Seconds(1), body); }, {.unwind = unwind});
    while (!entered) co_await Yield();
    task.Cancel();
    EXPECT_EQ(co_await EndOf(task), "cancelled");
  }
}

// As in CPython 3.13: two requests, one of them is the deadline's; the other is left, so it stays a
// cancellation.
TEST_F(TimeoutTest, ADeadlineAndACancellationAtOnceAreACancellation) {
  Run([&]() -> Coro<> {
    for (const Unwind unwind : {Unwind::kThrow, Unwind::kDestroy}) {
      for (const bool cancel_first : {true, false}) {
        Task<> task =
            Spawn([&]() -> Coro<> { co_await WithTimeout(kLimit, [](Timeout&) { return Forever(); }); },
                  {.unwind = unwind});
        if (cancel_first) EventLoop::Current().CallLater(kLimit, [task] { task.Cancel(); });
        co_await Yield();
        if (!cancel_first) EventLoop::Current().CallLater(kLimit, [task] { task.Cancel(); });
        EXPECT_EQ(co_await EndOf(task), "cancelled");
      }
    }
  });
}

TEST_F(TimeoutTest, ATaskThatIsDestroyedOnCancelGetsItsTimeoutError) {
  Run([&]() -> Coro<> {
    Task<> task = Spawn([]() -> Coro<> { co_await WithTimeout(kLimit, [](Timeout&) { return Forever(); }); },
                        {.unwind = Unwind::kDestroy});
    EXPECT_EQ(co_await EndOf(task), "timeout");
  });
}

// to-14
SIM_TEST(TimeoutAnyOrderTest, RescheduleMovesTheDeadlineBothWays) {
  const LoopTime start = EventLoop::Current().Time();
  auto body = [&](Timeout& timeout) -> Coro<> {
    timeout.Reschedule(LoopTime::Never());
    co_await Sleep(absl::Seconds(1));
    timeout.Reschedule(start + absl::Seconds(9));
    timeout.Reschedule(start + absl::Seconds(3));
    EXPECT_EQ(timeout.When(), start + absl::Seconds(3));
    co_await Forever();
  };
  EXPECT_EQ(co_await EndOf(WithTimeout(kLimit, body)), "timeout");
  EXPECT_EQ(EventLoop::Current().Time() - start, absl::Seconds(3));
}

TEST_F(TimeoutTest, RescheduleTakesAStruckDeadlineBackBeforeItRan) {
  Run([&]() -> Coro<> {
    co_await WithTimeout(absl::ZeroDuration(), [](Timeout& timeout) -> Coro<> {
      timeout.Reschedule(LoopTime::Never());
      co_await Sleep(absl::Seconds(1));
    });
  });
}

// to-15
SIM_TEST(TimeoutAnyOrderTest, RescheduleWhileExpiringIsAnError) {
  auto body = [&](Timeout& timeout) -> Coro<> {
    (void)co_await Catch(Forever());
    timeout.Reschedule(LoopTime::Never());
  };
  EXPECT_EQ(co_await EndOf(WithTimeout(kLimit, body)),
            "Timeout::Reschedule(): the deadline has struck already; reschedule before that");
}

// to-18
SIM_TEST(TimeoutAnyOrderTest, ATimeOutInsideACleanUpWorksOnItsOwn) {
  std::string inner;
  auto cleanup = [&]() -> Coro<> {
    inner = co_await EndOf(WithTimeout(kLimit, [](Timeout&) { return Forever(); }));
  };
  auto body = [&](Timeout&) -> Coro<> { co_await Finally([] { return Forever(); }, cleanup); };
  const std::string outer = co_await EndOf(WithTimeout(kLimit, body));
  EXPECT_EQ(inner + ", " + outer, "timeout, timeout");
}

// to-19, to-20
TEST_F(TimeoutTest, ACancellationSwallowedBeforeDoesNotCount) {
  Run([&]() -> Coro<> {
    std::vector<std::string> ends;
    Task<> task = Spawn([&]() -> Coro<> {
      (void)co_await Catch(Forever());
      ends.push_back(co_await EndOf(WithTimeout(kLimit, [](Timeout&) { return Forever(); })));
      EXPECT_EQ(CurrentTask().Cancelling(), 1);
      auto caught = co_await Catch(WithTimeout(absl::Seconds(1), [](Timeout&) { return Forever(); }));
      ends.push_back(NameOf(caught.exception()));
    });
    co_await Yield();
    task.Cancel();
    co_await Sleep(2 * kLimit);
    task.Cancel();
    co_await task;
    EXPECT_THAT(ends, ElementsAre("timeout", "cancelled"));
  });
}

// to-21
SIM_TEST(TimeoutAnyOrderTest, ATaskGroupsErrorsComeOutOfIt) {
  auto child = []() -> Coro<> {
    (void)co_await Catch(Forever());
    throw std::runtime_error("in the clean-up");
  };
  auto block = [&](TaskGroup& group) -> Coro<> {
    group.Spawn(child());
    co_await Sleep(absl::Milliseconds(1));
    co_await Forever();
  };
  auto body = [&](Timeout&) -> Coro<> { co_await TaskGroup::Run(block); };
  EXPECT_EQ(co_await EndOf(WithTimeout(kLimit, body)), "group of 1");
  EXPECT_EQ(CurrentTask().Cancelling(), 0);
}

TEST_F(TimeoutTest, ABodyThatThrowsBeforeItIsACoroLeavesNoTimer) {
  Run([&]() -> Coro<> {
    auto body = [](Timeout&) -> Coro<> { throw std::runtime_error("plain"); };
    EXPECT_EQ(co_await EndOf(WithTimeout(absl::ZeroDuration(), body)), "plain");
    co_await Sleep(absl::Seconds(1));
  });
  EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(TimeoutTest, ALoopCanBeDestroyedInsideTheBlock) {
  Run([&]() -> Coro<> {
    for (const absl::Duration limit : {absl::Seconds(1), absl::InfiniteDuration(), absl::ZeroDuration()}) {
      Spawn([](absl::Duration d) -> Coro<> { co_await WithTimeout(d, [](Timeout&) { return Forever(); }); },
            limit);
    }
    co_await Yield();
  });
  DestroyLoop();
  EXPECT_THAT(reports_, SizeIs(3));
}

}  // namespace
}  // namespace detent
