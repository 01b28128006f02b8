// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/ledger.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/runtime/io/net.h"
#include "detent/testing/explore.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using detent::Coro;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

Coro<> Nothing() { co_return; }
Coro<> WaitFor(detent::Event& event) { co_await event.Wait(); }

TEST(LedgerTest, AnOpenSocketIsNamedWithItsPlace) {
  static detent::Connection* kept = nullptr;
  const Report report = Explore({.schedules = 20}, []() -> Coro<> {
    delete std::exchange(kept, nullptr);
    detent::Listener listener = co_await detent::Listen("db", 5432);
    detent::Connection client = co_await detent::Connect("db", 5432);
    detent::Connection server = co_await listener.Accept();
    kept = new detent::Connection(std::move(server));
  });
  EXPECT_FALSE(report.ok);
  EXPECT_THAT(report.failure, AllOf(HasSubstr("left behind at the end of the run"),
                                    HasSubstr("\n  a Connection to 127.0.0.1:49152, opened at ledger_test.cc:35")));
  EXPECT_EQ(report.schedules, 1u);
  delete kept;
}

TEST(LedgerTest, WhoConnectedIsNamedAndNotTheLibrary) {
  static detent::Connection* kept = nullptr;
  const Report report = Explore({.schedules = 20}, []() -> Coro<> {
    delete std::exchange(kept, nullptr);
    detent::Listener listener = co_await detent::Listen("db", 5432);
    detent::Connection client = co_await detent::Connect("db", 5432);
    kept = new detent::Connection(std::move(client));
  });
  EXPECT_THAT(report.failure, HasSubstr("a Connection to db:5432, opened at ledger_test.cc:50"));
  delete kept;
}

TEST(LedgerTest, AClosedSocketIsNotOpen) {
  const Report report = Explore({.schedules = 20}, []() -> Coro<> {
    detent::Listener listener = co_await detent::Listen("db", 5432);
    listener.Close();
  });
  EXPECT_TRUE(report.ok) << report.text;
}

// A future in a circle: its callback holds it.
TEST(LedgerTest, AFutureInACircleIsLeftBehind) {
  class Cell {
   public:
    std::shared_ptr<Cell> self;
    detent::Future<int> future;
  };
  static Cell* kept = nullptr;
  const Report report = Explore({.schedules = 20}, []() -> Coro<> {
    if (kept != nullptr) std::exchange(kept, nullptr)->self = nullptr;
    auto cell = std::make_shared<Cell>();
    cell->self = cell;
    cell->future = detent::MakeFuture<int>();
    kept = cell.get();
    co_return;
  });
  EXPECT_FALSE(report.ok);
  EXPECT_THAT(report.failure, HasSubstr("left behind at the end of the run"));
  kept->self = nullptr;
}

TEST(LedgerTest, ACoroutineThatNobodyRunsOrDestroysIsLeftBehind) {
  static auto* kept = new std::vector<Coro<>>;
  const Report report = Explore({.schedules = 20}, []() -> Coro<> {
    kept->push_back(Nothing());
    co_return;
  });
  EXPECT_FALSE(report.ok);
  EXPECT_THAT(report.failure, HasSubstr("a coroutine that stands at ledger_test.cc:26"));
}

// What a test does not do every time is seen in the schedule that does it.
TEST(LedgerTest, ATaskThatOneOrderLeavesBehindIsFoundAndShrunk) {
  static detent::Task<>* kept = nullptr;
  const Report report = Explore({.schedules = 200}, []() -> Coro<> {
    delete std::exchange(kept, nullptr);
    std::string order;
    auto append = [](std::string& to, char name) -> Coro<> {
      to.push_back(name);
      co_return;
    };
    detent::Task<> a = detent::Spawn(append(order, 'a'), {.name = "the first"});
    detent::Task<> b = detent::Spawn(append(order, 'b'));
    co_await detent::Gather(a, b);
    if (order == "ba") kept = new detent::Task<>(std::move(a));
  });
  EXPECT_FALSE(report.ok);
  EXPECT_THAT(report.failure, AllOf(HasSubstr("task \"the first\""), HasSubstr("made at ledger_test.cc:")));
  EXPECT_EQ(report.tape.entries().size(), 1u) << report.text;
  delete kept;
}

// What a cancelled task waited in is none of it.
TEST(LedgerTest, TasksThatAreLeftAreEndedFirst) {
  const Report report = Explore({.schedules = 20}, []() -> Coro<> {
    auto event = std::make_shared<detent::Event>();
    (void)detent::Spawn([](std::shared_ptr<detent::Event> its) -> Coro<> { co_await WaitFor(*its); }(event));
    (void)detent::EventLoop::Current().CallLater(absl::Hours(1), [event] {});
    co_await detent::Yield();
  });
  EXPECT_TRUE(report.ok) << report.text;
}

