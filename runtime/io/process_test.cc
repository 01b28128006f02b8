// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/process.h"

#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/io/connection_test.h"
#include "runtime/io/process_test.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using ::testing::HasSubstr;

class ProcessTest : public ::testing::Test {
 protected:
  ProcessTest() { AddTestPrograms(); }
};

Coro<int> ErrorOf(Command command) {
  try {
    (void)co_await StartProcess(std::move(command));
  } catch (const std::system_error& e) {
    co_return e.code().value();
  }
  co_return 0;
}

// sp-01
LOOP_TEST_F(ProcessTest, CommunicateFeedsCollectsAndWaits, {.schedules = 30}) {
  Process cat = co_await StartProcess(Command("cat"));
  EXPECT_GT(cat.Pid(), 0);
  const std::string text = Large();  // More than the pipes hold: feeding and collecting go on at once.
  ProcessOutput output = co_await cat.Communicate(text);
  EXPECT_EQ(output.out.size(), text.size());
  EXPECT_EQ(output.err, "");
  EXPECT_EQ(output.status, ExitStatus::Code(0));
  EXPECT_EQ(cat.Status(), ExitStatus::Code(0));
}

LOOP_TEST_F(ProcessTest, RunProcessGivesBothOutputsAndTheCode) {
  ProcessOutput output = co_await RunProcess(Command("sh", "-c", kNoisy));
  EXPECT_EQ(output.out, "out\n");
  EXPECT_EQ(output.err, "err\n");
  EXPECT_EQ(output.status.code(), 3);
  EXPECT_EQ(output.status.signal(), 0);
  EXPECT_FALSE(output.status.ok());
  EXPECT_EQ(output.status.ToString(), "exit code 3");
}

LOOP_TEST_F(ProcessTest, ErrorsMayGoWhereTheOutputGoes) {
  Process shell = co_await StartProcess(Command("sh", "-c", kNoisy), {.err = ProcessStream::kOutput});
  ProcessOutput output = co_await shell.Communicate();
  EXPECT_EQ(output.out, "out\nerr\n");
  EXPECT_EQ(output.err, "");
}

// sp-02
LOOP_TEST_F(ProcessTest, CommunicateWithoutInputClosesItAtOnce) {
  Process cat = co_await StartProcess(Command("cat"));
  ProcessOutput output = co_await cat.Communicate();
  EXPECT_EQ(output.out, "");
  EXPECT_TRUE(output.status.ok());
}

// sp-03, pipe-02
LOOP_TEST_F(ProcessTest, AProgramThatReadsNoInputIsNoErrorOfCommunicate) {
  Process deaf = co_await StartProcess(Command("sh", "-c", kDeaf));
  EXPECT_TRUE((co_await deaf.Communicate(Large())).status.ok());
  Process other = co_await StartProcess(Command("sh", "-c", kDeaf));
  EXPECT_EQ(co_await other.Out().ReadLine(), "ready\n");
  EXPECT_EQ(co_await EndOf(other.In().Write("x")), "write to the input of sh: Broken pipe");
  (void)co_await other.Wait();
}

// sp-04
LOOP_TEST_F(ProcessTest, SignalsEndIt) {
  for (const int signal : {SIGTERM, SIGKILL, SIGHUP}) {
    Process shell = co_await StartProcess(Command("sh", "-c", kForever));
    (void)co_await shell.Out().ReadLine();
    if (signal == SIGTERM) {
      shell.Terminate();
    } else if (signal == SIGKILL) {
      shell.Kill();
    } else {
      shell.SendSignal(signal);
    }
    const ExitStatus status = co_await shell.Wait();
    EXPECT_EQ(status.signal(), signal);
    EXPECT_EQ(status.code(), 128 + signal);
    shell.Kill();  // sp-11: nothing, once it is gone.
    EXPECT_EQ(co_await shell.Wait(), status);
  }
}

// sp-05
LOOP_TEST_F(ProcessTest, SeveralTasksMayWait) {
  Process cat = co_await StartProcess(Command("cat"));
  std::vector<Task<ExitStatus>> waiters;
  for (int i = 0; i < 3; ++i) waiters.push_back(Spawn([&]() -> Coro<ExitStatus> { co_return co_await cat.Wait(); }));
  co_await Yield();
  EXPECT_FALSE(cat.Status().has_value());
  cat.In().Close();
  for (const ExitStatus& status : co_await Gather(std::move(waiters))) EXPECT_TRUE(status.ok());
}

