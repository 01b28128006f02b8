// SPDX-License-Identifier: Apache-2.0
//
// Tasks: coroutines that run on their own, at the same time as the one that started them. Spawn() makes one,
// `co_await task` waits for its result, Cancel() asks it to end.
#include <optional>
#include <string>
#include <vector>

#include "detent/examples/transcript.h"
#include "detent/runtime/core.h"
#include "detent/testing/testing.h"

namespace {

using detent::AnyTask;
using detent::Coro;
using detent::EventLoop;
using detent::Gather;
using detent::Sleep;
using detent::Spawn;
using detent::Task;
using detent_examples::ExpectTranscript;
using detent_examples::ExpectTranscriptOfLoop;
using detent_examples::kSecond;
using detent_examples::Print;
using detent_examples::Transcript;

// What Python's <Task pending name='...' coro=<...>> says that is worth knowing: the name and the state.
std::string Describe(const AnyTask& task) {
  const char* state = task.Cancelled()        ? "cancelled"
                      : task.Done()           ? "finished"
                      : task.Cancelling() > 0 ? "cancelling"
                                              : "pending";
  return "<Task " + std::string(task.Name()) + ": " + state + ">";
}

// --- Starting one ---

Coro<std::string> FuncTask() {
  Print("now in function task");
  co_return "the result";
}

Coro<> StartATask() {
  Print("creating task");
  const Task<std::string> task = Spawn(FuncTask(), {.name = "func_task"});
  Print("waiting for ", Describe(task));
  const std::string result = co_await task;
  Print("task completed ", Describe(task));
  Print("return value: ", result);
}

LOOP_TEST(TaskTest, RunsWhileItsResultIsAwaited) {
  co_await ExpectTranscript([] { return StartATask(); }, R"(
creating task
waiting for <Task func_task: pending>
now in function task
task completed <Task func_task: finished>
return value: the result
)");
}

// --- Cancelling one ---

Coro<> CancelATask() {
  Print("creating task");
  const Task<std::string> task = Spawn(FuncTask(), {.name = "func_task"});

  Print("canceling task");
  task.Cancel();

  Print("canceled task ", Describe(task));

  try {
    co_await task;
    Print("task result: ", task.Result());
  } catch (const detent::CancelledError&) {
    Print("caught error from canceled task");
  }
}

LOOP_TEST(TaskTest, DoesNotEvenBeginWhenItIsCancelledAtOnce) {
  co_await ExpectTranscript([] { return CancelATask(); }, R"(
creating task
canceling task
canceled task <Task func_task: cancelling>
caught error from canceled task
)");
}

// --- Handing a task to somebody else, who need not know how it was made ---

Coro<std::string> Wrapped() {
  Print("now in function wrapped");
  co_return "result";
}

Coro<> Inner(Task<std::string> task) {
  Print("now in function inner");
  Print("inner: waiting for ", Describe(task));
  const std::string result = co_await task;
  Print("inner: task return: ", result);
}

Coro<> Outer() {
  Print("creating task");
  const Task<std::string> task = Spawn(Wrapped(), {.name = "wrapped"});
  Print("waiting for inner");
  co_await Inner(task);
  Print("inner returned");
}

LOOP_TEST(TaskTest, CanBeAwaitedByWhoeverHasTheHandle) {
  co_await ExpectTranscript([] { return Outer(); }, R"(
creating task
waiting for inner
now in function inner
inner: waiting for <Task wrapped: pending>
now in function wrapped
inner: task return: result
inner returned
)");
}

// --- Ten at once ---

Coro<> DoSomeWork(int i) {
  Print("Working ", i);
  co_await Sleep(kSecond);
}

Coro<> TenAtOnce() {
  std::vector<Task<>> tasks;
  for (int i = 0; i < 10; ++i) tasks.push_back(Spawn(DoSomeWork, i));
  // One result for each task, in the order of the tasks. None of these has anything to say, which C++ calls
  // monostate.
  const std::vector<std::monostate> results = co_await Gather(std::move(tasks));
  Print(results);
}

LOOP_TEST(TaskTest, TenSleepAtTheSameTime) {
  const Transcript printed = co_await ExpectTranscript([] { return TenAtOnce(); }, R"(
Working 0
Working 1
Working 2
Working 3
Working 4
Working 5
Working 6
Working 7
Working 8
Working 9
[None, None, None, None, None, None, None, None, None, None]
)");
  EXPECT_TRUE(printed.lines().back().starts_with("[None, "));
}

// --- Asking a task how it is ---

Coro<> AskATask() {
  const Task<std::string> task = Spawn(FuncTask());
  Print("done: ", task.Done());
  try {
    Print(task.Result());
  } catch (const detent::InvalidStateError&) {
    Print("no result yet");
  }
  co_await task;
  Print("done: ", task.Done());
  Print("result: ", task.Result());
}

LOOP_TEST(TaskTest, HasNoResultBeforeItsEnd) {
  co_await ExpectTranscript([] { return AskATask(); }, R"(
done: False
no result yet
now in function task
done: True
result: the result
)");
}

// --- A task that computes and awaits nothing gives nobody else a chance ---

Coro<> DoSomething(int i) {
  Print("begin ", i);
  volatile int sum = 0;
  for (int k = 0; k < 100000; ++k) sum = sum + k % 7;
  Print("end ", i);
  co_return;
}

Coro<> TwoBusyTasks() { co_await Gather(DoSomething(1), DoSomething(2)); }

LOOP_TEST(TaskTest, LetsNobodyElseRunWhileItAwaitsNothing) {
  const Transcript printed = co_await ExpectTranscript([] { return TwoBusyTasks(); }, R"(
begin 1
end 1
begin 2
end 2
)");
  // Whichever of the two begins also ends before the other begins: in every schedule.
  EXPECT_EQ(printed.Before("begin 1", "begin 2"), printed.Before("end 1", "begin 2"));
}

}  // namespace