TEST(LedgerTest, TheRealLoopsBooksAreKeptToo) {
  internal::Failure failure;
  std::optional<internal::Ledger> ledger;
  std::optional<detent::Listener> kept;
  {
    detent::EpollLoop loop;
    ledger.emplace(loop, internal::Ledger::Blocks::kCounted);
    loop.Run([&]() -> Coro<> {
      (void)detent::EventLoop::Current().CallLater(absl::Hours(1), [] {});
      detent::Listener closed = co_await detent::Listen("127.0.0.1", 0);
      kept = co_await detent::Listen("127.0.0.1", 0);
    });
  }
  ledger->Balance(failure);
  EXPECT_THAT(failure.text(), AllOf(HasSubstr("\n  a Listener at 127.0.0.1:"), HasSubstr("opened at ledger_test.cc:")));
  kept.reset();
  internal::Failure none;
  ledger->Balance(none);
  EXPECT_FALSE(none) << none.text();
}

// A timer of somebody who takes no care of it.
class StrayTimer final : public detent::internal::Timer {
 public:
  StrayTimer() {}
  void Run() override {}
  detent::internal::Lane lane() const override { return detent::internal::Lane(); }
  void Arm(absl::Duration time) {
    detent::internal::LoopCore& core = detent::EventLoop::Current().core();
    core.AddTimer(this, core.now + time);
  }
  void Cancel() { detent::EventLoop::Current().core().timers.Remove(this); }
};

LOOP_TEST(LedgerTest, TimersThatFiredWereCancelledOrAreACallbacksAreInOrder) {
  StrayTimer cancelled;
  cancelled.Arm(absl::Hours(1));
  cancelled.Cancel();
  detent::CallbackHandle forgotten = detent::EventLoop::Current().CallLater(absl::Hours(1), [] {});
  detent::EventLoop::Current().CallLater(absl::Hours(2), [] {}).Cancel();
  (void)co_await detent::Wait(detent::ReturnWhen::kAllCompleted, absl::Hours(1), Nothing());
  (void)co_await detent::WithTimeout(absl::Hours(1), [](detent::Timeout&) { return Nothing(); });
  co_await detent::Sleep(absl::Milliseconds(1));
}

TEST(LedgerTest, ATimerThatNobodyWaitsForIsLeftBehind) {
  static StrayTimer* kept = nullptr;
  const Report report = Explore({.schedules = 20}, []() -> Coro<> {
    delete std::exchange(kept, new StrayTimer);
    co_await detent::Sleep(absl::Seconds(1));
    kept->Arm(absl::Seconds(2));
  });
  EXPECT_THAT(report.failure,
              AllOf(HasSubstr("left behind at the end of the run"), HasSubstr("\n  a timer that is due at 3s")));
  EXPECT_EQ(report.schedules, 1u);
  delete kept;
}

TEST(LedgerTest, ATimeoutThatOutlivesItsTaskIsToldWithItsPlace) {
  class Kept final : public detent::Timeout {
   public:
    using Timeout::Timeout;
  };
  static std::optional<Kept> kept;
  const Report report = Explore({.schedules = 20}, []() -> Coro<> {
    co_await detent::Spawn([]() -> Coro<> {
      kept.emplace(absl::Hours(1)).Enter();
      co_return;
    });
  });
  EXPECT_THAT(report.failure, ContainsRegex("\n  a time-out that is due at 1h, ledger_test.cc:[0-9]+"));
  kept.reset();
}

TEST(LedgerTest, ATimerThatWasDestroyedWhileArmedIsAFault) {
  const Report report = Explore({.schedules = 20}, []() -> Coro<> {
    static std::optional<StrayTimer> timer;
    timer.emplace().Arm(absl::Seconds(2));
    timer.emplace();  // At the same address, so that reading it is no fault of this test.
    co_return;
  });
  EXPECT_THAT(report.failure,
              HasSubstr("destroyed while armed, or armed twice: timers that are due at 2s; a build with "
                        "AddressSanitizer says whose they were"));
}

TEST(LedgerTest, TheRealLoopsTimersAreCountedToo) {
  StrayTimer stray;
  internal::Failure failure;
  detent::EpollLoop loop;
  internal::Ledger ledger(loop, internal::Ledger::Blocks::kNotCounted);
  loop.Run([&]() -> Coro<> {
    stray.Arm(absl::Hours(1));
    co_return;
  });
  ledger.CountTimers();
  loop.core().timers.Remove(&stray);
  ledger.Balance(failure);
  EXPECT_THAT(failure.text(), HasSubstr("\n  a timer that is due at "));
}

}  // namespace
}  // namespace detent_testing
