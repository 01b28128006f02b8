// SPDX-License-Identifier: Apache-2.0
//
// Futures: results that do not exist yet. Somebody sets one; tasks await it, and callbacks are told of it.
#include <string>
#include <utility>
#include <vector>

#include "detent/examples/transcript.h"
#include "detent/runtime/core.h"
#include "detent/testing/testing.h"

namespace {

using detent::Coro;
using detent::EventLoop;
using detent::Future;
using detent::MakeFuture;
using detent::Spawn;
using detent::Yield;
using detent_examples::Elsewhere;
using detent_examples::ExpectTranscript;
using detent_examples::ExpectTranscriptOfLoop;
using detent_examples::kSecond;
using detent_examples::Print;
using detent_examples::Transcript;

void SetResult(const Future<std::string>& future, const std::string& result) {
  Print("setting future result to ", result);
  future.SetResult(result);
}

// --- A loop that runs until a future is done ---

// A future belongs to the loop in which it is made, so a coroutine makes it.
Coro<Future<std::string>> NewFuture() { co_return MakeFuture<std::string>(); }
Coro<std::string> ResultOf(Future<std::string> future) { co_return co_await future; }

TEST(FutureTest, LoopRunsUntilItIsDone) {
  auto program = [](EventLoop& loop) {
    const Future<std::string> future = loop.Run(NewFuture());
    Print("scheduling set_result");
    loop.CallSoon([&] { SetResult(future, "the result"); });
    Print("entering event loop");
    const std::string result = loop.Run(ResultOf(future));
    Print("returned result: ", result);
    Print("future result: ", future.Result());
  };
  ExpectTranscriptOfLoop(program, R"(
scheduling set_result
entering event loop
setting future result to the result
returned result: the result
future result: the result
)");
}

// --- A coroutine that awaits one ---

Coro<> AwaitAFuture() {
  const Future<std::string> future = MakeFuture<std::string>();
  Print("scheduling set_result");
  EventLoop::Current().CallSoon([future] { SetResult(future, "the result"); });
  const std::string result = co_await future;
  Print("returned result: ", result);
}

LOOP_TEST(FutureTest, IsAwaitedLikeATask) {
  co_await ExpectTranscript([] { return AwaitAFuture(); }, R"(
scheduling set_result
setting future result to the result
returned result: the result
)");
}

// --- Callbacks ---

void Callback(const Future<std::string>& future, int n) { Print(n, ": future done: ", future.Result()); }

Coro<> RegisterCallbacks(Future<std::string> future) {
  Print("registering callbacks on future");
  future.AddDoneCallback([](const Future<std::string>& done) { Callback(done, 1); });
  future.AddDoneCallback([](const Future<std::string>& done) { Callback(done, 2); });
  co_return;
}

Coro<> RunCallbacks(Future<std::string> future) {
  co_await RegisterCallbacks(future);
  Print("setting result of future");
  future.SetResult("the result");
  // The callbacks have been queued, and none has run: setting a result runs nothing.
}

LOOP_TEST(FutureTest, CallbacksRunInTheirOrder) {
  auto program = []() -> Coro<> {
    co_await RunCallbacks(MakeFuture<std::string>());
    co_await Yield();  // In asyncio's order they run now.
  };
  const Transcript printed = co_await ExpectTranscript<Elsewhere::kAnyLines>(program, R"(
registering callbacks on future
setting result of future
1: future done: the result
2: future done: the result
)");
  // In another order the program may be over before them, but the second never runs before the first.
  EXPECT_FALSE(printed.Before("2: future done: the result", "1: future done: the result"));
}

// --- A task is a future too, and has callbacks ---

Coro<std::string> Request() {
  co_await detent::Sleep(kSecond);
  co_return "{delay: 1}";
}

Coro<> RequestWithCallback() {
  const detent::Task<std::string> task = Spawn(Request());
  task.AddDoneCallback([](const detent::Task<std::string>& done) { Print("callback: ", done.Result()); });
  Print("waiting");
  const std::string answer = co_await task;
  Print("answer: ", answer);
}

LOOP_TEST(FutureTest, TaskTellsItsCallbacksToo) {
  auto program = [] { return RequestWithCallback(); };
  const Transcript printed = co_await ExpectTranscript<Elsewhere::kAnyLines>(program, R"(
waiting
callback: {delay: 1}
answer: {delay: 1}
)");
  // Who is told first, the callback or the task that awaits, is a matter of the order.
  EXPECT_EQ(printed.lines().front(), "waiting");
  EXPECT_EQ(printed.Count("answer: {delay: 1}"), 1u);
}

// --- An error instead of a result ---

LOOP_TEST(FutureTest, ThrowsTheErrorThatWasSet) {
  const Future<int> future = MakeFuture<int>();
  EventLoop::Current().CallSoon([future] { future.SetException(std::runtime_error("out of paper")); });
  try {
    co_await future;
    ADD_FAILURE() << "no error";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "out of paper");
  }
}

}  // namespace
