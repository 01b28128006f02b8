// SPDX-License-Identifier: Apache-2.0
//
// When the real loop looks up from its steps: at the end of an iteration in which something needs it, however seldom it
// would otherwise.
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

// Short steps, after which the loop looks up from them seldom.
Coro<> TakeManySteps() {
  for (int i = 0; i < 1000; ++i) co_await Yield();
}

TEST(EpollLoopLookUpTest, ATimerThatIsDueAlreadyRunsInTheNextIteration) {
  EpollLoop loop;
  int steps = 0;
  loop.Run([&]() -> Coro<> {
    co_await TakeManySteps();
    bool fired = false;
    loop.CallAt(LoopTime(), [&] { fired = true; });
    while (!fired) {
      co_await Yield();
      ++steps;
    }
  });
  EXPECT_EQ(steps, 2);  // In the first the callback's turn comes after the task's.
}

TEST(EpollLoopLookUpTest, StopEndsTheRunAfterTheIteration) {
  EpollLoop loop;
  int steps = 0;
  loop.CallSoon([&] {
    Spawn([&]() -> Coro<> {
      co_await TakeManySteps();
      EventLoop::Current().Stop();
      while (true) {
        co_await Yield();
        ++steps;
      }
    });
  });
  loop.RunForever();
  EXPECT_EQ(steps, 0);
  loop.CancelAllTasks();
}

TEST(EpollLoopLookUpTest, DebugModeMayBeginInTheMiddle) {
  EpollLoop loop;
  std::vector<std::string> reports;
  loop.SetExceptionHandler([&](const ExceptionContext& context) { reports.push_back(context.message); });
  loop.Run([&]() -> Coro<> {
    co_await TakeManySteps();
    loop.SetDebug(true);
    co_await Yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    co_await Yield();
  });
  EXPECT_EQ(reports.size(), 1u);
}

}  // namespace
}  // namespace detent
