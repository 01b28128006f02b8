// SPDX-License-Identifier: Apache-2.0
//
// Coroutines: functions that may wait. Calling one runs nothing; awaiting it runs it inside the caller, as a
// plain call would; loop.Run() runs one from outside. Gather() runs several at once.
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "detent/examples/transcript.h"
#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"

namespace {

using detent::Coro;
using detent::EventLoop;
using detent::Gather;
using detent::Sleep;
using detent_examples::ExpectTranscript;
using detent_examples::ExpectTranscriptOfLoop;
using detent_examples::kSecond;
using detent_examples::Print;
using detent_examples::Transcript;

// --- Starting a coroutine ---

Coro<> Coroutine() {
  Print("now in coroutine");
  co_return;
}

TEST(CoroutineTest, RunsOnceTheLoopIsAskedTo) {
  auto program = [](EventLoop& loop) {
    Print("start coroutine");
    Coro<> coro = Coroutine();
    // Python prints <coroutine object coroutine at 0x...>. A Coro knows whether it was started.
    Print("a coroutine, ", coro ? "not started" : "started");
    Print("enter event loop");
    loop.Run(std::move(coro));
    Print("close event loop");
  };
  ExpectTranscriptOfLoop(program, R"(
start coroutine
a coroutine, not started
enter event loop
now in coroutine
close event loop
)");
}

// --- Its result ---

Coro<std::string> CoroutineWithResult() {
  Print("now in coroutine");
  co_return "result";
}

TEST(CoroutineTest, RunGivesItsResult) {
  auto program = [](EventLoop& loop) {
    const std::string result = loop.Run(CoroutineWithResult());
    Print("coroutine returned: ", result);
  };
  ExpectTranscriptOfLoop(program, R"(
now in coroutine
coroutine returned: result
)");
}

// --- A chain: a coroutine that awaits others. (The tutorial shows the same program with `yield from`.) ---

Coro<std::string> CallFirst() {
  Print("now in first");
  co_return "first";
}

Coro<std::string> CallSecond(std::string arg) {
  Print("now in second");
  co_return "second with arg: " + arg;
}

Coro<std::tuple<std::string, std::string>> Chain() {
  Print("now in coroutine");
  Print("wait for function first");
  const std::string result1 = co_await CallFirst();
  Print("wait for function second");
  const std::string result2 = co_await CallSecond(result1);
  co_return std::tuple(result1, result2);
}

TEST(CoroutineTest, AwaitsOthersInAChain) {
  auto program = [](EventLoop& loop) { Print("result value: ", loop.Run(Chain())); };
  ExpectTranscriptOfLoop(program, R"(
now in coroutine
wait for function first
now in first
wait for function second
now in second
result value: ('first', 'second with arg: first')
)");
}

// --- A coroutine that sleeps, as a stand-in for one that waits for a disk or a network ---

Coro<int> ChildDemo() {
  co_await Sleep(kSecond);
  co_return 2;
}

Coro<> Demo() {
  const int r = co_await ChildDemo();
  Print(r);
}

TEST(CoroutineTest, WaitsForItsChild) {
  auto program = [](EventLoop& loop) {
    loop.Run(Demo());
    Print("all done");
  };
  ExpectTranscriptOfLoop(program, R"(
2
all done
)");
}

// The tutorial itself forgets the `await` in front of its sleep. detent reports such a Coro.
Coro<> Pause() { co_await Sleep(kSecond); }

Coro<int> ForgetfulChildDemo() {
  (void)Pause();
  co_return 2;
}

TEST(CoroutineTest, IsReportedWhenNobodyAwaitsIt) {
  auto program = [](EventLoop& loop) {
    loop.SetExceptionHandler([](const detent::ExceptionContext& context) {
      const bool forgotten = context.message.find("was never awaited") != std::string::npos;
      Print(forgotten ? "warning: a coroutine was never awaited" : context.message);
    });
    Print(loop.Run(ForgetfulChildDemo()));
  };
  ExpectTranscriptOfLoop(program, R"(
warning: a coroutine was never awaited
2
)");
}

// --- Three at once take as long as one ---

Coro<> Count() {
  Print("one");
  co_await Sleep(kSecond);
  Print("two");
}

Coro<> CountThree() { co_await Gather(Count(), Count(), Count()); }

LOOP_TEST(CoroutineTest, ThreeAtOnceTakeAsLongAsOne) {
  const detent::LoopTime start = EventLoop::Current().Time();
  const Transcript printed = co_await ExpectTranscript([] { return CountThree(); }, R"(
one
one
one
two
two
two
)");
  // Virtual time is exact. Real time is what the machine makes of it, but three seconds it is not.
  const absl::Duration elapsed = EventLoop::Current().Time() - start;
  EXPECT_GE(elapsed, kSecond);
  if (detent_examples::IsSimulated()) {
    EXPECT_EQ(elapsed, kSecond);
  }
}

// --- Many small coroutines, and one that starts them and collects what they return ---

Coro<int> MakeRandom(int index, int threshold) {
  // On a simulated loop the numbers come from the run's seed.
  detent::RandomGenerator& random = EventLoop::Current().Random();
  Print("Initiated makerandom(", index, ").");
  int i = static_cast<int>(random.Below(11));
  while (i <= threshold) {
    Print("makerandom(", index, ") == ", i, " too low; retrying.");
    co_await Sleep((index + 1) * kSecond / 20);
    i = static_cast<int>(random.Below(11));
  }
  Print("---> Finished: makerandom(", index, ") == ", i);
  co_return i;
}

Coro<> MakeThreeRandoms() {
  std::vector<Coro<int>> coros;
  for (int i = 0; i < 3; ++i) coros.push_back(MakeRandom(i, 10 - i - 1));
  const std::vector<int> results = co_await Gather(std::move(coros));
  for (int i = 0; i < 3; ++i) EXPECT_GT(results[i], 10 - i - 1);
  Print("r1: ", results[0], ", r2: ", results[1], ", r3: ", results[2]);
}

LOOP_TEST(CoroutineTest, RetriesUntilTheNumberIsHighEnough) {
  const Transcript printed = co_await detent_examples::Record([] { return MakeThreeRandoms(); });
  EXPECT_EQ(printed.Count("Initiated"), 3u);
  EXPECT_EQ(printed.Count("---> Finished"), 3u);
  EXPECT_EQ(printed.lines().back().substr(0, 4), "r1: ");
}

// The tutorial calls random.seed(444) and shows what that prints. A seed of a simulated loop decides the
// random numbers and the order: the same seed prints the same lines, every time and on every machine.
TEST(CoroutineTest, TheSameSeedPrintsTheSameLines) {
  auto lines = [](uint64_t seed) {
    detent::sim::SimLoop loop({.seed = seed});
    return loop.Run([]() -> Coro<std::vector<std::string>> {
      const Transcript printed = co_await detent_examples::Record([] { return MakeThreeRandoms(); });
      co_return printed.lines();
    });
  };
  EXPECT_EQ(lines(444), lines(444));
  EXPECT_NE(lines(444), lines(445));
}

}  // namespace
