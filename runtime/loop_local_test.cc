// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/loop_local.h"

#include <memory>
#include <string>
#include <vector>

#include "detent/runtime/runtime.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;

class Counter {
 public:
  int count = 0;
};
LoopLocal<Counter> counter;

LOOP_TEST(LoopLocalTest, TasksOfALoopShareOneValueWhichStartsAnewInEachRun) {
  EXPECT_EQ(counter.Get().count, 0);
  ++counter.Get().count;
  const int seen = co_await Spawn([]() -> Coro<int> { co_return ++counter.Get().count; });
  EXPECT_EQ(seen, 2);
  EventLoop::Current().CallSoon([] { ++counter.Get().count; });
  co_await Sleep(absl::Milliseconds(1));
  EXPECT_EQ(counter.Get().count, 3);
}

// Each loop has a value of its own, also those of OnThreads().
LOOP_TEST(LoopLocalTest, EachLoopHasItsOwn) {
  counter.Get().count = 100;
  std::vector<int> counts(2);
  co_await OnThreads(2, [&](int index) -> Coro<> {
    for (int i = 0; i <= index; ++i) {
      ++counter.Get().count;
      co_await Yield();
    }
    Task<int> task = Spawn([]() -> Coro<int> { co_return counter.Get().count; });
    counts[static_cast<size_t>(index)] = co_await task;
  });
  EXPECT_THAT(counts, ElementsAre(1, 2));
  EXPECT_EQ(counter.Get().count, 100);
}

std::vector<std::string>* ends = nullptr;

class Ends {
 public:
  ~Ends() {
    if (ends != nullptr) ends->push_back(name + (EventLoop::CurrentOrNull() != nullptr ? " in its loop" : ""));
  }
  std::string name;
};
LoopLocal<Ends> first;
LoopLocal<Ends> second;

TEST(LoopLocalTest, ValuesGoWithTheLoopTheLatestFirst) {
  std::vector<std::string> log;
  ends = &log;
  const auto body = []() -> Coro<> {
    first.Get().name = "first";
    second.Get().name = "second";
    co_return;
  };
  {
    EpollLoop loop;
    loop.Run(body);
    EXPECT_THAT(log, ElementsAre());
  }
  EXPECT_THAT(log, ElementsAre("second in its loop", "first in its loop"));
  log.clear();
  sim::SimLoop loop;
  loop.Run(body);
  loop.Reset(1);
  EXPECT_THAT(log, ElementsAre("second in its loop", "first in its loop"));
  ends = nullptr;
}

LOOP_TEST(LoopLocalTest, AValueStaysWhenAnEarlierVariableGetsOne) {
  second.Get().name = "mine";
  (void)first.Get();
  EXPECT_EQ(second.Get().name, "mine");
  co_return;
}

class MakesAnother {
 public:
  MakesAnother();
  int number = 0;
};
LoopLocal<MakesAnother> outer;
LoopLocal<Counter> inner;
MakesAnother::MakesAnother() { ++inner.Get().count; }

LOOP_TEST(LoopLocalTest, AConstructorMayAskForAnother) {
  outer.Get().number = 7;
  EXPECT_EQ(outer.Get().number, 7);
  EXPECT_EQ(inner.Get().count, 1);
  co_return;
}

class NeedsAnotherAtItsEnd {
 public:
  ~NeedsAnotherAtItsEnd() { second.Get().name = "anew"; }
};
LoopLocal<NeedsAnotherAtItsEnd> needy;

TEST(LoopLocalTest, WhatADestructorMakesAnewGoesInTheLoopToo) {
  std::vector<std::string> log;
  ends = &log;
  {
    EpollLoop loop;
    loop.Run([]() -> Coro<> {
      (void)needy.Get();
      second.Get().name = "second";
      co_return;
    });
  }
  EXPECT_THAT(log, ElementsAre("second in its loop", "anew in its loop"));
  ends = nullptr;
}

TEST(LoopLocalMisuseTest, OutsideALoopThereIsNoValue) {
  try {
    (void)counter.Get();
    ADD_FAILURE();
  } catch (const InvalidStateError& e) {
    EXPECT_STREQ(e.what(),
                 "LoopLocal::Get(): no event loop runs on this thread; call it from code that runs inside "
                 "EventLoop::Run() or detent::Run()");
  }
}

}  // namespace
}  // namespace detent
