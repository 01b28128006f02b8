// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/trace.h"

#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using detent::Coro;
using detent::Spawn;
using detent::Task;
using detent::sim::SimLoop;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

template <typename F>
Trace Record(F body, const detent::sim::StrategyOption& strategy = detent::sim::Fifo()) {
  SimLoop loop({.strategy = strategy});
  TraceRecorder recorder;
  loop.SetObserver(&recorder);
  try {
    loop.Run([&] { return body(); });
  } catch (const std::exception&) {
  } catch (const detent::CancelledError&) {
  }
  loop.SetObserver(nullptr);
  loop.Reset(0);
  return recorder.Take();
}

// What the task called `name` does, an event each.
std::vector<std::string> TextsOf(const Trace& trace, const std::string& name) {
  std::vector<std::string> texts;
  for (const TraceEvent& event : trace.events) {
    if (!trace.IsTask(event.lane) || trace.NameOf(event.lane) != name || event.kind == TraceEvent::Kind::kHop) continue;
    texts.push_back(event.ending.empty() ? event.text : absl::StrCat(event.text, ", ", event.ending));
  }
  return texts;
}

TEST(TraceTest, SaysFromWhatATaskGoesOn) {
  const Trace trace = Record([]() -> Coro<> {
    detent::Lock ledger("ledger");
    detent::Event go("go");
    detent::Queue<int> orders(1, "orders");
    detent::Shared<int> sum(0, "sum");
    auto held = co_await ledger.Hold();
    const Task<> alice = Spawn(
        [&]() -> Coro<> {
          auto mine = co_await ledger.Hold();
          co_await go.Wait();
          (void)co_await orders.Get();
          co_await sum.Store(1);
          co_await detent::Yield(ledger);
          co_await detent::Sleep(absl::Seconds(1));
        },
        {.name = "alice"});
    co_await detent::Yield();
    held.Release();
    co_await detent::Sleep(absl::Seconds(1));
    go.Set();
    co_await detent::Sleep(absl::Seconds(1));
    co_await orders.Put(1);
    co_await alice;
  });
  EXPECT_THAT(TextsOf(trace, "alice"),
              ElementsAre("starts", "Lock::Acquire on \"ledger\"", "Event::Wait on \"go\"",
                          "Queue::Get on \"orders\" (empty)", "writing \"sum\"", "Yield", "Sleep until 3s, ends"));
  EXPECT_THAT(TextsOf(trace, "task-1"),
              ElementsAre("starts", "Yield", "Sleep until 1s", "Sleep until 2s", "alice ended, ends"));
  EXPECT_EQ(trace.events.back().time - detent::LoopTime(), absl::Seconds(3));
}

TEST(TraceTest, SaysHowATaskEnds) {
  const Trace trace = Record([]() -> Coro<> {
    detent::Event never("never");
    const Task<> fails = Spawn([]() -> Coro<> { throw std::runtime_error("no money"); }, {.name = "fails"});
    const Task<> waits = Spawn([&]() -> Coro<> { co_await never.Wait(); }, {.name = "waits"});
    const Task<> fresh = Spawn([]() -> Coro<> { co_return; }, {.name = "fresh"});
    fresh.Cancel();
    co_await detent::Yield();
    waits.Cancel();
    (void)co_await GatherSettled(fails, waits, fresh);
  });
  EXPECT_THAT(TextsOf(trace, "fails"), ElementsAre("starts, fails: no money"));
  EXPECT_THAT(TextsOf(trace, "waits"), ElementsAre("starts", "cancelled in Event::Wait on \"never\", is cancelled"));
  EXPECT_THAT(TextsOf(trace, "fresh"), ElementsAre("starts, is cancelled"));
}

TEST(TraceTest, SaysWhatATaskIsLeftWaitingFor) {
  const Trace trace = Record([]() -> Coro<> {
    detent::Lock ledger("ledger");
    auto held = co_await ledger.Hold();
    const Task<> alice = Spawn([&]() -> Coro<> { auto mine = co_await ledger.Hold(); }, {.name = "alice"});
    co_await alice;
  });
  EXPECT_THAT(TextsOf(trace, "alice"), ElementsAre("starts", "waits: Lock::Acquire on \"ledger\", held by task-1"));
  EXPECT_THAT(TextsOf(trace, "task-1"), ElementsAre("starts", "waits: the end of task \"alice\""));
}

TEST(TraceTest, ATaskThatTheLibrarySpawnedStandsWhereItsCoroutineIsDefined) {
  const auto child = []() -> Coro<> { co_await detent::Yield(); };
  const Trace trace = Record([&]() -> Coro<> { co_await Gather(child(), child()); });
  for (const TraceEvent& event : trace.events) {
    if (event.kind == TraceEvent::Kind::kStep) EXPECT_THAT(event.place, StartsWith("trace_test.cc:")) << event.text;
  }
}

