// SPDX-License-Identifier: Apache-2.0
//
// detent::Run() and EventLoop::Run() as asyncio's run() and Runner: what they do at the end, and what is left.
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/runtime/runtime.h"
#include "detent/sim/sim.h"
#include "detent/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::Forever;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Installs a handler in the running loop.
void NoteReportsIn(std::vector<std::string>& reports) {
  EventLoop::Current().SetExceptionHandler(
      [&reports](const ExceptionContext& context) { reports.push_back(context.ToString()); });
}

// run-01
TEST(RunTest, GivesTheValueOrThrowsTheError) {
  EXPECT_EQ(detent::Run([]() -> Coro<int> {
              co_await Yield();
              co_return 42;
            }),
            42);
  EXPECT_THROW(detent::Run([]() -> Coro<> {
                 co_await Yield();
                 throw std::out_of_range("spam");
               }),
               std::out_of_range);
}

TEST(RunTest, ACancelledMainThrowsCancelledError) {
  EXPECT_THROW(detent::Run([]() -> Coro<> {
                 CurrentTask().Cancel();
                 co_await Yield();
               }),
               CancelledError);
}

// run-03
TEST(RunTest, InsideALoopItRefusesAndTheCoroutineNeverStarts) {
  std::vector<std::string> reports;
  bool started = false;
  detent::Run([&]() -> Coro<> {
    NoteReportsIn(reports);
    auto inner = [&]() -> Coro<> {
      started = true;
      co_return;
    };
    EXPECT_THROW(detent::Run(inner()), InvalidStateError);
    EXPECT_THROW(EventLoop::Current().Run(inner()), InvalidStateError);
    co_await Yield();
  });
  EXPECT_FALSE(started);
  EXPECT_THAT(reports, IsEmpty());  // Not "never awaited".
}

// run-04
TEST(RunTest, WhatIsLeftIsCancelledAndAwaitedAlsoWhenMainFails) {
  for (const bool fails : {false, true}) {
    std::vector<std::string> log;
    auto main = [&]() -> Coro<int> {
      Spawn([&]() -> Coro<> {
        Outcome<> end = co_await Catch(Forever());
        co_await Sleep(absl::Milliseconds(1));
        log.push_back("cleaned up");
        co_await Propagate(std::move(end));
      });
      co_await Yield();
      if (fails) throw std::runtime_error("main");
      co_return 123;
    };
    if (fails) {
      EXPECT_THROW(detent::Run(main), std::runtime_error);
    } else {
      EXPECT_EQ(detent::Run(main), 123);
    }
    EXPECT_THAT(log, ElementsAre("cleaned up"));
  }
}

// run-05
TEST(RunTest, AnErrorOfATaskThatIsCancelledAtTheEndIsReported) {
  std::vector<std::string> reports;
  EXPECT_EQ(detent::Run([&]() -> Coro<int> {
              NoteReportsIn(reports);
              Spawn(
                  []() -> Coro<> {
                    (void)co_await Catch(Forever());
                    throw std::runtime_error("oops");
                  },
                  {.name = "leftover"});
              co_await Yield();
              co_return 123;
            }),
            123);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_THAT(reports[0], HasSubstr("task \"leftover\""));
  EXPECT_THAT(reports[0], HasSubstr("failed while it was cancelled at the end of the run: oops"));
}

// run-06. A generator ends with the frame that holds it.
TEST(RunTest, GeneratorsOfTasksThatAreLeftHaveEndedWhenItReturns) {
  auto token = std::make_shared<int>();
  auto numbers = [](std::shared_ptr<int>) -> AsyncGenerator<int> {
    while (true) {
      co_yield 1;
      co_await Sleep(absl::Seconds(10));
    }
  };
  EXPECT_THROW(detent::Run([&]() -> Coro<> {
                 Spawn([&]() -> Coro<> {
                   auto generator = numbers(token);
                   while (co_await generator.Next()) {
                   }
                 });
                 co_await Yield();
                 EXPECT_EQ(token.use_count(), 2);
                 throw std::runtime_error("fancy exit");
               }),
               std::runtime_error);
  EXPECT_EQ(token.use_count(), 1);
}

// run-07, run-14: the loop is the runner; but each run begins without context variables.
TEST(RunTest, OneLoopMayRunSeveralTimesAndTasksGoOn) {
  EpollLoop loop;
  ContextVar<int> variable{-1};
  std::vector<int> seen;
  Task<int> across;
  loop.Run([&]() -> Coro<> {
    seen.push_back(variable.Get());
    variable.Set(1);
    across = Spawn([&]() -> Coro<int> {
      co_await Sleep(absl::Milliseconds(1));
      co_return variable.Get();
    });
    co_return;
  });
  loop.Run([&]() -> Coro<> {
    seen.push_back(variable.Get());
    EXPECT_EQ(&EventLoop::Current(), &loop);
    EXPECT_EQ(co_await across, 1);
  });
  EXPECT_THAT(seen, ElementsAre(-1, -1));
}

// loop-12
TEST(RunTest, ARunThatAnErrorEndedDoesNotStopALaterOne) {
  sim::SimLoop loop({.strategy = sim::Fifo()});
  Event event;
  int done = 0;
  EXPECT_THROW(loop.Run([&]() -> Coro<> {
    co_await event.Wait();
    ++done;
  }),
               sim::DeadlockError);
  // The first run's task ends in the second, which goes on to its own end.
  EXPECT_EQ(loop.Run([&]() -> Coro<int> {
    event.Set();
    for (int i = 0; i < 10; ++i) co_await Yield();
    co_return done;
  }),
            1);
}

// loop-08, loop-10: what arrived is taken once, also by runs of a single iteration.
TEST(RunTest, AnEventThatIsFoundWhileTheLoopStopsIsHandledOnce) {
  EpollLoop loop;
  std::vector<std::string> log;
  Connection client;
  auto serve = [&](Listener listener) -> Coro<> {
    Connection connection = co_await listener.Accept();
    for (int i = 0; i < 2; ++i) log.push_back(co_await connection.Read(10));
  };
  loop.Run([&]() -> Coro<> {
    Listener listener = co_await Listen("127.0.0.1", 0);
    const int port = listener.Port();
    Spawn(serve, std::move(listener));
    client = co_await Connect("127.0.0.1", port);
    for (int i = 0; i < 3; ++i) co_await Sleep(absl::Milliseconds(1));
    co_await client.Write("x");
  });
  for (int i = 0; i < 20; ++i) {
    loop.Stop();
    loop.RunForever();
  }
  EXPECT_THAT(log, ElementsAre("x"));
  loop.Run([&]() -> Coro<> {
    client.Close();
    while (log.size() < 2) co_await Yield();
  });
  EXPECT_THAT(log, ElementsAre("x", ""));
}

// run-15, loop-21
TEST(RunTest, DebugModeIsTheLoops) {
  EpollLoop loop;
  EXPECT_FALSE(loop.debug());
  loop.SetDebug(true);
  loop.Run([]() -> Coro<> {
    EXPECT_TRUE(EventLoop::Current().debug());
    co_return;
  });
}

}  // namespace
}  // namespace detent
