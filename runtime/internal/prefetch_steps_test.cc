// SPDX-License-Identifier: Apache-2.0
//
// What is asked for ahead of time does not show: these are tests of iterations that are long enough for it.
#include "detent/runtime/internal/prefetch_steps.h"

#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

constexpr int kMany = 5'000;

Coro<> Note(std::vector<int>& log, int number) {
  log.push_back(number);
  co_await Yield();
  log.push_back(kMany + number);
}

// Runs callbacks, some of them taken back, and tasks of two steps; `log` is what they left.
Coro<> RunMany(std::vector<int>& log, std::vector<int>& expected) {
  EventLoop& loop = EventLoop::Current();
  std::vector<Task<>> tasks;
  for (int i = 0; i < kMany; ++i) {
    if (i % 3 == 0) {
      CallbackHandle handle = loop.CallSoon([&log, i] { log.push_back(i); });
      if (i % 2 == 0) {
        handle.Cancel();
      } else {
        expected.push_back(i);
      }
    } else {
      tasks.push_back(Spawn(Note(log, i)));
      expected.push_back(i);
    }
  }
  co_await Gather(std::move(tasks));
  for (int i = 0; i < kMany; ++i) {
    if (i % 3 != 0) expected.push_back(kMany + i);
  }
}

TEST(PrefetchStepsTest, OfVeryManyStepsEachRunsInItsTurn) {
  std::vector<int> log, expected;
  detent::Run([&]() -> Coro<> {
    for (int i = 0; i < 4; ++i) co_await RunMany(log, expected);
  });
  EXPECT_EQ(log, expected);
}

TEST(PrefetchStepsTest, WhatVeryManyStepsMakeReadyIsForTheNextIteration) {
  std::vector<int> log;
  EpollLoop loop;
  for (int i = 0; i < kMany; ++i) {
    loop.CallSoon([&, i] {
      log.push_back(i);
      if (i == 10) loop.Stop();
      // Twice as many as there were, so that they need more room.
      for (int twice = 0; twice < 2; ++twice) loop.CallSoon([&] { log.push_back(-1); });
    });
  }
  loop.RunForever();
  ASSERT_EQ(log.size(), static_cast<size_t>(kMany));
  for (int i = 0; i < kMany; ++i) EXPECT_EQ(log[static_cast<size_t>(i)], i);
  loop.CallSoon([&] { loop.Stop(); });
  loop.RunForever();
  EXPECT_EQ(log.size(), static_cast<size_t>(3 * kMany));
}

TEST(PrefetchStepsTest, NothingIsAskedForPastTheEnd) {
  std::vector<size_t> asked;
  internal::PrefetchSteps([&](size_t ahead) {
    asked.push_back(ahead);
    return internal::Step();
  });
  EXPECT_EQ(asked, (std::vector<size_t>{16, 8}));
}

}  // namespace
}  // namespace detent
