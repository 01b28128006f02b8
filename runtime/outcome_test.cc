// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/outcome.h"

#include <cerrno>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
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
using ::testing::SizeIs;

constexpr Unwind kBoth[] = {Unwind::kThrow, Unwind::kDestroy};

Coro<int> Give(int value) {
  co_await Yield();
  co_return value;
}

Coro<std::unique_ptr<int>> Box(int value) {
  co_await Yield();
  co_return std::make_unique<int>(value);
}

template <typename E>
Coro<> Fail(E error) {
  co_await Yield();
  throw error;
}

// Ends with an outcome that it is given.
template <typename T>
Coro<T> EndWith(Outcome<T> outcome) {
  co_await Yield();
  co_await Propagate(std::move(outcome));
  ADD_FAILURE() << "Propagate() returned";
  throw std::logic_error("unreachable");
}

// Spawns `body`, cancels it at its first wait, and gives how it ended.
template <typename F>
Coro<std::string> CancelAtTheWait(F body, Unwind unwind) {
  Task<> task = Spawn(body, {.unwind = unwind});
  while (task.Stack().empty() && !task.Done()) co_await Yield();
  task.Cancel();
  co_return co_await EndOf(task);
}

class OutcomeTest : public detent_testing::TestLoop {};

TEST_F(OutcomeTest, HoldsAValueAnErrorOrACancellation) {
  Outcome<std::unique_ptr<int>> value = Outcome<std::unique_ptr<int>>::Value(new int(1));
  EXPECT_TRUE(value.ok() && !value.cancelled() && value.exception() == nullptr);
  EXPECT_EQ(*value.value(), 1);
  const std::unique_ptr<int> taken = std::move(value).value();
  EXPECT_EQ(*taken, 1);

  const Outcome<> error = Outcome<>::Error(std::make_exception_ptr(std::runtime_error("no")));
  EXPECT_TRUE(!error.ok() && !error.cancelled());
  EXPECT_THROW(error.value(), std::runtime_error);

  const Outcome<int> cancelled;
  EXPECT_TRUE(!cancelled.ok() && cancelled.cancelled());
  EXPECT_EQ(DescribeEnd(cancelled.exception()), "cancelled");
  EXPECT_THROW((void)cancelled.value(), CancelledError);
}

SIM_TEST(SettleTest, AnErrorBecomesAValue) {
  EXPECT_EQ((co_await Settle(Give(3))).value(), 3);
  EXPECT_EQ(DescribeEnd((co_await Settle(Fail(std::runtime_error("no")))).exception()), "no");
  EXPECT_EQ(DescribeEnd((co_await Settle(Spawn(Fail(std::runtime_error("no"))))).exception()), "no");
  std::unique_ptr<int> box = (co_await Settle(Box(4))).value();
  EXPECT_EQ(*box, 4);
  Task<std::unique_ptr<int>> task = Spawn(Box(5));
  box = (co_await Settle(std::move(task))).value();
  EXPECT_EQ(*box, 5);
  Queue<int> queue;
  queue.PutNowait(6);
  EXPECT_EQ((co_await Settle(queue.Get())).value(), 6);
  queue.Shutdown();
  EXPECT_THROW((co_await Settle(queue.Get())).value(), QueueShutDown);
}

SIM_TEST(SettleTest, ACancelledTaskIsAnOutcomeAndThisTasksCancellationIsNot) {
  Task<> victim = Spawn(Forever());
  victim.Cancel();
  EXPECT_TRUE((co_await Settle(victim)).cancelled());
  for (const Unwind unwind : kBoth) {
    bool went_on = false;
    Task<> inner = Spawn(Forever());
    auto of_task = [&]() -> Coro<> {
      (void)co_await Settle(inner);
      went_on = true;
    };
    auto of_coro = [&]() -> Coro<> {
      (void)co_await Settle(Forever());
      went_on = true;
    };
    auto of_operation = [&]() -> Coro<> {
      (void)co_await Settle(Sleep(absl::InfiniteDuration()));
      went_on = true;
    };
    EXPECT_EQ(co_await CancelAtTheWait(of_task, unwind), "cancelled");
    EXPECT_EQ(co_await CancelAtTheWait(of_coro, unwind), "cancelled");
    EXPECT_EQ(co_await CancelAtTheWait(of_operation, unwind), "cancelled");
    EXPECT_FALSE(went_on);
  }
}

