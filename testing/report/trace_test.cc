// SPDX-License-Identifier: Apache-2.0
#include <source_location>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/report/trace_recorder.h"
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
    if (!event.lane.IsTask() || trace.NameOf(event.lane) != name || event.kind == TraceEvent::Kind::kHop) continue;
    const std::string words = trace.WordsOf(event);
    texts.push_back(event.ending.empty() ? words : absl::StrCat(words, ", ", event.ending));
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
                          "Queue::Get on \"orders\" (empty)", "writing \"sum\" = 1", "Yield", "Sleep until 3s, ends"));
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
  EXPECT_THAT(TextsOf(trace, "waits"),
              ElementsAre("starts", "cancelled by task-1 in Event::Wait on \"never\", is cancelled"));
  EXPECT_THAT(TextsOf(trace, "fresh"), ElementsAre("cancelled by task-1 before it starts, is cancelled"));
}

TEST(TraceTest, ACancellationSaysByWhomAndATimeOutIsCalledOne) {
  const Trace trace = Record([]() -> Coro<> {
    detent::Event never("never");
    const auto wait = [&]() -> Coro<> { co_await never.Wait(); };
    const Task<> late = Spawn(detent::WaitFor(wait(), absl::Seconds(1)), {.name = "late"});
    const Task<> child = Spawn(wait(), {.name = "child"});
    const Task<> parent = Spawn(detent::WaitFor(child, absl::Seconds(2)), {.name = "parent"});
    const Task<> called = Spawn(wait(), {.name = "called"});
    const Task<> itself = Spawn(
        [&]() -> Coro<> {
          detent::CurrentTask().Cancel();
          co_await never.Wait();
        },
        {.name = "itself"});
    detent::EventLoop::Current().CallSoon([called] { called.Cancel(); });
    (void)co_await GatherSettled(late, child, parent, called, itself);
  });
  EXPECT_THAT(TextsOf(trace, "late"),
              ElementsAre("starts", "timed out in Event::Wait on \"never\", fails: the deadline passed"));
  EXPECT_THAT(TextsOf(trace, "child"),
              ElementsAre("starts", "cancelled by a time-out of parent in Event::Wait on \"never\", is cancelled"));
  EXPECT_THAT(TextsOf(trace, "called"),
              ElementsAre("starts", "cancelled by a callback of task-1 in Event::Wait on \"never\", is cancelled"));
  EXPECT_THAT(TextsOf(trace, "itself"),
              ElementsAre("starts", "cancelled by itself in Event::Wait on \"never\", is cancelled"));
}

TEST(TraceTest, StepsThatNoTaskTakesSayWhatTheyAreAndWhere) {
  const int first_line = __LINE__;
  const Trace trace = Record([]() -> Coro<> {
    detent::EventLoop& loop = detent::EventLoop::Current();
    loop.CallSoon([] {});
    auto number = loop.RunInExecutor([] { return 1; });
    number.AddDoneCallback([](const detent::Future<int>&) {});
    co_await number;
    try {
      co_await detent::WaitFor(detent::Event("never").Wait(), absl::Seconds(1));
    } catch (const detent::TimeoutError&) {
    }
  });
  std::vector<std::string> texts;
  for (const TraceEvent& event : trace.events) {
    if (event.kind != TraceEvent::Kind::kCallback || event.lane.source() == 0) continue;
    texts.push_back(absl::StrCat(trace.WordsOf(event), event.place.empty() ? "" : ", ", event.place));
  }
  const auto line = [&](int after) { return absl::StrCat("trace_test.cc:", first_line + after); };
  EXPECT_THAT(
      texts,
      ElementsAre(absl::StrCat("callback of task-1, ", line(3)),
                  absl::StrCat("function in the executor of task-1, ", line(4)), "result from the executor of task-1",
                  absl::StrCat("done-callback of task-1, ", line(5)), absl::StrCat("time-out of task-1, ", line(8))));
}

TEST(TraceTest, WhatASharedVariableHasBecomeIsShown) {
  enum class Colour { kRed, kBlue };
  const Trace trace = Record([]() -> Coro<> {
    detent::Shared<int> sum(5, "sum");
    detent::Shared<bool> ready(false, "ready");
    detent::Shared<std::string> who("", "who");
    detent::Shared<Colour> colour(Colour::kRed, "colour");
    detent::Shared<std::vector<int>> list({}, "list");
    (void)co_await sum.Load();
    co_await sum.Store(7);
    co_await sum.Update([](int n) { return n + 1; });
    co_await ready.Store(true);
    co_await who.Store("alice");
    co_await colour.Store(Colour::kBlue);
    co_await list.Store(std::vector<int>(1));
  });
  EXPECT_THAT(TextsOf(trace, "task-1"),
              ElementsAre("starts", "reading \"sum\" = 5", "writing \"sum\" = 7", "writing \"sum\" = 8",
                          "writing \"ready\" = true", "writing \"who\" = \"alice\"", "writing \"colour\" = 1",
                          "writing \"list\" = [0], ends"));
}

