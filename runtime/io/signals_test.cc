// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/signals.h"

#include <csignal>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string TextOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "no error";
}

// Waits until the loop has looked at what was raised before.
Coro<> UntilSeen(int signal) {
  Signals mark(signal);
  RaiseSignal(signal);
  (void)co_await mark.Next();
}

// sig-02
LOOP_TEST(SignalsTest, ASignalWakesWhoWaits) {
  Signals signals(SIGUSR1);
  Task<int> waiter = Spawn([&]() -> Coro<int> { co_return co_await signals.Next(); });
  co_await Yield();
  RaiseSignal(SIGUSR1);
  EXPECT_EQ(co_await waiter, SIGUSR1);
}

LOOP_TEST(SignalsTest, ASignalThatNobodyWaitsForIsKept) {
  Signals signals(SIGUSR1, SIGUSR2);
  RaiseSignal(SIGUSR2);
  co_await UntilSeen(SIGURG);
  RaiseSignal(SIGUSR1);
  co_await UntilSeen(SIGURG);
  EXPECT_EQ(co_await signals.Next(), SIGUSR2);
  EXPECT_EQ(co_await signals.Next(), SIGUSR1);
}

// Where it need not wait it gives way now and then, and loses nothing by that.
LOOP_TEST(SignalsTest, WhoNeedNotWaitGivesWayAndLosesNone, {.schedules = 1}) {
  Signals signals(SIGUSR1, SIGUSR2);
  int turns = 0;
  const Task<> other = Spawn([&turns]() -> Coro<> {
    for (;; ++turns) co_await Yield();
  });
  for (int64_t i = 0; i < 3 * internal::LoopCore::kStepBudget; ++i) {
    RaiseSignal(SIGUSR2);
    EXPECT_EQ(co_await signals.Next(), SIGUSR2) << i;
  }
  EXPECT_GT(turns, 0);
  RaiseSignal(SIGUSR1);
  EXPECT_EQ(co_await signals.Next(), SIGUSR1);
}

LOOP_TEST(SignalsTest, SeveralOfOneSignalAreOne) {
  Signals signals(SIGUSR1, SIGUSR2);
  for (int i = 0; i < 3; ++i) {
    RaiseSignal(SIGUSR1);
    co_await UntilSeen(SIGURG);
  }
  RaiseSignal(SIGUSR2);
  EXPECT_EQ(co_await signals.Next(), SIGUSR1);
  EXPECT_EQ(co_await signals.Next(), SIGUSR2);
}

LOOP_TEST(SignalsTest, EverybodyWhoTakesASignalGetsIt) {
  Signals first(SIGUSR1);
  Signals second(SIGUSR1, SIGUSR2);
  int handled = 0;
  EventLoop::Current().AddSignalHandler(SIGUSR1, [&] { ++handled; });
  RaiseSignal(SIGUSR1);
  EXPECT_EQ(co_await first.Next(), SIGUSR1);
  EXPECT_EQ(co_await second.Next(), SIGUSR1);
  while (handled == 0) co_await Yield();
  EXPECT_EQ(handled, 1);
  EXPECT_TRUE(EventLoop::Current().RemoveSignalHandler(SIGUSR1));
}

LOOP_TEST(SignalsTest, TasksTakeTurns) {
  Signals signals(SIGUSR1, SIGUSR2);
  std::vector<Task<int>> waiters;
  for (int i = 0; i < 2; ++i) {
    waiters.push_back(Spawn([&]() -> Coro<int> { co_return co_await signals.Next(); }));
    while (waiters.back().Stack().empty()) co_await Yield();
  }
  RaiseSignal(SIGUSR1);
  EXPECT_EQ(co_await waiters[0], SIGUSR1);
  EXPECT_FALSE(waiters[1].Done());
  RaiseSignal(SIGUSR2);
  EXPECT_EQ(co_await waiters[1], SIGUSR2);
}

// Whether the cancellation or the signal is first: the next one gets it.
LOOP_TEST(SignalsTest, ACancelledNextTakesNoSignal) {
  Signals signals(SIGUSR1);
  Task<int> first = Spawn([&]() -> Coro<int> { co_return co_await signals.Next(); });
  co_await Yield();
  Task<int> second = Spawn([&]() -> Coro<int> { co_return co_await signals.Next(); });
  co_await Yield();
  RaiseSignal(SIGUSR1);
  first.Cancel();
  const bool first_got_it = co_await EndOf(first) == "value";
  if (first_got_it) RaiseSignal(SIGUSR1);
  EXPECT_EQ(co_await second, SIGUSR1);
}

LOOP_TEST(SignalsTest, WhoWaitsOnSignalsThatGoAreTold) {
  auto signals = std::make_unique<Signals>(SIGUSR1);
  Task<int> waiter = Spawn([&]() -> Coro<int> { co_return co_await signals->Next(); });
  while (waiter.Stack().empty()) co_await Yield();
  signals = nullptr;
  EXPECT_THAT(co_await EndOf(waiter), HasSubstr("it was destroyed by task"));
}

// sig-01
LOOP_TEST(SignalHandlerTest, RunsAsACallbackOfTheLoop) {
  bool handled = false;
  bool was_in_call = false;
  bool calling = true;
  EventLoop::Current().AddSignalHandler(SIGUSR1, [&] {
    handled = true;
    was_in_call = calling;
    EXPECT_FALSE(CurrentTask());
  });
  RaiseSignal(SIGUSR1);
  EXPECT_FALSE(handled);
  calling = false;
  while (!handled) co_await Yield();
  EXPECT_FALSE(was_in_call);
  EventLoop::Current().RemoveSignalHandler(SIGUSR1);
}

