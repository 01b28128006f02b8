// SPDX-License-Identifier: Apache-2.0
//
// Rule R7: a coroutine of the library that nobody awaited is reported with the line of the user who called the
// function, for each function that gives one. (r08_forgotten_await_test.py knows them all, and that each is told its
// caller's place.)
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/runtime.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Call {
 public:
  Call(std::string_view the_text, int the_line, std::function<void()> the_function)
      : text(the_text), line(the_line), function(std::move(the_function)) {}

  std::string text;
  int line;
  std::function<void()> function;  // Makes the coroutine and drops it.
};

// A call that stands on one line, of a function that gives a coroutine.
#define CALL(...) Call(#__VA_ARGS__, __LINE__, [&] { (void)(__VA_ARGS__); })

Coro<> Nothing() { co_return; }
Coro<> Take(int, int) { co_return; }
Coro<> Serve(Connection) { co_return; }
Coro<> Block(Timeout&) { co_return; }
Coro<> Children(TaskGroup&) { co_return; }

class PlacesTest : public ::testing::Test {
 protected:
  PlacesTest() {
    loop_.SetExceptionHandler([this](const ExceptionContext& context) { reports_.push_back(context.message); });
  }

  // Inside a task.
  void ExpectPlaces(const std::vector<Call>& calls) {
    for (const Call& call : calls) {
      SCOPED_TRACE(call.text);
      call.function();
      const std::vector<std::string> reports = std::exchange(reports_, {});
      EXPECT_THAT(reports, Not(IsEmpty()));
      EXPECT_THAT(
          reports,
          Each(HasSubstr(absl::StrCat("the coroutine at r08_places_test.cc:", call.line, " was never awaited"))));
    }
  }

  sim::SimLoop loop_;
  std::vector<std::string> reports_;
};

TEST_F(PlacesTest, WhatAwaitsOtherThingsNamesItsCaller) {
  loop_.Run([&]() -> Coro<> {
    const Task<> task = Spawn(Sleep(absl::Seconds(1)));
    const std::vector<Task<>> tasks = {task};
    Timeout timeout(absl::Seconds(1));
    CompletedIterator<Task<>> completed = AsCompleted(tasks);
    const auto add = [](int) { return Nothing(); };
    ExpectPlaces({
        CALL(WaitFor(task, absl::Seconds(1))),
        CALL(WaitFor(Sleep(absl::Seconds(1)), absl::Seconds(1))),
        CALL(CancelAndWait(task)),
        CALL(WithTimeout(absl::Seconds(1), Block)),
        CALL(WithTimeoutAt(LoopTime(), Block)),
        CALL(WithTimeout(timeout, Block)),
        CALL(Finally(Nothing, Nothing)),
        CALL(TaskGroup::Run(Children)),
        CALL(AsStatus(task)),
        CALL(Invoke(Nothing)),
        CALL(Invoke(add, 1)),
        CALL(Invoke(Take, 1, 2)),
        CALL(Race(task, task)),
        CALL(Race(tasks)),
        CALL(completed.Next()),
        CALL(OnThreads(1, add)),
    });
    co_await task;
  });
  EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(PlacesTest, WhatKeepsAnotherCoroutineNamesItsCallerAndTheOther) {
  loop_.Run([&]() -> Coro<> {
    {
      const Coro<> dropped = WaitFor(Nothing(), absl::Seconds(1));
    }
    const int line = __LINE__ - 2;
    EXPECT_THAT(reports_,
                ElementsAre(HasSubstr(absl::StrCat("r08_places_test.cc:", line)), HasSubstr("r08_places_test.cc:")));
    reports_.clear();
    co_return;
  });
}

TEST_F(PlacesTest, APrimitiveNamesItsCaller) {
  loop_.Run([&]() -> Coro<> {
    Barrier barrier(2);
    Condition condition;
    ExpectPlaces({
        CALL(barrier.Wait()),
        CALL(barrier.Reset()),
        CALL(barrier.Abort()),
        CALL(condition.Wait()),
        CALL(condition.WaitFor([] { return true; })),
    });
    co_return;
  });
}

TEST_F(PlacesTest, WhatOpensSomethingNamesItsCaller) {
  loop_.Run([&]() -> Coro<> {
    ExpectPlaces({
        CALL(Listen("localhost", 80)),
        CALL(Connect("localhost", 80)),
        CALL(ListenUnix("a.sock")),
        CALL(ConnectUnix("a.sock")),
        CALL(OpenDatagram({.local_host = "127.0.0.1"})),
        CALL(Resolve("localhost", 80)),
        CALL(StartProcess(Command("true"))),
        CALL(RunProcess(Command("true"))),
        CALL(ProcessPool(Command("true")).Run("job")),
        CALL(OpenFile("f")),
        CALL(ReadFile("f")),
        CALL(WriteFile("f", "x")),
        CALL(ReplaceFile("f", "x")),
        CALL(MakeDirectory("d")),
        CALL(RenameFile("f", "g")),
        CALL(RemoveFile("f")),
        CALL(ListDirectory("d")),
        CALL(StatFile("f")),
        CALL(SyncDirectory("d")),
    });
    co_return;
  });
}

TEST_F(PlacesTest, WhatIsOpenNamesItsCaller) {
  loop_.Run([&]() -> Coro<> {
    const Server server = co_await StartServer(Serve, "localhost", 80);
    auto [connection, peer] = SocketPair();
    sim::AddProgram("true", [](sim::ProcessContext&) -> Coro<int> { co_return 0; });
    Process process = co_await StartProcess(Command("true"));
    ExpectPlaces({
        CALL(server.WaitClosed()),
        CALL(server.ServeForever()),
        CALL(process.Communicate()),
        CALL(ServeProcessJobs(peer, peer, ProcessJob())),
        CALL(ServeProcessJobs(peer, peer, SlowProcessJob())),
        CALL(connection.CloseLingering(absl::Seconds(1))),
    });
    (void)co_await process.Wait();
  });
}

TEST_F(PlacesTest, AServerThatWasNotStartedNamesItsCallerForItAndForItsListener) {
  loop_.Run([&]() -> Coro<> {
    ExpectPlaces({CALL(StartServer(Serve, "localhost", 80))});
    Listener listener = co_await Listen("localhost", 80);
    ExpectPlaces({CALL(StartServer(Serve, std::move(listener)))});
  });
}

TEST_F(PlacesTest, ATestsCancelEverywhereNamesItsCaller) {
  loop_.Run([&]() -> Coro<> {
    ExpectPlaces({
        CALL(detent_testing::CancelEverywhere(Nothing)),
        CALL(detent_testing::CancelEverywhere(Nothing, Nothing)),
    });
    co_return;
  });
}

}  // namespace
}  // namespace detent
