// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/programs.h"

#include <csignal>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

using ::testing::ElementsAre;

// What a program that is started by `command` ends with.
ExitStatus StatusOf(const Command& command, Program program) {
  SimLoop loop({.strategy = Fifo()});
  return loop.Run([&]() -> Coro<ExitStatus> {
    AddProgram("it", std::move(program));
    co_return (co_await RunProcess(command)).status;
  });
}

TEST(SimProgramsTest, AProgramEndsWithAByteOfWhatItReturns) {
  const auto status = [](int code) {
    return StatusOf(Command("it"), [code](ProcessContext&) -> Coro<int> { co_return code; });
  };
  EXPECT_EQ(status(0), ExitStatus::Code(0));
  EXPECT_EQ(status(7), ExitStatus::Code(7));
  EXPECT_EQ(status(256 + 3), ExitStatus::Code(3));
}

TEST(SimProgramsTest, OneThatThrowsEndsAsByAbort) {
  const auto throws = [](ProcessContext&) -> Coro<int> {
    co_await Yield();
    throw std::runtime_error("lost");
  };
  EXPECT_EQ(StatusOf(Command("it"), throws), ExitStatus::Signal(SIGABRT));
  // Nobody ignores SIGKILL.
  const auto ignores = [](ProcessContext& process) -> Coro<int> {
    process.Ignore(SIGKILL);
    co_return 0;
  };
  EXPECT_EQ(StatusOf(Command("it"), ignores), ExitStatus::Signal(SIGABRT));
}

TEST(SimProgramsTest, AProgramSeesWhatItWasStartedWith) {
  Command command("it", "one", "two words");
  command.Directory("/srv").Environment("A", "first").Environment("A", "second").Environment("B", "b");
  command.WithoutEnvironment("B");
  const auto looks = [](ProcessContext& process) -> Coro<int> {
    EXPECT_THAT(process.arguments(), ElementsAre("one", "two words"));
    EXPECT_EQ(process.directory(), "/srv");
    EXPECT_EQ(process.Environment("A"), "second");
    EXPECT_EQ(process.Environment("B"), "");
    co_return 5;
  };
  EXPECT_EQ(StatusOf(command, looks), ExitStatus::Code(5));
}

TEST(SimProgramsTest, TheLastProgramOfANameIsStarted) {
  SimLoop loop;
  loop.Run([]() -> Coro<> {
    AddProgram("it", [](ProcessContext&) -> Coro<int> { co_return 1; });
    AddProgram("it", [](ProcessContext&) -> Coro<int> { co_return 2; });
    EXPECT_EQ((co_await RunProcess(Command("it"))).status.code(), 2);
    EXPECT_THROW(AddProgram("", [](ProcessContext&) -> Coro<int> { co_return 1; }), std::invalid_argument);
  });
}

TEST(SimProgramsTest, ASignalDestroysItUnlessItIgnoresThat) {
  class Local {
   public:
    explicit Local(bool& gone) : gone_(gone) {}
    Local(const Local&) = delete;
    Local& operator=(const Local&) = delete;
    ~Local() { gone_ = true; }

   private:
    bool& gone_;
  };
  SimLoop loop;
  loop.Run([]() -> Coro<> {
    bool gone = false;
    AddProgram("it", [&](ProcessContext& process) -> Coro<int> {
      const Local local(gone);
      process.Ignore(SIGTERM);
      co_await process.Out().Write("ready\n");
      co_await Sleep(absl::InfiniteDuration());
      co_return 0;
    });
    Process it = co_await StartProcess(Command("it"));
    EXPECT_EQ(co_await it.Out().ReadLine(), "ready\n");
    it.Terminate();
    it.SendSignal(SIGCHLD);  // What ends nobody.
    co_await Sleep(absl::Seconds(1));
    EXPECT_FALSE(it.Status().has_value());
    EXPECT_FALSE(gone);
    it.Kill();
    EXPECT_EQ(co_await it.Wait(), ExitStatus::Signal(SIGKILL));
    co_await Sleep(absl::Seconds(1));  // The parent may know first.
    EXPECT_TRUE(gone);
    EXPECT_EQ(co_await it.Out().Read(10), "");
  });
}

absl::Duration TimeToTellOfAnEnd(StrategyOption strategy, uint64_t seed) {
  SimLoop loop({.seed = seed, .strategy = strategy});
  return loop.Run([]() -> Coro<absl::Duration> {
    AddProgram("it", [](ProcessContext&) -> Coro<int> { co_return 0; });
    Process it = co_await StartProcess(Command("it"));
    const LoopTime start = EventLoop::Current().Time();
    EXPECT_TRUE((co_await it.Wait()).ok());
    co_return EventLoop::Current().Time() - start;
  });
}

TEST(SimProgramsTest, TheParentIsToldAtOnceOrLater) {
  EXPECT_EQ(TimeToTellOfAnEnd(Fifo(), 0), absl::ZeroDuration());
  std::set<absl::Duration> times;
  for (uint64_t seed = 0; seed < 100; ++seed) times.insert(TimeToTellOfAnEnd(RandomWalk(), seed));
  EXPECT_EQ(*times.begin(), absl::ZeroDuration());
  EXPECT_EQ(*times.rbegin(), absl::Microseconds(6400));
  EXPECT_GT(times.size(), 4u);
}

}  // namespace
}  // namespace detent::sim
