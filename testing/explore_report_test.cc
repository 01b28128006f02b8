// SPDX-License-Identifier: Apache-2.0
//
// What the text of a failing exploration tells of the failure: whose it is, what led to it, and all of it.
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/explore.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using detent::Coro;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

// Fails where the function in the executor takes longer than its time-out.
Coro<> ConnectsTwice() {
  int connections = 0;
  for (int tries = 0; tries < 3; ++tries) {
    auto connect = detent::EventLoop::Current().RunInExecutor([&] { ++connections; });
    try {
      co_await detent::WaitFor(connect, absl::Milliseconds(1));
      break;
    } catch (const detent::TimeoutError&) {
    }
  }
  co_await detent::Sleep(absl::Seconds(1));
  if (connections > 1) throw std::runtime_error("connected twice");
}

TEST(ExploreReportTest, ATimeOutIsCalledOneAndTheExecutorIsToo) {
  const Report report = Explore({.schedules = 1000}, [] { return ConnectsTwice(); });
  ASSERT_FALSE(report.ok);
  EXPECT_THAT(report.text, AllOf(HasSubstr("| time-out of task-1"), HasSubstr("| function in the executor of task-1"),
                                 HasSubstr("| result from the executor of task-1"), HasSubstr("| timed out in "),
                                 Not(HasSubstr("| of task-1"))));
}

TEST(ExploreReportTest, AnExceptionSaysWhereItWasThrown) {
  const Report report = Explore({}, []() -> Coro<> {
    detent::Queue<int> jobs(0, "jobs");
    detent::Task<> worker = detent::Spawn(
        [&]() -> Coro<> {
          if (co_await jobs.Get() > 0) throw std::runtime_error("bad job");
        },
        {.name = "worker"});
    co_await detent::Yield();
    co_await jobs.Put(1);
    co_await worker;
  });
  ASSERT_FALSE(report.ok);
  EXPECT_EQ(report.failure, "the body threw: bad job");
  EXPECT_THAT(report.text, ContainsRegex("\nthrown in task \"worker\" after Queue::Get on \"jobs\" .empty., "
                                         "explore_report_test.cc:[0-9]+\n"));
}

TEST(ExploreReportTest, AnExpectThrowThatMeetsACancellationSaysSo) {
  const Report report = Explore({}, []() -> Coro<> {
    detent::Event never("never");
    detent::Task<> waits =
        detent::Spawn([&]() -> Coro<> { EXPECT_THROW(co_await never.Wait(), std::runtime_error); }, {.name = "waits"});
    detent::Task<> cancels = detent::Spawn(
        [&]() -> Coro<> {
          co_await detent::Yield();
          waits.Cancel();
        },
        {.name = "cancels"});
    co_await Gather(waits, cancels);
  });
  ASSERT_FALSE(report.ok);
  // Later versions of GoogleTest put an empty line between the two.
  EXPECT_THAT(report.failure, ContainsRegex("it throws a different type.\n\n?A CancelledError, which is no "
                                            "std::exception: the task was cancelled by cancels."));
}

TEST(ExploreReportTest, EveryChoiceThatMattersHasALine) {
  const Report report = Explore({.schedules = 1000}, []() -> Coro<> {
    const bool dies = detent::Fault("the server dies after it has taken the order, and before it has answered", 0.2);
    co_await detent::Yield();
    if (dies && detent::Choose(7) == 3) throw std::runtime_error("lost");
  });
  ASSERT_FALSE(report.ok);
  EXPECT_THAT(report.text, HasSubstr("\n> here Fault \"the server dies after it has taken the order, and before it "
                                     "has answered\" strikes, in task-1\n"));
  EXPECT_THAT(report.text, HasSubstr("\n> here Choose(7) = 3, in task-1\n"));
}

TEST(ExploreReportTest, ADeliverySaysFromWhereToWhereAndHowMuch) {
  const Report report = Explore({}, []() -> Coro<> {
    detent::Listener listener = co_await detent::Listen("shop", 80);
    detent::Connection client = co_await detent::Connect("shop", 80);
    detent::Connection server = co_await listener.Accept();
    co_await client.Write("order");
    if (co_await server.Read(100) == "order") throw std::runtime_error("ordered");
  });
  ASSERT_FALSE(report.ok);
  EXPECT_THAT(report.text, AllOf(ContainsRegex("[|] delivery from [^ ]+ to shop:80\n"),
                                 ContainsRegex("[|] delivery from shop:80 to [^ ]+\n"),
                                 ContainsRegex("[|] delivery from [^ ]+ to shop:80: 5 bytes\n")));
}

TEST(ExploreReportTest, AFileThatCannotBeWrittenIsToldOf) {
  Options options;
  options.report = "/nowhere/at/all.txt";
  const Report report = Explore(options, []() -> Coro<> { throw std::runtime_error("in a step"); });
  EXPECT_THAT(report.text, HasSubstr("\nthe report could not be written to /nowhere/at/all.txt\n"));
}

TEST(ExploreReportTest, TheFileIsNotCut) {
  const std::string path = ::testing::TempDir() + "explore_report_test.txt";
  Options options;
  options.report = path.c_str();
  const std::string name(40, 'n');
  const Report report = Explore(options, [&]() -> Coro<> {
    std::vector<detent::Task<>> tasks;
    for (int i = 0; i < 6; ++i) {
      tasks.push_back(detent::Spawn(
          [&, i]() -> Coro<> {
            detent::Event event(name + "-event-" + std::to_string(i));
            detent::EventLoop::Current().CallSoon([&] { event.Set(); });
            co_await event.Wait();
          },
          {.name = name + std::to_string(i)}));
    }
    co_await Gather(tasks);
    throw std::runtime_error("at the end");
  });
  ASSERT_FALSE(report.ok);
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  for (int i = 0; i < 6; ++i) {
    EXPECT_THAT(text, HasSubstr(" | " + name + std::to_string(i)));
    EXPECT_THAT(text, HasSubstr("Event::Wait on \"" + name + "-event-" + std::to_string(i) + "\""));
  }
  EXPECT_THAT(text, Not(HasSubstr("…")));
}

}  // namespace
}  // namespace detent_testing
