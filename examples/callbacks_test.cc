// SPDX-License-Identifier: Apache-2.0
//
// Plain callbacks on a loop: soon, after a while, at a given time; and how they mix with tasks.
#include <string>
#include <vector>

#include "detent/examples/transcript.h"
#include "detent/runtime/core.h"
#include "detent/testing/testing.h"

namespace {

using detent::CallbackHandle;
using detent::Coro;
using detent::EventLoop;
using detent::LoopTime;
using detent::Sleep;
using detent::Spawn;
using detent::Task;
using detent_examples::ExpectTranscript;
using detent_examples::ExpectTranscriptOfLoop;
using detent_examples::kSecond;
using detent_examples::Print;
using detent_examples::Transcript;

// --- CallSoon, CallLater, CallAt ---

Coro<> CallbacksOfThreeKinds() {
  EventLoop& loop = EventLoop::Current();
  const LoopTime now = loop.Time();
  loop.CallLater(0.2 * kSecond, [] { Print("call_later 0.2"); });
  loop.CallLater(0.1 * kSecond, [] { Print("call_later 0.1"); });
  loop.CallAt(now + 0.3 * kSecond, [] { Print("call_at 0.3"); });
  loop.CallSoon([] { Print("call_soon 1"); });
  loop.CallSoon([] { Print("call_soon 2"); });
  Print("scheduled");
  co_await Sleep(0.4 * kSecond);
}

LOOP_TEST(CallbackTest, RunSoonAndLater) {
  const Transcript printed = co_await ExpectTranscript([] { return CallbacksOfThreeKinds(); }, R"(
scheduled
call_soon 1
call_soon 2
call_later 0.1
call_later 0.2
call_at 0.3
)");
  EXPECT_EQ(printed.lines().front(), "scheduled");
  EXPECT_TRUE(printed.Before("call_soon 1", "call_soon 2"));
  EXPECT_TRUE(printed.Before("call_later 0.1", "call_later 0.2"));
}

// --- A clock that ticks: each callback schedules the next; the third stops the loop ---

class Clock {
 public:
  explicit Clock(EventLoop& loop) : loop_(loop) {}

  void Show() {
    Print("tick ", ++ticks_);
    if (ticks_ < 3) {
      loop_.CallLater(0.2 * kSecond, [this] { Show(); });
    } else {
      loop_.Stop();
    }
  }

 private:
  EventLoop& loop_;
  int ticks_ = 0;
};

TEST(CallbackTest, KeepsItselfGoingAndStopsTheLoop) {
  auto program = [](EventLoop& loop) {
    Clock clock(loop);
    loop.CallSoon([&] { clock.Show(); });
    loop.RunForever();
    Print("the loop has stopped");
  };
  ExpectTranscriptOfLoop(program, R"(
tick 1
tick 2
tick 3
the loop has stopped
)");
}

// --- A callback that was taken back ---

Coro<> TakeACallbackBack() {
  EventLoop& loop = EventLoop::Current();
  CallbackHandle first = loop.CallLater(0.1 * kSecond, [] { Print("first"); });
  loop.CallLater(0.2 * kSecond, [] { Print("second"); });
  first.Cancel();
  Print("cancelled: ", first.Cancelled());
  co_await Sleep(0.3 * kSecond);
}

LOOP_TEST(CallbackTest, DoesNotRunOnceItIsCancelled) {
  co_await ExpectTranscript([] { return TakeACallbackBack(); }, R"(
cancelled: True
second
)");
}

// --- Callbacks between tasks ---

Coro<> DoSomeWork(int i) {
  Print("Working ", i);
  co_await Sleep(kSecond);
}

// The tutorial calls loop.run_until_complete() in here, which asyncio refuses, as detent does: the loop
// already runs. To wait inside the loop is to co_await.
Coro<> ScheduleCallbacksBetween() {
  std::vector<Task<>> tasks;
  for (int i = 0; i < 10; ++i) tasks.push_back(Spawn(DoSomeWork, i));
  EventLoop& loop = EventLoop::Current();
  for (int i = 0; i < 10; ++i) {
    loop.CallSoon([] { Print("Scheduled..."); });
    co_await Sleep(0.1 * kSecond);
  }
  Print("Done!");
}

LOOP_TEST(CallbackTest, RunsBetweenTasks) {
  const Transcript printed = co_await ExpectTranscript([] { return ScheduleCallbacksBetween(); }, R"(
Working 0
Working 1
Working 2
Working 3
Working 4
Working 5
Working 6
Working 7
Working 8
Working 9
Scheduled...
Scheduled...
Scheduled...
Scheduled...
Scheduled...
Scheduled...
Scheduled...
Scheduled...
Scheduled...
Scheduled...
Done!
)");
  EXPECT_EQ(printed.lines().back(), "Done!");
}

LOOP_TEST(CallbackTest, ALoopDoesNotRunInsideItself) {
  EventLoop& loop = EventLoop::Current();
  try {
    loop.Run(DoSomeWork(0));
    ADD_FAILURE() << "a loop ran inside itself";
  } catch (const detent::InvalidStateError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("already runs"));
  }
  co_return;
}

}  // namespace