// The awaited task is cancelled from elsewhere and this one too, in either order, before this one runs.
SIM_TEST(SettleTest, ACancellationOfBothPropagates) {
  for (const Unwind unwind : kBoth) {
    for (const bool inner_first : {true, false}) {
      Task<> inner = Spawn(Forever());
      bool waits = false;
      Task<> outer = Spawn(
          [&]() -> Coro<> {
            waits = true;
            (void)co_await Settle(inner);
            ADD_FAILURE();
          },
          {.unwind = unwind});
      while (!waits || inner.Stack().empty()) co_await Yield();
      (inner_first ? inner : outer).Cancel();
      (inner_first ? outer : inner).Cancel();
      EXPECT_TRUE((co_await Settle(outer)).cancelled());
    }
  }
}

SIM_TEST(CatchTest, CapturesThisTasksCancellationWhichStaysCounted) {
  for (const Unwind unwind : kBoth) {
    std::vector<std::string> log;
    auto body = [&]() -> Coro<> {
      Outcome<> caught = co_await Catch(Forever());
      log.push_back(DescribeEnd(caught.exception()));
      log.push_back(std::to_string(CurrentTask().Cancelling()));
      co_await Sleep(absl::Seconds(1));  // Cleaning up is possible.
      co_await Propagate(std::move(caught));
    };
    EXPECT_EQ(co_await CancelAtTheWait(body, unwind), "cancelled");
    EXPECT_THAT(log, ElementsAre("cancelled", "1"));
  }
}

SIM_TEST(CatchTest, ATaskMayTakeTheRequestBackAndEndWell) {
  for (const Unwind unwind : kBoth) {
    auto body = [&]() -> Coro<> {
      (void)co_await Catch(Sleep(absl::InfiniteDuration()));
      EXPECT_EQ(CurrentTask().Uncancel(), 0);
      co_await Yield();
    };
    EXPECT_EQ(co_await CancelAtTheWait(body, unwind), "value");
  }
}

SIM_TEST(CatchTest, ASecondCancellationStrikesTheCleanUp) {
  for (const Unwind unwind : kBoth) {
    std::string second;
    Task<> task = Spawn(
        [&]() -> Coro<> {
          (void)co_await Catch(Forever());
          const Outcome<> caught = co_await Catch(Forever());
          second = DescribeEnd(caught.exception());
          co_await Forever();
        },
        {.unwind = unwind});
    for (int i = 0; i < 3; ++i) {
      co_await Sleep(absl::Milliseconds(1));  // Until the task waits again.
      task.Cancel();
    }
    EXPECT_TRUE((co_await Settle(task)).cancelled());
    EXPECT_EQ(second, "cancelled");
  }
}

// Frames below the Catch() are destroyed or unwound, innermost first; those above it go on.
TEST(CatchTest, StopsTheUnwindingOfADestroyedTask) {
  sim::SimLoop loop({.strategy = sim::Fifo()});
  loop.Run([]() -> Coro<> {
    for (const Unwind unwind : kBoth) {
      std::vector<std::string> log;
      class Note {
       public:
        Note(std::vector<std::string>* out, std::string text) : out_(out), text_(std::move(text)) {}
        ~Note() { out_->push_back(text_); }

       private:
        std::vector<std::string>* out_;
        std::string text_;
      };
      auto inner = [&]() -> Coro<> {
        const Note note(&log, "inner");
        co_await Forever();
      };
      auto middle = [&]() -> Coro<> {
        const Note note(&log, "middle");
        co_await inner();
      };
      auto outer = [&]() -> Coro<> {
        const Note note(&log, "outer");
        const Outcome<> caught = co_await Catch(middle());
        log.push_back("caught " + DescribeEnd(caught.exception()));
      };
      EXPECT_EQ(co_await CancelAtTheWait(outer, unwind), "value");
      EXPECT_THAT(log, ElementsAre("inner", "middle", "caught cancelled", "outer"));
    }
  });
}

