// SPDX-License-Identifier: Apache-2.0
//
// Generators: coroutines that give a sequence, one value at a time, and may await in between. Python's `async
// for` is a while loop around Next().
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "detent/examples/transcript.h"
#include "detent/runtime/core.h"
#include "detent/testing/testing.h"

namespace {

using detent::AsyncGenerator;
using detent::Coro;
using detent::Gather;
using detent::Queue;
using detent::Sleep;
using detent::Spawn;
using detent::Task;
using detent_examples::ExpectTranscript;
using detent_examples::kSecond;
using detent_examples::Print;
using detent_examples::Transcript;

// --- A generator has no end of its own: it stops where it gave a value, and goes on from there ---

AsyncGenerator<int> Endless() {
  while (true) {
    for (int i = 9; i >= 6; --i) co_yield i;
  }
}

Coro<> TakeUntilThirty() {
  auto e = Endless();
  int total = 0;
  while (std::optional<int> i = co_await e.Next()) {
    if (total >= 30) break;
    Print(*i);
    total += *i;
  }
  // resume
  const std::optional<int> one = co_await e.Next();
  const std::optional<int> other = co_await e.Next();
  Print(std::tuple(*one, *other));
}

LOOP_TEST(GeneratorTest, GoesOnWhereItStopped) {
  co_await ExpectTranscript([] { return TakeUntilThirty(); }, R"(
9
8
7
6
(8, 7)
)");
}

// --- `async for`: the others run while the generator waits for its next value ---

AsyncGenerator<int> CountSlowly(int n) {
  for (int i = 0; i < n; ++i) {
    co_await Sleep(0.1 * kSecond);
    co_yield i;
  }
}

Coro<> AsyncFor(std::string name) {
  auto numbers = CountSlowly(3);
  while (std::optional<int> i = co_await numbers.Next()) Print(name, " ", *i);
}

Coro<> TwoAtOnce() { co_await Gather(AsyncFor("a"), AsyncFor("b")); }

LOOP_TEST(GeneratorTest, LetsOthersRunWhileItWaits) {
  const Transcript printed = co_await ExpectTranscript([] { return TwoAtOnce(); }, R"(
a 0
b 0
a 1
b 1
a 2
b 2
)");
  for (const char* name : std::vector<const char*>{"a", "b"}) {
    EXPECT_TRUE(printed.Before(std::string(name) + " 0", std::string(name) + " 1"));
    EXPECT_TRUE(printed.Before(std::string(name) + " 1", std::string(name) + " 2"));
  }
}

// --- `[i * i async for i in count_slowly(5) if i % 2 == 0]` ---

Coro<> Comprehension() {
  std::vector<int> squares;
  auto numbers = CountSlowly(5);
  while (std::optional<int> i = co_await numbers.Next()) {
    if (*i % 2 == 0) squares.push_back(*i * *i);
  }
  Print(squares);
}

LOOP_TEST(GeneratorTest, FillsAList) {
  co_await ExpectTranscript([] { return Comprehension(); }, R"(
[0, 4, 16]
)");
}

// --- Python's generators take values too, with send(). Here a task and two queues do that. ---

Coro<int> MyCoroutine(Queue<std::string>& asks, Queue<int>& answers) {
  Print("-> coroutine started");
  co_await asks.Put("foo");
  const int x = co_await answers.Get();
  co_await asks.Put("bar");
  const int y = co_await answers.Get();
  co_return x + y;
}

Coro<> SendTwoValues() {
  Queue<std::string> asks;
  Queue<int> answers;
  const Task<int> coroutine = Spawn(MyCoroutine(asks, answers));
  for (int answer = 1; answer <= 2; ++answer) {
    Print(co_await asks.Get());
    co_await answers.Put(answer);
  }
  Print(co_await coroutine);
}

// The tutorial's transcript of this program is not what Python prints ('foo', 'bar', and a StopIteration with
// the 3).
LOOP_TEST(GeneratorTest, TakesValuesThroughAQueue) {
  co_await ExpectTranscript([] { return SendTwoValues(); }, R"(
-> coroutine started
foo
bar
3
)");
}

// --- A generator inside another (`yield from`), closed from outside: here a queue that is shut down ---

Coro<> SubGenerator(Queue<int>& values) {
  try {
    while (true) {
      const int doubled = co_await values.Get() * 2;
      Print("Received: ", doubled);
    }
  } catch (const detent::QueueShutDown&) {
    Print("Subgenerator done");
  }
}

Coro<> Generator(Queue<int>& values) { co_await SubGenerator(values); }

Coro<> SendThenClose() {
  Queue<int> values;
  const Task<> generator = Spawn(Generator(values));
  co_await values.Put(10);
  co_await values.Put(20);
  values.Shutdown();  // What is in it is still received.
  co_await generator;
  Print("Result: ", std::monostate());
}

LOOP_TEST(GeneratorTest, EndsWhenItIsClosed) {
  co_await ExpectTranscript([] { return SendThenClose(); }, R"(
Received: 20
Received: 40
Subgenerator done
Result: None
)");
}

}  // namespace
