// SPDX-License-Identifier: Apache-2.0
//
// Tests that fail on the real loop, each in its own way, and leave a task behind that uses a variable of the body.
// test_body_test.cc and test_macros_test.cc look at what they print.
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "detent/runtime/core.h"
#include "detent/runtime/internal/timer_heap.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"

namespace {

using detent::Coro;
using detent::Yield;

bool OnRealLoop() { return dynamic_cast<detent::sim::SimLoop*>(&detent::EventLoop::Current()) == nullptr; }

class Counter {
 public:
  Counter() { is_alive = true; }
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;
  ~Counter() { is_alive = false; }
  static void Use() {
    if (!is_alive) std::printf("uses what is gone\n");
  }

 private:
  static inline bool is_alive = false;
};

class User {
 public:
  User() {}
  User(const User&) = delete;
  User& operator=(const User&) = delete;
  ~User() { Counter::Use(); }
};

Coro<> Serve() {
  const User user;
  const detent::Outcome<> outcome = co_await detent::Catch(detent::Sleep(absl::InfiniteDuration()));
  Counter::Use();
  for (int i = 0; i < 3; ++i) co_await Yield();
  Counter::Use();
  co_await detent::Propagate(outcome);
}

Coro<> StartServer() {
  detent::Spawn(Serve(), {.name = "server"});
  for (int i = 0; i < 2; ++i) co_await Yield();
  detent::EventLoop::Current().CallSoon(&Counter::Use);
}

LOOP_TEST(LeftBehind, Assert, {.schedules = 1}) {
  if (!OnRealLoop()) co_return;
  const Counter counter;
  co_await StartServer();
  CO_ASSERT_TRUE(false) << "what failed: an assertion";
}

LOOP_TEST(LeftBehind, ExpectAndFall, {.schedules = 1}) {
  if (!OnRealLoop()) co_return;
  const Counter counter;
  co_await StartServer();
  EXPECT_TRUE(false) << "what failed: an expectation";
}

LOOP_TEST(LeftBehind, ExpectAndReturn, {.schedules = 1}) {
  if (!OnRealLoop()) co_return;
  const Counter counter;
  co_await StartServer();
  EXPECT_TRUE(false) << "what failed: an expectation";
  co_return;
}

LOOP_TEST(LeftBehind, Throw, {.schedules = 1}) {
  if (!OnRealLoop()) co_return;
  const Counter counter;
  co_await StartServer();
  throw std::runtime_error("what failed: a call");
}

LOOP_TEST(LeftBehind, Cancel, {.schedules = 1}) {
  if (!OnRealLoop()) co_return;
  const Counter counter;
  co_await StartServer();
  EXPECT_TRUE(false) << "what failed: an expectation";
  detent::CurrentTask().Cancel();
  co_await Yield();
}

LOOP_TEST(LeftBehind, Hang, {.schedules = 1}) {
  if (!OnRealLoop()) co_return;
  const Counter counter;
  co_await StartServer();
  EXPECT_TRUE(false) << "what failed: an expectation";
  co_await detent::Sleep(absl::InfiniteDuration());
}

// A timer of somebody who takes no care of it.
class StrayTimer final : public detent::internal::Timer {
 public:
  StrayTimer() {}
  void Run() override {}
  detent::internal::Lane lane() const override { return detent::internal::Lane(); }
  void Arm() {
    detent::internal::LoopCore& core = detent::EventLoop::Current().core();
    core.AddTimer(this, core.now + absl::Hours(1));
  }
};

LOOP_TEST(StrayTimers, AreLeftBehindOnTheRealLoopToo, {.schedules = 1}) {
  static StrayTimer stray;
  if (OnRealLoop()) stray.Arm();
  co_return;
}

LOOP_TEST(EarlyExit, OnTheRealLoop, {.schedules = 1}) {
  if (OnRealLoop()) std::exit(0);
  co_return;
}

LOOP_TEST(EarlyExit, QuickOnTheRealLoop, {.schedules = 1}) {
  if (OnRealLoop()) std::quick_exit(0);
  co_return;
}

}  // namespace