// sig-04
LOOP_TEST(SignalHandlerTest, ALaterOneTakesItsPlace) {
  std::string log;
  EventLoop& loop = EventLoop::Current();
  loop.AddSignalHandler(SIGUSR1, [&] { log += 'a'; });
  RaiseSignal(SIGUSR1);
  loop.AddSignalHandler(SIGUSR1, [&] { log += 'b'; });  // What has come and was not handled is its own.
  while (log.empty()) co_await Yield();
  EXPECT_EQ(log, "b");
  EXPECT_TRUE(loop.RemoveSignalHandler(SIGUSR1));
  EXPECT_FALSE(loop.RemoveSignalHandler(SIGUSR1));
}

// sig-07
LOOP_TEST(SignalHandlerTest, MayRemoveItself) {
  int handled = 0;
  Signals also(SIGUSR1);
  EventLoop& loop = EventLoop::Current();
  loop.AddSignalHandler(SIGUSR1, [&] {
    ++handled;
    loop.RemoveSignalHandler(SIGUSR1);
  });
  for (int i = 0; i < 2; ++i) {
    RaiseSignal(SIGUSR1);
    (void)co_await also.Next();
    while (handled == 0) co_await Yield();
  }
  EXPECT_EQ(handled, 1);
}

LOOP_TEST(SignalHandlerTest, RunsOnceForWhatCameBeforeItRan) {
  int handled = 0;
  EventLoop& loop = EventLoop::Current();
  loop.AddSignalHandler(SIGUSR1, [&] { ++handled; });
  RaiseSignal(SIGUSR1);
  RaiseSignal(SIGUSR1);
  co_await UntilSeen(SIGURG);
  while (handled == 0) co_await Yield();
  for (int i = 0; i < 5; ++i) co_await Yield();
  EXPECT_EQ(handled, 1);
  loop.RemoveSignalHandler(SIGUSR1);
}

LOOP_TEST(SignalHandlerTest, SeesTheContextOfWhoAddedIt) {
  ContextVar<int> request;
  request.Set(7);
  int seen = 0;
  EventLoop& loop = EventLoop::Current();
  loop.AddSignalHandler(SIGUSR1, [&] { seen = request.Get(); });
  request.Set(8);
  RaiseSignal(SIGUSR1);
  while (seen == 0) co_await Yield();
  EXPECT_EQ(seen, 7);
  loop.RemoveSignalHandler(SIGUSR1);
}

// What a signal waited for is not called after it was removed, and the signal is not lost to others.
LOOP_TEST(SignalHandlerTest, IsNotCalledAfterItsRemoval) {
  Signals also(SIGUSR1);
  bool handled = false;
  EventLoop& loop = EventLoop::Current();
  loop.AddSignalHandler(SIGUSR1, [&] { handled = true; });
  RaiseSignal(SIGUSR1);
  loop.RemoveSignalHandler(SIGUSR1);
  EXPECT_EQ(co_await also.Next(), SIGUSR1);
  for (int i = 0; i < 5; ++i) co_await Yield();
  EXPECT_FALSE(handled);
}

// sig-06
LOOP_TEST(SignalsTest, WhatCannotBeTakenIsRefused, {.schedules = 1}) {
  EXPECT_EQ(TextOf([] { Signals signals(SIGKILL); }),
            "SIGKILL cannot be taken: the system lets no program take it; clean up on SIGTERM");
  EXPECT_EQ(TextOf([] { Signals signals(SIGTERM, SIGSTOP); }),
            "SIGSTOP cannot be taken: the system lets no program take it; clean up on SIGTERM");
  EXPECT_EQ(TextOf([] { SignalSet set(SIGCHLD); }),
            "SIGCHLD cannot be taken: it tells of child processes, which the loop waits for itself; co_await "
            "Process::Wait()");
  EXPECT_EQ(TextOf([] { EventLoop::Current().AddSignalHandler(SIGSEGV, [] {}); }),
            "SIGSEGV cannot be taken: it says that the running instruction is at fault, and cannot wait for the loop; "
            "correct the fault, or install a handler of your own");
  EXPECT_EQ(TextOf([] { EventLoop::Current().AddSignalHandler(99, [] {}); }),
            "there is no signal 99; give one of <csignal>, such as SIGTERM");
  EXPECT_EQ(TextOf([] { RaiseSignal(0); }), "there is no signal 0; give one of <csignal>, such as SIGTERM");
  EXPECT_EQ(TextOf([] { Signals signals((SignalSet())); }), "Signals(): the set is empty; name at least one signal");
  co_return;
}

TEST(SignalsOutsideTest, ALoopMustRun) {
  EXPECT_THAT(TextOf([] { Signals signals(SIGUSR1); }), HasSubstr("Signals()"));
  EXPECT_THAT(TextOf([] { RaiseSignal(SIGUSR1); }), HasSubstr("RaiseSignal()"));
}

// A signal that its taker leaves is the system's again: those that the system ignores are gone, and nobody dies.
LOOP_TEST(SignalsTest, WhatNobodyTakesAndTheSystemIgnoresIsGone) {
  {
    Signals signals(SIGWINCH);
    RaiseSignal(SIGWINCH);
    co_await UntilSeen(SIGURG);
  }
  RaiseSignal(SIGWINCH);
  Signals signals(SIGWINCH, SIGUSR1);
  RaiseSignal(SIGUSR1);
  EXPECT_EQ(co_await signals.Next(), SIGUSR1);
}

}  // namespace
}  // namespace detent
