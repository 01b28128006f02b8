// SPDX-License-Identifier: Apache-2.0
//
// Waiting for several coroutines at once: Wait() for all of them, the first, or the first that fails, with or
// without a time-out; Gather() for all results; AsCompleted() for one after the other as they finish;
// WaitFor() for one in time.
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "detent/examples/transcript.h"
#include "detent/runtime/core.h"
#include "detent/testing/testing.h"

namespace {

using detent::AsCompleted;
using detent::Coro;
using detent::EventLoop;
using detent::Gather;
using detent::ReturnWhen;
using detent::Sleep;
using detent::Spawn;
using detent::Task;
using detent::Wait;
using detent::WaitResult;
using detent_examples::Elsewhere;
using detent_examples::ExpectTranscript;
using detent_examples::ExpectTranscriptOfLoop;
using detent_examples::kSecond;
using detent_examples::Print;
using detent_examples::Transcript;

std::string Numbered(const char* before, int i, const char* after) { return before + std::to_string(i) + after; }

// --- Wait() for all ---

Coro<std::string> Phase(int i) {
  Print("now in phase ", i);
  co_await Sleep(0.1 * i * kSecond);
  Print("done with phase ", i);
  co_return Numbered("phase ", i, " result");
}

std::vector<Coro<std::string>> Phases(int phase_count) {
  std::vector<Coro<std::string>> phases;
  for (int i = 0; i < phase_count; ++i) phases.push_back(Phase(i));
  return phases;
}

Coro<> WaitForAll(int phase_count) {
  Print("now in main");
  std::vector<Coro<std::string>> phases = Phases(phase_count);
  Print("waiting for phases to complete");
  const WaitResult<Task<std::string>> waited = co_await Wait(std::move(phases), ReturnWhen::kAllCompleted);
  std::vector<std::string> results;
  for (const Task<std::string>& task : waited.done) results.push_back(task.Result());
  Print("results: ", results);
}

// The tutorial's phases begin in the order 2, 0, 1, that of a Python set. Here what is first in the vector
// begins first, and `done` has the order of the vector too.
LOOP_TEST(WaitTest, GivesAllResults) {
  co_await ExpectTranscript([] { return WaitForAll(3); }, R"(
now in main
waiting for phases to complete
now in phase 0
now in phase 1
now in phase 2
done with phase 0
done with phase 1
done with phase 2
results: ['phase 0 result', 'phase 1 result', 'phase 2 result']
)");
}

// --- Wait() with a time-out, and what becomes of those that were late ---

// Python's `except CancelledError: print; raise` and `else:`.
Coro<std::string> CarefulPhase(int i) {
  Print("now in phase ", i);
  try {
    co_await Sleep(0.1 * i * kSecond);
  } catch (const detent::CancelledError&) {
    Print("phase ", i, " canceled");
    throw;
  }
  Print("done with phase ", i);
  co_return Numbered("phase ", i, " result");
}

enum class Late : bool { kRunOn, kAreCancelled };

Coro<> WaitForAWhile(int phase_count, Late late) {
  Print("now in main");
  std::vector<Coro<std::string>> phases;
  for (int i = 0; i < phase_count; ++i) phases.push_back(CarefulPhase(i));
  Print("wait 0.1s for phases to complete");
  const WaitResult<Task<std::string>> waited =
      co_await Wait(std::move(phases), ReturnWhen::kAllCompleted, 0.1 * kSecond);
  Print(waited.done.size(), " completed and ", waited.pending.size(), " pending");
  if (late == Late::kAreCancelled && !waited.pending.empty()) {
    Print("canceling tasks");
    for (const Task<std::string>& task : waited.pending) task.Cancel();
  }
  Print("exiting main");
}

// Phase 1 is done at the very moment at which the time is up. Which of the two wins is a matter of the order:
// the tutorial's is one of several. In each of them phase 2 is too late.
LOOP_TEST(WaitTest, TimesOutAndCancelsTheRest) {
  auto program = [] { return WaitForAWhile(3, Late::kAreCancelled); };
  const Transcript printed = co_await ExpectTranscript<Elsewhere::kAnyLines>(program, R"(
now in main
wait 0.1s for phases to complete
now in phase 0
now in phase 1
now in phase 2
done with phase 0
1 completed and 2 pending
canceling tasks
exiting main
phase 1 canceled
phase 2 canceled
)");
  EXPECT_TRUE(printed.Before("exiting main", "phase 2 canceled"));
  EXPECT_EQ(printed.Count("done with phase 1") + printed.Count("phase 1 canceled"), 1u);
}

// Nobody cancels them: when the loop goes, they go, which is reported.
TEST(WaitTest, ReportsTheRestWhenTheLoopEndsBeforeThem) {
  auto program = [](EventLoop& loop) {
    loop.SetExceptionHandler([](const detent::ExceptionContext& context) {
      const bool pending = context.message.find("destroyed while pending") != std::string::npos;
      Print(pending ? "Task was destroyed but it is pending!" : context.ToString());
    });
    loop.Run(WaitForAWhile(3, Late::kRunOn));
  };
  ExpectTranscriptOfLoop<Elsewhere::kAnyLines>(program, R"(
now in main
wait 0.1s for phases to complete
now in phase 0
now in phase 1
now in phase 2
done with phase 0
1 completed and 2 pending
exiting main
done with phase 1
Task was destroyed but it is pending!
)");
}

// Nobody cancels them, and the loop is run again: they go on.
TEST(WaitTest, TheRestGoesOnInTheNextRun) {
  auto program = [](EventLoop& loop) {
    loop.Run(WaitForAWhile(3, Late::kRunOn));
    loop.Run([]() -> Coro<> { co_await Sleep(3 * kSecond); });
  };
  ExpectTranscriptOfLoop<Elsewhere::kAnyLines>(program, R"(
now in main
wait 0.1s for phases to complete
now in phase 0
now in phase 1
now in phase 2
done with phase 0
1 completed and 2 pending
exiting main
done with phase 1
done with phase 2
)");
}

// --- Wait() for the first, and for the first that fails ---

Coro<> WaitForTheFirst() {
  const WaitResult<Task<std::string>> waited = co_await Wait(Phases(3), ReturnWhen::kFirstCompleted);
  Print(waited.done.size(), " completed and ", waited.pending.size(), " pending");
  Print("first: ", waited.done.front().Result());
}

LOOP_TEST(WaitTest, GivesTheFirstThatIsDone) {
  auto program = [] { return WaitForTheFirst(); };
  const Transcript printed = co_await ExpectTranscript<Elsewhere::kAnyLines>(program, R"(
now in phase 0
now in phase 1
now in phase 2
done with phase 0
1 completed and 2 pending
first: phase 0 result
)");
  EXPECT_EQ(printed.lines().back(), "first: phase 0 result");
}

Coro<std::string> FailingPhase(int i) {
  const std::string result = co_await Phase(i);
  if (i == 1) throw std::runtime_error("phase 1 failed");
  co_return result;
}

Coro<> WaitForTheFirstFailure() {
  std::vector<Coro<std::string>> phases;
  for (int i = 0; i < 4; ++i) phases.push_back(FailingPhase(i));
  const WaitResult<Task<std::string>> waited = co_await Wait(std::move(phases), ReturnWhen::kFirstException);
  Print(waited.done.size(), " completed and ", waited.pending.size(), " pending");
  for (const Task<std::string>& task : waited.done) {
    try {
      Print("result: ", task.Result());
    } catch (const std::runtime_error& error) {
      Print("error: ", error.what());
    }
  }
}

LOOP_TEST(WaitTest, GivesTheFirstThatFails) {
  co_await ExpectTranscript([] { return WaitForTheFirstFailure(); }, R"(
now in phase 0
now in phase 1
now in phase 2
now in phase 3
done with phase 0
done with phase 1
2 completed and 2 pending
result: phase 0 result
error: phase 1 failed
)");
}

// --- Gather(): the results, in the order of the arguments ---

Coro<std::string> Phase1() {
  Print("now in phase 1");
  co_await Sleep(2 * kSecond);
  Print("done with phase 1");
  co_return "phase 1 result";
}

Coro<std::string> Phase2() {
  Print("now in phase 2");
  co_await Sleep(kSecond);
  Print("done with phase 2");
  co_return "phase 2 result";
}

Coro<> GatherTwo() {
  Print("now in main");
  Print("waiting for phases to complete");
  const auto [first, second] = co_await Gather(Phase1(), Phase2());
  Print("results: ", std::vector<std::string>{first, second});
}

LOOP_TEST(GatherTest, GivesResultsInTheOrderOfTheArguments) {
  const Transcript printed = co_await ExpectTranscript([] { return GatherTwo(); }, R"(
now in main
waiting for phases to complete
now in phase 1
now in phase 2
done with phase 2
done with phase 1
results: ['phase 1 result', 'phase 2 result']
)");
  EXPECT_TRUE(printed.Before("done with phase 2", "done with phase 1"));
}

// --- AsCompleted(): each as it finishes ---

Coro<std::string> CountdownPhase(int i) {
  Print("now in phase ", i);
  co_await Sleep((0.5 - 0.1 * i) * kSecond);
  Print("done with phase ", i);
  co_return Numbered("phase ", i, " result");
}

Coro<> TakeAsTheyComplete(int phase_count) {
  Print("now in main");
  std::vector<Coro<std::string>> phases;
  for (int i = 0; i < phase_count; ++i) phases.push_back(CountdownPhase(i));
  Print("waiting for phases to complete");
  std::vector<std::string> results;
  auto completed = AsCompleted(std::move(phases));
  while (std::optional<Task<std::string>> next = co_await completed.Next()) {
    const std::string answer = next->Result();
    Print("received answer ", answer);
    results.push_back(answer);
  }
  Print("results: ", results);
}

LOOP_TEST(AsCompletedTest, GivesResultsAsTheyCome) {
  const Transcript printed = co_await ExpectTranscript([] { return TakeAsTheyComplete(3); }, R"(
now in main
waiting for phases to complete
now in phase 0
now in phase 1
now in phase 2
done with phase 2
received answer phase 2 result
done with phase 1
received answer phase 1 result
done with phase 0
received answer phase 0 result
results: ['phase 2 result', 'phase 1 result', 'phase 0 result']
)");
  EXPECT_TRUE(printed.Before("received answer phase 2 result", "received answer phase 0 result"));
}

// --- WaitFor(): one, in time, or not at all. The tutorial makes a decorator of it, so does this function.
// ---

template <typename F>
auto WithDeadline(absl::Duration timeout, F fn) {
  return [timeout, fn](auto... arguments) -> Coro<std::string> {
    try {
      co_return co_await detent::WaitFor(fn(arguments...), timeout);
    } catch (const detent::TimeoutError&) {
      co_return "timed out";
    }
  };
}

Coro<> AskTwoInTime() {
  auto phase_in_time = WithDeadline(0.15 * kSecond, CarefulPhase);
  auto [quick, slow] = co_await Gather(Spawn(phase_in_time, 1), Spawn(phase_in_time, 2));
  Print("results: ", std::vector<std::string>{quick, slow});
}

LOOP_TEST(WaitForTest, CancelsWhatTakesTooLong) {
  co_await ExpectTranscript([] { return AskTwoInTime(); }, R"(
now in phase 1
now in phase 2
done with phase 1
phase 2 canceled
results: ['phase 1 result', 'timed out']
)");
}

}  // namespace