// It only watches: an error that nobody looks at is still reported, and a result is still moved.
TEST(TraceTest, ChangesNothing) {
  for (const bool observed : {false, true}) {
    SimLoop loop({.seed = 3});
    TraceRecorder recorder;
    if (observed) loop.SetObserver(&recorder);
    std::vector<std::string> reports;
    loop.SetExceptionHandler([&](const detent::ExceptionContext& context) { reports.push_back(context.ToString()); });
    loop.Run([]() -> Coro<> {
      Spawn([]() -> Coro<> { throw std::runtime_error("lost"); }, {.name = "loser"});
      Task<std::string> text = Spawn([]() -> Coro<std::string> { co_return std::string(100, 'x'); });
      co_await text;
      const Task<std::string> other = text;
      EXPECT_EQ(co_await std::move(text), std::string(100, 'x'));
      EXPECT_EQ(other.Result().size(), 100u);
    });
    EXPECT_THAT(reports, ElementsAre(MatchesRegex(
                             "task \"loser\" .spawned at trace_test.cc:[0-9]+. failed and nobody looked at the error: "
                             "lost")));
    EXPECT_EQ(recorder.Take().events.empty(), !observed);
  }
}

TEST(TraceTest, TakeBeginsAnew) {
  SimLoop loop({.strategy = detent::sim::Fifo()});
  TraceRecorder recorder;
  loop.SetObserver(&recorder);
  loop.Run([]() -> Coro<> { co_await detent::Yield(); });
  EXPECT_EQ(recorder.Take().events.size(), 3u);
  EXPECT_THAT(recorder.Take().events, IsEmpty());
}

Coro<> NeverEnds() {
  while (true) co_await detent::Yield();
}

Trace RecordLongRun(uint64_t steps, const TraceOptions& options) {
  SimLoop loop({.strategy = detent::sim::Fifo(), .steps_max = steps});
  loop.SetExceptionHandler([](const detent::ExceptionContext&) {});
  TraceRecorder recorder(options);
  loop.SetObserver(&recorder);
  EXPECT_THROW(loop.Run(NeverEnds()), detent::sim::LimitError);
  return recorder.Take();
}

TEST(TraceTest, OfALongRunTheMiddleIsForgotten) {
  for (const uint64_t steps_expected : {0, 5'000, 1'000, 9'000}) {
    const Trace trace = RecordLongRun(5'000, {.events_max = 100, .steps_expected = steps_expected});
    // That it goes on for longer than expected, or less, costs the end only if it is less.
    ASSERT_EQ(trace.events.size(), steps_expected == 9'000 ? 50u : 100u);
    EXPECT_EQ(trace.events[49].step, 50u);
    if (steps_expected == 9'000) continue;
    EXPECT_EQ(trace.events[50].step, 4'951u);
    EXPECT_EQ(trace.events.back().step, 5'000u);
  }
}

// What somebody looks for is kept all the same: an error, what a task is left waiting for, a choice that matters.
TEST(TraceTest, WhatMattersIsNotForgotten) {
  detent::Event go("go");
  SimLoop loop({.strategy = detent::sim::Fifo()});
  loop.SetExceptionHandler([](const detent::ExceptionContext&) {});
  TraceRecorder recorder({.events_max = 10, .steps_expected = 1'000});
  loop.SetObserver(&recorder);
  loop.Run([&]() -> Coro<> {
    for (int i = 0; i < 300; ++i) co_await detent::Yield();
    const Task<> fails = Spawn([]() -> Coro<> { throw std::runtime_error("no money"); }, {.name = "fails"});
    Spawn([&]() -> Coro<> { co_await go.Wait(); }, {.name = "waits"});
    for (int i = 0; i < 300; ++i) co_await detent::Yield();
    recorder.AddFailure("the sum is wrong");
    for (int i = 0; i < 300; ++i) co_await detent::Yield();
    EXPECT_TRUE(fails.Exception() != nullptr);
  });
  const Trace trace = recorder.Take();
  EXPECT_THAT(TextsOf(trace, "fails"), ElementsAre("a step, fails: no money"));
  EXPECT_THAT(TextsOf(trace, "waits"), ElementsAre("waits: Event::Wait on \"go\""));
  EXPECT_THAT(TextsOf(trace, "task-1"), ::testing::Contains("the sum is wrong"));
}

// A million steps: not put into words, they cost next to nothing.
TEST(TraceTest, ALongRunOfKnownLengthIsRecordedQuickly) {
  const Trace trace = RecordLongRun(1'000'000, {.steps_expected = 1'000'000});
  EXPECT_EQ(trace.events.size(), 20'000u);
}

}  // namespace
}  // namespace detent_testing