TEST(TraceTest, AnErrorSaysInWhichTaskAndAwaitItWasThrown) {
  const Trace trace = Record([]() -> Coro<> {
    detent::Queue<int> jobs(0, "jobs");
    const Task<> worker = Spawn(
        [&]() -> Coro<> {
          if (co_await jobs.Get() > 0) throw std::runtime_error("bad job");
        },
        {.name = "worker"});
    co_await detent::Yield();
    co_await jobs.Put(1);
    co_await worker;
  });
  EXPECT_THAT(trace.DescribeThrow(),
              MatchesRegex("thrown in task \"worker\" after Queue::Get on \"jobs\" .empty., trace_test.cc:[0-9]+"));
  EXPECT_EQ(Record([]() -> Coro<> { co_return; }).DescribeThrow(), "");
}

TEST(TraceTest, WhereNothingElseIsKnownTheBodyStandsWhereItsTestIs) {
  SimLoop loop({.strategy = detent::sim::Fifo()});
  TraceRecorder recorder({.body_file = "a/b/shop_test.cc", .body_line = 12});
  loop.SetObserver(&recorder);
  // Spawned in the library.
  loop.Run(detent::internal::KeepClosure([]() -> Coro<> { co_await detent::Yield(); }),
           [](std::source_location where = std::source_location()) { return where; }());
  EXPECT_EQ(recorder.Take().events.front().place, "shop_test.cc:12");
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
  // So many have no place of their own: see spawn.h.
  const auto all = [&]() -> Coro<> {
    const auto c = child;
    co_await Gather(c(), c(), c(), c(), c(), c(), c(), c(), c(), c(), c(), c(), c());
  };
  const Trace trace = Record(all);
  EXPECT_EQ(TextsOf(trace, "task-14").size(), 2u);
  for (const TraceEvent& event : trace.events) {
    if (event.kind == TraceEvent::Kind::kStep)
      EXPECT_THAT(event.place, StartsWith("trace_test.cc:")) << trace.WordsOf(event);
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
void ExpectWhatMattersIsKept(uint64_t steps_expected, const char* failing_step) {
  detent::Event go("go");
  SimLoop loop({.strategy = detent::sim::Fifo()});
  loop.SetExceptionHandler([](const detent::ExceptionContext&) {});
  TraceRecorder recorder({.events_max = 10, .steps_expected = steps_expected});
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
  EXPECT_THAT(TextsOf(trace, "fails"), ElementsAre(failing_step));
  EXPECT_THAT(TextsOf(trace, "waits"), ElementsAre("waits: Event::Wait on \"go\""));
  EXPECT_THAT(TextsOf(trace, "task-1"), ::testing::Contains("the sum is wrong"));
}

TEST(TraceTest, WhatMattersIsNotForgotten) {
  ExpectWhatMattersIsKept(1'000, "a step, fails: no money");  // Steps of the middle are not even looked at.
  ExpectWhatMattersIsKept(0, "starts, fails: no money");      // They are, and forgotten as others follow.
}

// Strikes at once again and again, and counts how often somebody asks what it is.
class CountingTimer final : public detent::internal::Timer {
 public:
  CountingTimer() {}
  void Run() override { Arm(); }
  detent::internal::Lane lane() const override { return detent::internal::Lane::OfCallbacks(1); }
  void DescribeStep(detent::internal::StepText&) const override { ++asked; }
  void Arm() {
    detent::internal::LoopCore& core = detent::EventLoop::Current().core();
    core.AddTimer(this, core.now + absl::Milliseconds(1));
  }

  mutable uint64_t asked = 0;
};

// So that a million steps cost next to nothing.
TEST(TraceTest, OfALongRunOfKnownLengthTheMiddleIsNotPutIntoWords) {
  CountingTimer timer;
  SimLoop loop({.strategy = detent::sim::Fifo()});
  TraceRecorder recorder({.events_max = 100, .steps_expected = 5'000});
  loop.SetObserver(&recorder);
  loop.Run([&]() -> Coro<> {
    timer.Arm();
    co_await detent::Sleep(absl::Seconds(5));
  });
  loop.core().timers.Remove(&timer);
  loop.SetObserver(nullptr);
  EXPECT_EQ(recorder.Take().events.size(), 100u);
  EXPECT_GE(timer.asked, 90u);
  EXPECT_LE(timer.asked, 200u);
}

}  // namespace
}  // namespace detent_testing