// sp-06
LOOP_TEST_F(ProcessTest, ACancelledWaitChangesNothing) {
  Process cat = co_await StartProcess(Command("cat"));
  Task<> waiter = Spawn([&]() -> Coro<> { (void)co_await cat.Wait(); });
  co_await Yield();
  waiter.Cancel();
  EXPECT_EQ(co_await EndOf(waiter), "cancelled");
  co_await cat.In().Write("x");
  EXPECT_EQ(co_await cat.Out().Read(10), "x");
  cat.In().Close();
  EXPECT_TRUE((co_await cat.Wait()).ok());
}

// sp-09, pipe-01
LOOP_TEST_F(ProcessTest, OutputCanBeReadAfterTheEnd) {
  Process shell = co_await StartProcess(Command("sh", "-c", kNoisy));
  EXPECT_EQ((co_await shell.Wait()).code(), 3);
  EXPECT_EQ(co_await ReadToEnd(shell.Out()), "out\n");
  EXPECT_EQ(co_await ReadToEnd(shell.Err()), "err\n");
}

// sp-12, pipe-03
LOOP_TEST_F(ProcessTest, WhatNobodyReadsIsNotRead, {.schedules = 20}) {
  Process cat = co_await StartProcess(Command("cat"));
  Task<> writer = Spawn([&]() -> Coro<> {
    co_await cat.In().Write(Large());
    cat.In().CloseWrite();
  });
  co_await ALittleWhile();
  EXPECT_FALSE(writer.Done());  // The program waits for us, and so it takes no more.
  EXPECT_EQ((co_await ReadToEnd(cat.Out())).size(), Large().size());
  co_await writer;
  EXPECT_TRUE((co_await cat.Wait()).ok());
}

LOOP_TEST_F(ProcessTest, PiecesArriveInARow, {.schedules = 20}) {
  Process cat = co_await StartProcess(Command("cat"));
  const std::string large = Large();
  Task<> writer = Spawn([&]() -> Coro<> {
    const std::string_view pieces[] = {"head ", large, "", " tail"};
    co_await cat.In().Write(pieces);
    cat.In().Close();
  });
  const std::string text = co_await ReadToEnd(cat.Out());
  EXPECT_EQ(text.size(), large.size() + 10);
  EXPECT_TRUE(text == "head " + large + " tail");
  co_await writer;
}

LOOP_TEST_F(ProcessTest, AStreamGoesOneWay, {.schedules = 1}) {
  Process cat = co_await StartProcess(Command("cat"));
  EXPECT_THAT(co_await EndOf(cat.In().Read(1)), HasSubstr("this end is only to write to"));
  EXPECT_THAT(co_await EndOf(cat.Out().Write("x")), HasSubstr("this end is only to read from"));
  EXPECT_THAT(co_await EndOf(cat.Err().Write("x")), HasSubstr("this end is only to read from"));
}

// sp-15
LOOP_TEST_F(ProcessTest, ManyThatEndAtOnceAreEachReported, {.schedules = 20}) {
  std::vector<Process> processes;
  for (int i = 0; i < 8; ++i) processes.push_back(co_await StartProcess(Command("cat")));
  for (Process& process : processes) process.In().Close();
  for (Process& process : processes) EXPECT_TRUE((co_await process.Wait()).ok());
}

// Wherever it is cancelled, the next one gives everything.
LOOP_TEST_F(ProcessTest, ACancelledCommunicateLosesNothing, {.schedules = 50}) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += std::to_string(i) + "\n";
  Process cat = co_await StartProcess(Command("cat"));
  int cancellations = 0;
  while (true) {
    Task<ProcessOutput> talk = Spawn([&, first = cancellations == 0]() -> Coro<ProcessOutput> {
      std::string input = first ? text : std::string();  // Not below: g++ 12 frees what it has not made.
      co_return co_await cat.Communicate(std::move(input));
    });
    while (!talk.Done() && talk.Stack().empty()) co_await Yield();
    for (int i = 0; i < cancellations && !talk.Done(); ++i) co_await Yield();
    if (cancellations < 40) talk.Cancel();
    ++cancellations;
    const Outcome<ProcessOutput> outcome = co_await Settle(talk);
    if (!outcome.ok()) continue;
    EXPECT_EQ(outcome.value().out, text);
    EXPECT_TRUE(outcome.value().status.ok());
    break;
  }
}