SIM_TEST(AsStatusTest, EveryErrorHasItsCode) {
  const auto code_of = [](std::exception_ptr error) -> Coro<absl::StatusCode> {
    const absl::Status status = co_await AsStatus(EndWith(Outcome<>::Error(error)));
    co_return status.code();
  };
  const auto made = [](auto error) { return std::make_exception_ptr(error); };
  EXPECT_EQ(co_await code_of(made(TimeoutError())), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(co_await code_of(made(StatusError(absl::DataLossError("x")))), absl::StatusCode::kDataLoss);
  EXPECT_EQ(co_await code_of(made(std::system_error(ENOENT, std::generic_category()))), absl::StatusCode::kNotFound);
  EXPECT_EQ(co_await code_of(made(std::system_error(EACCES, std::system_category()))),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(co_await code_of(made(std::system_error(std::make_error_code(std::future_errc::broken_promise)))),
            absl::StatusCode::kUnknown);
  EXPECT_EQ(co_await code_of(made(std::runtime_error("x"))), absl::StatusCode::kUnknown);
  EXPECT_EQ(co_await code_of(made(42)), absl::StatusCode::kUnknown);
  EXPECT_EQ((co_await AsStatus(Fail(std::runtime_error("the text")))).message(), "the text");
  Task<> victim = Spawn(Forever());
  victim.Cancel();
  EXPECT_EQ((co_await AsStatus(victim)).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(co_await AsStatus(Yield()), absl::OkStatus());
}

// A failure is never ok, whatever it carries.
SIM_TEST(AsStatusTest, AnErrorThatSaysOkIsUnknown) {
  EXPECT_EQ((co_await AsStatus(Fail(StatusError(absl::OkStatus())))).code(), absl::StatusCode::kUnknown);
  EXPECT_EQ((co_await AsStatus(Fail(std::system_error(0, std::generic_category())))).code(),
            absl::StatusCode::kUnknown);
}

Coro<absl::Status> Refuse() { co_return absl::AbortedError("no"); }
Coro<absl::StatusOr<int>> RefuseInt() { co_return absl::AbortedError("no"); }
Coro<absl::StatusOr<std::unique_ptr<int>>> BoxOr() { co_return std::make_unique<int>(8); }

SIM_TEST(AsStatusTest, AStatusInsideIsFlattened) {
  const absl::Status status = co_await AsStatus(Refuse());
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  const absl::StatusOr<int> number = co_await AsStatus(RefuseInt());
  EXPECT_EQ(number.status().code(), absl::StatusCode::kAborted);
  const absl::Status of_task = co_await AsStatus(Spawn(Refuse()));
  EXPECT_EQ(of_task.code(), absl::StatusCode::kAborted);
  absl::StatusOr<std::unique_ptr<int>> box = co_await AsStatus(BoxOr());
  EXPECT_EQ(**box, 8);
  absl::StatusOr<std::unique_ptr<int>> plain = co_await AsStatus(Box(9));
  EXPECT_EQ(**plain, 9);
}

SIM_TEST(AsStatusTest, ThisTasksCancellationIsNoStatus) {
  for (const Unwind unwind : kBoth) {
    auto body = [&]() -> Coro<> {
      (void)co_await AsStatus(Forever());
      ADD_FAILURE();
    };
    EXPECT_EQ(co_await CancelAtTheWait(body, unwind), "cancelled");
  }
}

SIM_TEST(PropagateTest, EndsTheCoroutineWithValuesToo) {
  std::unique_ptr<int> box = co_await EndWith(Outcome<std::unique_ptr<int>>::Value(new int(7)));
  EXPECT_EQ(*box, 7);
  co_await EndWith(Outcome<>::Value());
  EXPECT_EQ(co_await Spawn(EndWith(Outcome<int>::Value(3))), 3);
  EXPECT_THROW(co_await EndWith(Outcome<>::Error(std::make_exception_ptr(std::runtime_error("no")))),
               std::runtime_error);
  EXPECT_THROW((void)co_await EndWith(Outcome<int>::Cancelled()), CancelledError);
  Task<int> cancelled = Spawn(EndWith(Outcome<int>::Cancelled()));
  (void)co_await Settle(cancelled);
  EXPECT_TRUE(cancelled.Cancelled());
}

SIM_TEST(PropagateTest, AValueOfAnotherTypeIsAnError) {
  auto body = []() -> Coro<int> {
    co_await Propagate(Outcome<std::string>::Value("text"));
    co_return 1;
  };
  const Outcome<int> end = co_await Settle(body());
  EXPECT_THAT(DescribeEnd(end.exception()), HasSubstr("the outcome has a value of another type"));
}

SIM_TEST(FinallyTest, TheCleanUpRunsHoweverTheBodyEnded) {
  for (const Unwind unwind : kBoth) {
    int cleaned = 0;
    auto cleanup = [&]() -> Coro<> {
      co_await Sleep(absl::Milliseconds(1));
      ++cleaned;
    };
    std::unique_ptr<int> box = co_await Finally([] { return Box(4); }, cleanup);
    EXPECT_EQ(*box, 4);
    auto fail = [] { return Fail(std::runtime_error("body")); };
    EXPECT_EQ(co_await EndOf(Finally(fail, cleanup)), "body");
    auto body = [&]() -> Coro<> { co_await Finally([] { return Forever(); }, cleanup); };
    EXPECT_EQ(co_await CancelAtTheWait(body, unwind), "cancelled");
    EXPECT_EQ(cleaned, 3);
    auto bad = [] { return Fail(std::runtime_error("cleanup")); };
    EXPECT_EQ(co_await EndOf(Finally(fail, bad)), "cleanup");
    auto angry = [&]() -> Coro<> { co_await Finally([] { return Forever(); }, bad); };
    EXPECT_EQ(co_await CancelAtTheWait(angry, unwind), "cleanup");
  }
}

TEST_F(OutcomeTest, ALoopCanBeDestroyedInTheMiddleOfEachOfThem) {
  Run([]() -> Coro<> {
    for (const Unwind unwind : kBoth) {
      Spawn([]() -> Coro<> { (void)co_await Settle(Forever()); }, {.unwind = unwind});
      Spawn([]() -> Coro<> { (void)co_await Catch(Spawn(Forever())); }, {.unwind = unwind});
      Spawn([]() -> Coro<> { (void)co_await AsStatus(Sleep(absl::Hours(1))); }, {.unwind = unwind});
      Spawn([]() -> Coro<> { co_await Finally([] { return Forever(); }, [] { return Forever(); }); },
            {.unwind = unwind});
    }
    co_await Yield();
    co_await Yield();
  });
  DestroyLoop();
  EXPECT_THAT(reports_, SizeIs(10));
}

// Regression: the await that refused stayed marked as one that catches: the destruction stopped in the wrong
// frame.
TEST(CatchTest, OfSomethingThatRefusedToWaitDoesNotStopALaterUnwinding) {
  sim::SimLoop other;
  Future<int> foreign;
  other.Run([&]() -> Coro<> {
    foreign = MakeFuture<int>();
    co_return;
  });
  sim::SimLoop loop;
  bool went_on = false;
  loop.Run([&]() -> Coro<> {
    Task<> task = Spawn(
        [&]() -> Coro<> {
          try {
            (void)co_await Catch(foreign);
            ADD_FAILURE();
          } catch (const InvalidStateError&) {
          }
          co_await Invoke([]() -> Coro<> { co_await Sleep(absl::Hours(1)); });
          went_on = true;
        },
        {.unwind = Unwind::kDestroy});
    co_await Sleep(absl::Seconds(1));
    task.Cancel();
    (void)co_await Settle(task);
    EXPECT_TRUE(task.Cancelled());
  });
  EXPECT_FALSE(went_on);
}

}  // namespace
}  // namespace detent
