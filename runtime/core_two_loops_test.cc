// SPDX-License-Identifier: Apache-2.0
//
// Every primitive belongs to the loop in which a task first waited on it, as in asyncio: in another loop a wait is an
// error that says what to do, and changes nothing.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/sim/sim.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::StartsWith;

constexpr char kAdvice[] =
    ": tasks of another event loop have waited on it; make one for each loop, inside its run, and use "
    "CallSoonThreadsafe() or RunCoroutineThreadsafe() to cross loops";

// A wait that has to suspend; and what its error begins with.
class NamedWait {
 public:
  const char* call;
  std::function<Coro<>()> wait;
};

Coro<> HoldFor(Lock& lock) {
  auto held = co_await lock.Hold();
  co_await Yield();
}

// Two contend for `wait`, whatever that does, and one of them is cancelled if it still waits.
Coro<> Contend(const std::function<Coro<>()>& wait) {
  (void)co_await Catch(WaitFor(Invoke(wait), absl::Milliseconds(1)));
}

class Primitives {
 public:
  std::vector<NamedWait> All() {
    return {
        {"Event::Wait on \"e\"", [this]() -> Coro<> { co_await event_.Wait(); }},
        {"Lock::Acquire on \"l\"", [this]() -> Coro<> { co_await Gather(HoldFor(lock_), HoldFor(lock_)); }},
        {"Semaphore::Acquire on \"s\"", [this]() -> Coro<> { co_await semaphore_.Acquire(); }},
        {"Queue::Get on \"q\"", [this]() -> Coro<> { (void)co_await queue_.Get(); }},
        {"Queue::Put on \"f\"", [this]() -> Coro<> { co_await full_.Put(2); }},
        {"Queue::Join on \"f\"", [this]() -> Coro<> { co_await full_.Join(); }},
        {"Condition::Wait on \"c\"",
         [this]() -> Coro<> {
           auto held = co_await condition_.Hold();
           const Outcome<> waited = co_await Catch(condition_.Wait());
           lock_is_held_ = condition_.Locked();
           co_await Propagate(waited);
         }},
        {"Barrier::Wait on \"b\"", [this]() -> Coro<> { (void)co_await barrier_.Wait(); }},
    };
  }
  Primitives() { full_.PutNowait(1); }

  Event event_{"e"};
  Lock lock_{"l"};
  Semaphore semaphore_{0, "s"};
  Queue<int> queue_{1, "q"};
  Queue<int> full_{1, "f"};
  Condition condition_{"c"};
  Barrier barrier_{2, "b"};
  bool lock_is_held_ = false;
};

TEST(TwoLoopsTest, AWaitInASecondLoopIsAnErrorThatSaysWhatToDo) {
  Primitives primitives;
  EpollLoop real;
  sim::SimLoop first({.strategy = sim::Fifo()}), second({.strategy = sim::Fifo()});
  for (const NamedWait& one : primitives.All()) {
    first.Run(Contend(one.wait));
    EventLoop* const others[] = {&second, &real};
    for (EventLoop* other : others) {
      EXPECT_THAT(other->Run(EndOf(Invoke(one.wait))), AllOf(StartsWith(one.call), EndsWith(kAdvice)));
      if (std::string(one.call).starts_with("Condition")) EXPECT_TRUE(primitives.lock_is_held_);
    }
    // The first goes on as before, in a later run and after a Reset() too.
    first.Run(Contend(one.wait));
    first.Reset(7);
    first.Run(Contend(one.wait));
  }
}

// What does not wait ties nothing, and is free in every loop.
TEST(TwoLoopsTest, WhatNeedNotWaitWorksInEveryLoop) {
  Lock lock;
  Queue<int> queue;
  auto use = [&]() -> Coro<int> {
    auto held = co_await lock.Hold();
    co_await queue.Put(1);
    co_return co_await queue.Get();
  };
  for (int i = 0; i < 2; ++i) EXPECT_EQ(sim::SimLoop({.strategy = sim::Fifo()}).Run(use), 1);
  EXPECT_EQ(EpollLoop().Run(use), 1);
}

}  // namespace
}  // namespace detent
