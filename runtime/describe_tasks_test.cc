// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/describe_tasks.h"

#include <array>
#include <csignal>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/testing/testing.h"
#include "detent/testing/text_of.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::TextOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

Coro<> AwaitEvent(Event& event) { co_await event.Wait(); }

// Until the tasks are told of in this way.
Coro<> UntilDescribed(std::string words) {
  while (DescribeTasks().find(words) == std::string::npos) co_await Yield();
}

LOOP_TEST(DescribeTasksTest, ATaskStandsBelowTheOneThatAwaitsIt) {
  Event go("go");
  Task<> child = Spawn(AwaitEvent(go), {.name = "child"});
  Task<> parent = Spawn([&]() -> Coro<> { co_await child; }, {.name = "parent"});
  co_await UntilDescribed("the end of task \"child\"");
  co_await UntilDescribed("Event::Wait on \"go\"");
  EXPECT_THAT(DescribeTasks(), MatchesRegex("3 tasks\n"
                                            "  task \"task-1\"  running  [^\n]*\n"
                                            "  task \"parent\"  the end of task \"child\" [^\n]*\n"
                                            "    task \"child\"  Event::Wait on \"go\"[^\n]*"));
  go.Set();
  co_await parent;
}

LOOP_TEST(DescribeTasksTest, OneThatIsAwaitedByTwoIsListedOnce) {
  Event go("go");
  Task<> child = Spawn(AwaitEvent(go), {.name = "child"});
  Task<> one = Spawn([&]() -> Coro<> { co_await child; }, {.name = "one"});
  Task<> two = Spawn([&]() -> Coro<> { co_await child; }, {.name = "two"});
  const auto both_wait = [] {
    const std::string text = DescribeTasks();
    return text.find("\"one\"  the end") != std::string::npos && text.find("\"two\"  the end") != std::string::npos &&
           text.find("Event::Wait") != std::string::npos;
  };
  while (!both_wait()) co_await Yield();
  EXPECT_THAT(DescribeTasks(), MatchesRegex("4 tasks\n"
                                            "  task \"task-1\"  running  [^\n]*\n"
                                            "  task \"one\"  the end of task \"child\" [^\n]*\n"
                                            "    task \"child\"  Event::Wait on \"go\"[^\n]*\n"
                                            "  task \"two\"  the end of task \"child\" [^\n]*"));
  go.Set();
  co_await Gather(std::move(one), std::move(two));
}

LOOP_TEST(DescribeTasksTest, ACircleIsNamed) {
  Lock a("a"), b("b");
  Event both;
  int held = 0;
  const auto take_both = [&](Lock& first, Lock& second) -> Coro<> {
    auto one = co_await first.Hold();
    if (++held == 2) both.Set();
    co_await both.Wait();
    auto two = co_await second.Hold();
  };
  Task<> alice = Spawn(take_both(a, b), {.name = "alice"});
  Task<> bob = Spawn(take_both(b, a), {.name = "bob"});
  co_await UntilDescribed("cycle: ");
  EXPECT_THAT(DescribeTasks(), HasSubstr("\n  cycle: alice -> Lock \"b\" (held by bob) -> bob -> Lock \"a\" (held by "
                                         "alice) -> alice"));
  alice.Cancel();
  (void)co_await Settle(alice);
  co_await bob;
}

// A chain of any length takes constant stack.
TEST(DescribeTasksOfALoopTest, ALongChainIsListedToABound) {
  EpollLoop loop;
  loop.SetExceptionHandler([](const ExceptionContext&) {});
  Event go("go");
  Task<> last = loop.Spawn(AwaitEvent(go));
  for (int i = 0; i < 20'000; ++i) {
    last = loop.Spawn([](Task<> inner) -> Coro<> { co_await inner; }, std::move(last));
  }
  loop.RunOnce();
  const std::string text = DescribeTasks(loop);
  EXPECT_THAT(text, HasSubstr("20001 tasks\n"));
  EXPECT_THAT(text, HasSubstr("\n  … and 19001 more tasks"));
  go.Set();
}

TEST(DescribeTasksOfALoopTest, ALoopThatDoesNotRunIsDescribedToo) {
  EpollLoop loop;
  EXPECT_EQ(DescribeTasks(loop), "0 tasks");
  Event go("go");
  Task<> waits = loop.Spawn(AwaitEvent(go), {.name = "waits"});
  loop.RunOnce();
  EXPECT_THAT(DescribeTasks(loop),
              HasSubstr("1 task\n  task \"waits\"  Event::Wait on \"go\"  describe_tasks_test.cc:"));
  go.Set();
  loop.RunOnce();
}

TEST(DescribeTasksOfALoopTest, AnotherThreadIsRefused) {
  EpollLoop loop;
  Event go("go");
  loop.Run([&]() -> Coro<> {
    std::string text;
    std::thread([&] { text = TextOf<InvalidStateError>([&] { return DescribeTasks(loop); }); }).join();
    EXPECT_THAT(text, HasSubstr("DescribeTasks()"));
    co_return;
  });
}

TEST(DescribeTasksOfALoopTest, AWatchedTaskSaysForHowLongItWaits) {
  EpollLoop loop;
  Event go("go");
  Task<> waits = loop.Spawn(AwaitEvent(go), {.name = "waits"});
  loop.RunOnce();
  EXPECT_THAT(DescribeTasks(loop), Not(HasSubstr(", for ")));
  loop.SetMeasuring(true);
  Task<> watched = loop.Spawn(AwaitEvent(go), {.name = "watched"});
  loop.RunOnce();
  EXPECT_THAT(DescribeTasks(loop), HasSubstr("\n  task \"watched\"  Event::Wait on \"go\", for "));
  go.Set();
  loop.RunOnce();
}

std::string RunningStep(size_t size = 200) {
  std::string text(size, '?');
  text.resize(DescribeRunningStep(std::span<char>(text)));
  return text;
}

LOOP_TEST(DescribeRunningStepTest, NamesTheTask) {
  std::string from_callback = "?";
  EventLoop::Current().CallSoon([&] { from_callback = RunningStep(); });
  Task<> named = Spawn(
      []() -> Coro<> {
        EXPECT_THAT(RunningStep(),
                    MatchesRegex("running: task 2 \"named\", spawned at describe_tasks_test.cc:[0-9]+\n"));
        EXPECT_EQ(RunningStep(12), "running: tas");
        EXPECT_EQ(RunningStep(0), "");
        co_return;
      },
      {.name = "named"});
  co_await named;
  while (from_callback == "?") co_await Yield();
  EXPECT_EQ(from_callback, "");
}

std::array<char, 200> told;
size_t told_size = 0;

// A step that is stuck tells nobody; a signal interrupts it.
TEST(DescribeRunningStepInAHandlerTest, ASignalHandlerMayAsk) {
  struct sigaction action = {};
  action.sa_handler = [](int) { told_size = DescribeRunningStep(told); };
  struct sigaction before;
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  EpollLoop loop;
  loop.Run([]() -> Coro<> {
    co_await Spawn(
        []() -> Coro<> {
          raise(SIGUSR1);
          co_return;
        },
        {.name = "stuck"});
  });
  EXPECT_THAT(std::string_view(told.data(), told_size), HasSubstr("running: task 2 \"stuck\", spawned at "));
  raise(SIGUSR1);
  EXPECT_EQ(told_size, 0u);
  sigaction(SIGUSR1, &before, nullptr);
}

}  // namespace
}  // namespace detent