LOOP_TEST_F(ProcessTest, ARunThatIsCancelledTerminatesAndWaits) {
  Task<ProcessOutput> run = Spawn(RunProcess(Command("sh", "-c", kForever)));
  co_await ALittleWhile();
  run.Cancel();
  EXPECT_EQ(co_await EndOf(run), "cancelled");
}

// In virtual time: five seconds later.
SIM_TEST_F(ProcessTest, WhoIgnoresThatIsKilledAfterAWhile) {
  Task<ProcessOutput> run = Spawn(RunProcess(Command("sh", "-c", kStubborn)));
  co_await ALittleWhile();
  const LoopTime before = EventLoop::Current().Time();
  run.Cancel();
  EXPECT_EQ(co_await EndOf(run), "cancelled");
  EXPECT_GE(EventLoop::Current().Time() - before, kTerminatePatience);
}

LOOP_TEST_F(ProcessTest, ASecondCancellationKillsAtOnce) {
  Task<ProcessOutput> run = Spawn(RunProcess(Command("sh", "-c", kStubborn)));
  co_await ALittleWhile();
  run.Cancel();
  co_await ALittleWhile();
  run.Cancel();
  EXPECT_EQ(co_await EndOf(run), "cancelled");
}

LOOP_TEST_F(ProcessTest, WhoUsesAProcessThatWasDroppedIsTold) {
  auto cat = std::make_unique<Process>(co_await StartProcess(Command("cat")));
  Task<> waiter = Spawn([&]() -> Coro<> { (void)co_await cat->Wait(); });
  Task<ProcessOutput> talk = Spawn([&]() -> Coro<ProcessOutput> { co_return co_await cat->Communicate(Large()); });
  while (waiter.Stack().empty() || talk.Stack().empty()) {
    if (waiter.Done() || talk.Done()) co_return;  // The program was faster.
    co_await Yield();
  }
  cat = nullptr;
  EXPECT_THAT(co_await EndOf(waiter), HasSubstr("it was destroyed by task"));
  EXPECT_NE(co_await EndOf(talk), "value");
}

LOOP_TEST_F(ProcessTest, TheEnvironmentIsChanged) {
  Command show("sh", "-c", kShowVariable);
  EXPECT_EQ((co_await RunProcess(show)).out, "\n");
  show.Environment("SHOWN", "first").Environment("SHOWN", "second");
  EXPECT_EQ((co_await RunProcess(show)).out, "second\n");
  show.WithoutEnvironment("SHOWN");
  EXPECT_EQ((co_await RunProcess(show)).out, "\n");
}

// sp-14
LOOP_TEST_F(ProcessTest, AProgramThatIsNotThereIsAnError) {
  EXPECT_EQ(co_await ErrorOf(Command("no-such-program")), ENOENT);
  EXPECT_EQ(co_await EndOf(StartProcess(Command("no-such-program"))),
            "start no-such-program: No such file or directory");
  EXPECT_EQ(co_await EndOf(RunProcess(Command("no-such-program"))), "start no-such-program: No such file or directory");
}

LOOP_TEST_F(ProcessTest, MisuseIsAnswered, {.schedules = 1}) {
  Process quiet = co_await StartProcess(Command("true"), {.in = ProcessStream::kNull, .out = ProcessStream::kNull});
  const auto text = [](auto call) -> std::string {
    try {
      call();
    } catch (const std::exception& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_EQ(text([&] { quiet.Out(); }),
            "Process::Out() of Process \"true\": this stream is no pipe; ask for one in ProcessOptions");
  EXPECT_EQ(text([&] { (void)quiet.Communicate("x"); }),
            "Process::Communicate(): there is input, but the program's is no pipe; ask for one in ProcessOptions");
  EXPECT_EQ(text([&] { quiet.SendSignal(99); }), "there is no signal 99; give one of <csignal>, such as SIGTERM");
  EXPECT_EQ(text([&] { quiet.KillGroup(); }),
            "Process::KillGroup(): the program shares our own group; start it with ProcessOptions::new_session");
  EXPECT_EQ(text([&] { (void)Process().Pid(); }),
            "this Process is empty: it was default-constructed or moved from; StartProcess() gives one");
  EXPECT_EQ(co_await EndOf(StartProcess(Command("true"), {.out = ProcessStream::kOutput})),
            "StartProcess(): ProcessStream::kOutput is for the errors; choose another for `in` and `out`");
  EXPECT_TRUE((co_await quiet.Wait()).ok());
}

}  // namespace
}  // namespace detent
