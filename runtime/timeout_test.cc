// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/timeout.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/test_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::DescribeEnd;
using detent_testing::EndOf;
using detent_testing::Forever;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kLimit = absl::Milliseconds(10);

// The text of the InvalidStateError that `call` throws.
template <typename F>
std::string TextOf(F call) {
  try {
    call();
  } catch (const InvalidStateError& error) {
    return error.what();
  }
  return "no error";
}

class TimeoutTest : public detent_testing::TestLoop {};

// to-01, to-13, to-22
SIM_TEST(TimeoutAnyOrderTest, TheDeadlineCancelsTheBodyAndBecomesATimeoutError) {
  std::string seen;
  bool expired = false;
  auto body = [&](Timeout& timeout) -> Coro<> {
    const Outcome<> inside = co_await Catch(Sleep(absl::InfiniteDuration()));
    seen = DescribeEnd(inside.exception());
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
    std::unique_ptr<int> value = co_await WithTimeout(kLimit, [&](Timeout& timeout) -> Coro<std::unique_ptr<int>> {
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
    inner = DescribeEnd(end.exception());
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
      inner = DescribeEnd(end.exception());
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
    Task<> task = Spawn([&]() -> Coro<> { co_await WithTimeout(absl::Seconds(1), body); }, {.unwind = unwind});
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
        Task<> task = Spawn([&]() -> Coro<> { co_await WithTimeout(kLimit, [](Timeout&) { return Forever(); }); },
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
  auto cleanup = [&]() -> Coro<> { inner = co_await EndOf(WithTimeout(kLimit, [](Timeout&) { return Forever(); })); };
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
      ends.push_back(DescribeEnd(caught.exception()));
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
  EXPECT_EQ(co_await EndOf(WithTimeout(kLimit, body)), "[in the clean-up]");
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
      Spawn([](absl::Duration d) -> Coro<> { co_await WithTimeout(d, [](Timeout&) { return Forever(); }); }, limit);
    }
    co_await Yield();
  });
  DestroyLoop();
  EXPECT_THAT(reports_, SizeIs(3));
}

// to-01, to-12
LOOP_TEST(TimeoutOfTheCallersOwnTest, AnswersAfterTheBlock) {
  Timeout patience(absl::Milliseconds(1));
  EXPECT_EQ(co_await EndOf(WithTimeout(patience, [](Timeout&) -> Coro<> { co_await Forever(); })), "timeout");
  EXPECT_TRUE(patience.Expired());

  Timeout unused(absl::Hours(1));
  EXPECT_EQ(co_await WithTimeout(unused,
                                 [&](Timeout& timeout) -> Coro<int> {
                                   EXPECT_EQ(&timeout, &unused);
                                   co_return 7;
                                 }),
            7);
  EXPECT_FALSE(unused.Expired());

  // A TimeoutError from elsewhere is not its own.
  Timeout outer(absl::Hours(1));
  auto block = [](Timeout&) -> Coro<> { co_await WaitFor(Forever(), absl::Milliseconds(1)); };
  EXPECT_EQ(co_await EndOf(WithTimeout(outer, block)), "timeout");
  EXPECT_FALSE(outer.Expired());
}

LOOP_TEST(TimeoutOfTheCallersOwnTest, SaysSoToAlsoIfTheBlockEndedOtherwise) {
  Timeout patience(absl::Milliseconds(1));
  auto swallows = [](Timeout&) -> Coro<int> {
    (void)co_await Catch(Forever());
    co_return 7;
  };
  EXPECT_EQ(co_await WithTimeout(patience, swallows), 7);
  EXPECT_TRUE(patience.Expired());
}

// to-06: the time starts where it is made.
TEST_F(TimeoutTest, OneOfTheCallersOwnCountsFromWhereItIsMade) {
  Run([&]() -> Coro<> {
    Timeout patience(absl::Milliseconds(10));
    EXPECT_EQ(patience.When(), LoopTime() + absl::Milliseconds(10));
    co_await Sleep(absl::Milliseconds(9));
    EXPECT_EQ(co_await EndOf(WithTimeout(patience, [](Timeout&) -> Coro<> { co_await Forever(); })), "timeout");
    EXPECT_EQ(Now(), absl::Milliseconds(10));
    Timeout endless(absl::InfiniteDuration());
    EXPECT_EQ(endless.When(), LoopTime::Never());
  });
}

// to-16
LOOP_TEST(TimeoutOfTheCallersOwnTest, IsForOneBlock) {
  Timeout patience(absl::Hours(1));
  EXPECT_THAT(TextOf([&] { patience.Reschedule(LoopTime::Never()); }), HasSubstr("the block has not begun"));
  auto nothing = [](Timeout&) -> Coro<> { co_return; };
  co_await WithTimeout(patience, nothing);
  EXPECT_THAT(co_await EndOf(WithTimeout(patience, nothing)), HasSubstr("entered already"));
  EXPECT_THAT(TextOf([&] { patience.Reschedule(LoopTime::Never()); }), HasSubstr("the block has ended"));
}

}  // namespace
}  // namespace detent
