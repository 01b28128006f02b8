// SPDX-License-Identifier: Apache-2.0
//
// Which coroutines that nobody awaited are reported: those that were forgotten, not those that go because the task that
// would have awaited them was cancelled.
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CoroDropTest : public detent_testing::TestLoop {};

Coro<> Work() { co_await Sleep(absl::Seconds(2)); }
Coro<> Outer(Coro<> inner) { co_await std::move(inner); }
Coro<> AwaitLater(Coro<> work) {
  co_await Sleep(absl::Seconds(1));
  co_await std::move(work);
}
Coro<> AwaitOwnLater() {
  Coro<> work = Work();
  co_await Sleep(absl::Seconds(1));
  co_await std::move(work);
}
Coro<> Forget([[maybe_unused]] Coro<> work) { co_await Yield(); }
Coro<> Fail([[maybe_unused]] Coro<> work) {
  co_await Yield();
  throw std::runtime_error("it fails");
}

TEST_F(CoroDropTest, ATaskThatIsCancelledBeforeItsFirstStepTakesItsArgumentsAlong) {
  Run([&]() -> Coro<> {
    for (int nested = 0; nested < 2; ++nested) {
      Task<> task = nested == 0 ? Spawn(Outer(Work())) : Spawn(Outer(Outer(WaitFor(Work(), absl::Seconds(1)))));
      task.Cancel();
      (void)co_await Settle(task);
    }
    Task<> gather = Spawn([]() -> Coro<> { co_await Gather(WaitFor(Work(), absl::Seconds(1)), Work()); });
    co_await Yield();
    gather.Cancel();
    (void)co_await Settle(gather);
    (void)co_await Settle(TaskGroup::Run([](TaskGroup& group) -> Coro<> {
      group.Spawn(WaitFor(Work(), absl::Seconds(1)));
      throw std::runtime_error("the body fails");
      co_return;
    }));
  });
  EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(CoroDropTest, ATaskThatIsCancelledInTheMiddleTakesWhatItHadNotAwaitedAlong) {
  for (const Unwind unwind : {Unwind::kThrow, Unwind::kDestroy}) {
    Run([&]() -> Coro<> {
      for (Coro<>* coro : {new Coro<>(AwaitLater(Work())), new Coro<>(AwaitOwnLater()),
                           new Coro<>(Outer(AwaitLater(Work()))), new Coro<>(Outer(AwaitOwnLater()))}) {
        Task<> task = Spawn(std::move(*coro), {.unwind = unwind});
        delete coro;
        co_await Yield();
        co_await Yield();
        task.Cancel();
        (void)co_await Settle(task);
      }
    });
  }
  EXPECT_THAT(reports_, IsEmpty());
}

// What takes the end of its body as an outcome drops the body's frame when the cancellation is in flight no more.
TEST_F(CoroDropTest, ABlockThatIsCancelledInTheMiddleTakesWhatItsBodyHadNotAwaitedAlong) {
  const auto body = [] { return AwaitLater(Work()); };
  const auto timed = [](Timeout&) { return AwaitLater(Work()); };
  const auto group = [](TaskGroup&) { return AwaitLater(Work()); };
  const auto nothing = []() -> Coro<> { co_return; };
  const std::vector<std::function<Coro<>()>> blocks = {
      [&]() -> Coro<> { co_await Propagate(co_await Catch(body())); },
      [&]() -> Coro<> { (void)co_await Settle(body()); },
      [&] { return Finally(body, nothing); },
      [&] { return WithTimeout(absl::Hours(1), timed); },
      [&] { return WithTimeout(absl::Milliseconds(1), timed); },  // The time-out cancels it.
      [&] { return TaskGroup::Run(group); },
  };
  for (const Unwind unwind : {Unwind::kThrow, Unwind::kDestroy}) {
    Run([&]() -> Coro<> {
      for (const std::function<Coro<>()>& block : blocks) {
        Task<> task = Spawn(block(), {.unwind = unwind});
        co_await Sleep(absl::Milliseconds(2));
        task.Cancel();
        EXPECT_FALSE((co_await Settle(task)).ok());
      }
    });
  }
  EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(CoroDropTest, ATaskThatEndsOfItselfForgotIt) {
  Run([&]() -> Coro<> {
    (void)co_await Settle(Spawn(Forget(Work())));
    (void)co_await Settle(Spawn(Fail(Work())));
  });
  EXPECT_THAT(reports_, ElementsAre(HasSubstr("never awaited"), HasSubstr("never awaited")));
}

}  // namespace
}  // namespace detent
