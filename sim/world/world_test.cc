// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/world.h"

#include <functional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "detent/runtime/runtime.h"
#include "detent/sim/sim.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "detent/testing/text_of.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::TextOf;
using ::testing::ElementsAre;
using ::testing::IsNull;

class Counter {
 public:
  int count = 0;
};
LoopLocal<Counter> counter;

int CountOf(const sim::Host& host) {
  const Counter* const its = host.Peek(counter);
  return its == nullptr ? -1 : its->count;
}

Coro<> CountForEver() {
  while (true) {
    ++counter.Get().count;
    co_await Sleep(absl::Seconds(1));
  }
}

class AtEnd {
 public:
  explicit AtEnd(std::function<void()> function) : function_(std::move(function)) {}
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;
  ~AtEnd() { function_(); }

 private:
  const std::function<void()> function_;
};

class WorldTest : public detent_testing::TestLoop {};

SIM_TEST(WorldSimTest, HostsRunTheirPrograms) {
  sim::World world;
  sim::Host& a = world.AddHost("a", CountForEver);
  world.AddHost("b", [] { return CountForEver(); });
  co_await Sleep(absl::Milliseconds(2500));
  EXPECT_EQ(CountOf(a), 3);
  EXPECT_EQ(CountOf(world.host("b")), 3);
  EXPECT_EQ(a.name(), "a");
  counter.Get().count = 100;  // The test's own.
  EXPECT_EQ(CountOf(a), 3);
}

SIM_TEST(WorldSimTest, AKilledHostDoesNothingAnyMore, {.schedules = 1}) {
  sim::World world;
  sim::Host& a = world.AddHost("a", CountForEver);
  co_await Sleep(absl::Milliseconds(1500));
  EXPECT_TRUE(a.IsUp());
  a.Kill();
  a.Kill();
  EXPECT_FALSE(a.IsUp());
  EXPECT_THAT(a.Peek(counter), IsNull());
  co_await Sleep(absl::Seconds(5));
  a.Boot();
  a.Boot();
  EXPECT_TRUE(a.IsUp());
  EXPECT_THAT(a.Peek(counter), IsNull()) << "it has asked for none yet";
  co_await Sleep(absl::Milliseconds(2500));
  EXPECT_EQ(CountOf(a), 3) << "memory is new with each boot";
}

SIM_TEST(WorldSimTest, ABootMayBringAnotherProgram, {.schedules = 1}) {
  sim::World world;
  sim::Host& a = world.AddHost("a", CountForEver);
  a.Boot([]() -> Coro<> {
    counter.Get().count = 7;
    co_await Sleep(absl::Hours(1));
  });
  co_await Sleep(absl::Milliseconds(500));
  EXPECT_EQ(CountOf(a), 1) << "it was up, and went on";
  for (int i = 0; i < 2; ++i) {
    a.Kill();
    a.Boot();
    co_await Sleep(absl::Milliseconds(500));
    EXPECT_EQ(CountOf(a), 7);
  }
}

// --- A host is its program's loop ---

SIM_TEST(WorldSimTest, TasksOfAHostAreItsLoopsOwn) {
  sim::World world;
  std::vector<size_t> counts;
  const EventLoop* loop_of_a = nullptr;
  world.AddHost("a", [&]() -> Coro<> {
    loop_of_a = &EventLoop::Current();
    Task<> child = Spawn([&]() -> Coro<> {
      EXPECT_EQ(&EventLoop::Current(), loop_of_a);
      co_await Sleep(absl::Seconds(1));
    });
    EventLoop::Current().CallSoon([&] { EXPECT_EQ(&EventLoop::Current(), loop_of_a); });
    co_await Sleep(absl::Milliseconds(1));
    counts.push_back(AllTasks().size());
    co_await child;
    EXPECT_EQ(co_await EventLoop::Current().RunInExecutor([] { return 7; }), 7);
    EXPECT_GE(EventLoop::Current().Time() - LoopTime(), absl::Seconds(1));
  });
  world.AddHost("b", CountForEver);
  co_await Sleep(absl::Seconds(2));
  EXPECT_NE(loop_of_a, &EventLoop::Current());
  EXPECT_NE(loop_of_a, nullptr);
  EXPECT_THAT(counts, ElementsAre(2u));
  EXPECT_EQ(AllTasks().size(), 1u);
}

SIM_TEST(WorldSimTest, EachBootHasItsOwnRandomNumbersAndHandler) {
  sim::World world;
  std::vector<uint64_t> numbers;
  std::vector<std::string> told;
  const auto program = [&]() -> Coro<> {
    EXPECT_FALSE(EventLoop::Current().HasExceptionHandler());
    EventLoop::Current().SetExceptionHandler(
        [&](const ExceptionContext& report) { told.push_back(report.ToString()); });
    numbers.push_back(EventLoop::Current().Random().Next());
    EventLoop::Current().CallSoon([] { throw std::runtime_error("lost"); });
    co_await Sleep(absl::Milliseconds(1));
  };
  for (const char* name : {"a", "b"}) world.AddHost(name, program);
  co_await Sleep(absl::Seconds(1));
  world.host("a").Boot();
  co_await Sleep(absl::Seconds(1));
  EXPECT_THAT(told, ElementsAre("a callback threw: lost", "a callback threw: lost", "a callback threw: lost"));
  EXPECT_EQ(std::set<uint64_t>(numbers.begin(), numbers.end()).size(), 3u);
}

SIM_TEST(WorldSimTest, AProgramThatReturnsEndsItsHost, {.schedules = 1}) {
  sim::World world;
  std::vector<std::string> log;
  sim::Host& a = world.AddHost("a", [&]() -> Coro<> {
    Spawn([&]() -> Coro<> {
      const auto outcome = co_await Catch(Sleep(absl::Hours(1)));
      log.push_back(outcome.cancelled() ? "cancelled" : "not cancelled");
    });
    co_await Sleep(absl::Seconds(1));
    log.push_back("returns");
  });
  co_await Sleep(absl::Milliseconds(999));
  EXPECT_TRUE(a.IsUp());
  co_await Sleep(absl::Seconds(1));
  EXPECT_FALSE(a.IsUp());
  EXPECT_THAT(log, ElementsAre("returns", "cancelled"));
}

SIM_TEST(WorldSimTest, StopIsTheExitOfTheHost, {.schedules = 1}) {
  sim::World world;
  bool cleaned_up = false;
  sim::Host& a = world.AddHost("a", [&]() -> Coro<> {
    Spawn([&]() -> Coro<> {
      co_await Sleep(absl::Seconds(1));
      EventLoop::Current().Stop();
    });
    const AtEnd clean_up([&] { cleaned_up = true; });
    co_await Sleep(absl::Hours(1));
  });
  co_await Sleep(absl::Seconds(2));
  EXPECT_FALSE(a.IsUp());
  EXPECT_TRUE(cleaned_up);
}

TEST_F(WorldTest, AProgramThatThrowsFailsTheTest) {
  const std::string text = TextOf<sim::HostFailed>([&] {
    Run([&]() -> Coro<> {
      sim::World world;
      world.AddHost("a", []() -> Coro<> {
        co_await Sleep(absl::Seconds(1));
        throw std::runtime_error("no space");
      });
      co_await Sleep(absl::Hours(1));
    });
  });
  EXPECT_EQ(text, "host a failed: no space");
}

SIM_TEST(WorldSimTest, AProgramThatMayFailKillsItsHost, {.schedules = 1}) {
  sim::World world;
  bool was_heard = false;
  const auto program = [&]() -> Coro<> {
    Spawn([&]() -> Coro<> {
      const auto outcome = co_await Catch(Sleep(absl::Hours(1)));
      was_heard = true;
    });
    co_await Sleep(absl::Seconds(1));
    throw std::runtime_error("no space");
  };
  sim::Host& a = world.AddHost("a", program, {.may_fail = true});
  co_await Sleep(absl::Seconds(2));
  EXPECT_FALSE(a.IsUp());
  a.Boot();
  EXPECT_TRUE(a.IsUp());
  co_await Sleep(absl::Seconds(2));
  EXPECT_FALSE(was_heard);
}

// --- Spawn ---

SIM_TEST(WorldSimTest, TheTestAwaitsATaskOfAHost, {.schedules = 1}) {
  sim::World world;
  sim::Host& a = world.AddHost("a", CountForEver);
  co_await Sleep(absl::Milliseconds(1500));
  const int count = co_await a.Spawn([]() -> Coro<int> { co_return counter.Get().count; }, {.name = "probe"});
  EXPECT_EQ(count, 2);
  const auto add = [](int x, int y) -> Coro<int> { co_return x + y; };
  EXPECT_EQ(co_await a.Spawn(add, 1, 2), 3);
  co_await a.Spawn(Sleep(absl::Seconds(1)));
  EXPECT_EQ(CountOf(a), 3);
}

SIM_TEST(WorldSimTest, WhoAwaitsATaskLearnsThatItsHostIsDown) {
  sim::World world;
  sim::Host& a = world.AddHost("a", CountForEver);
  Task<> slept = a.Spawn(Sleep(absl::Hours(1)), {.name = "probe"});
  Task<> lost = a.Spawn(Sleep(absl::Hours(1)));  // Nobody looks at it: that is no report.
  EventLoop::Current().CallLater(absl::Seconds(1), [&] { a.Kill(); });
  const auto outcome = co_await Settle(slept);
  EXPECT_EQ(TextOf<sim::HostDown>([&] { std::rethrow_exception(outcome.exception()); }),
            "host a is down, and its task \"probe\" has gone with it");
  try {
    co_await a.Spawn(Sleep(absl::Seconds(1)), {.name = "late"});
    ADD_FAILURE() << "it is down";
  } catch (const sim::HostDown& e) {
    EXPECT_STREQ(e.what(), "host a is down, and its task \"late\" has gone with it");
  }
  EXPECT_EQ(EventLoop::Current().Time() - LoopTime(), absl::Seconds(1));
  a.Boot();
  EXPECT_EQ(co_await a.Spawn([]() -> Coro<int> { co_return 1; }), 1);
}

SIM_TEST(WorldSimTest, AHostThatItsOwnTaskKillsGoesOnToWhereItSuspends, {.schedules = 1}) {
  sim::World world;
  std::vector<std::string> log;
  sim::Host* a = nullptr;
  a = &world.AddHost("a", [&]() -> Coro<> {
    const AtEnd end([&] { log.push_back("destroyed"); });
    a->Kill();
    log.push_back("goes on");
    EXPECT_FALSE(a->IsUp());
    EXPECT_EQ(Choose(7), 0u);
    a->Boot();  // The dead do not boot.
    Spawn([&]() -> Coro<> {
      log.push_back("spawned by the dead");
      co_return;
    });
    co_await Yield();
    log.push_back("resumed");
  });
  co_await Sleep(absl::Seconds(1));
  EXPECT_THAT(log, ElementsAre("goes on", "destroyed"));
  EXPECT_FALSE(a->IsUp());
}

// --- The world itself ---

SIM_TEST(WorldSimTest, HostsGoWithTheWorldUnreported) {
  int destroyed = 0;
  {
    sim::World world;
    for (const char* name : {"a", "b"}) {
      world.AddHost(name, [&]() -> Coro<> {
        const AtEnd count([&] { ++destroyed; });
        Lock lock;
        co_await lock.Acquire();  // Held when it goes.
        co_await Sleep(absl::Hours(1));
      });
    }
    co_await Sleep(absl::Seconds(1));
    EXPECT_EQ(destroyed, 0);
  }
  EXPECT_EQ(destroyed, 2);
  EXPECT_EQ(AllTasks().size(), 1u);
}

TEST_F(WorldTest, IsOneARun) {
  for (int run = 0; run < 2; ++run) {
    Run([&]() -> Coro<> {
      {
        const sim::World world;
      }
      EXPECT_EQ(TextOf<InvalidStateError>([] { const sim::World second; }),
                "World: this run has one already; make one world a run, and add all hosts to that");
      co_return;
    });
    loop_->Reset(1);
  }
}

TEST_F(WorldTest, ComesBeforeAllThatIsOpened) {
  Run([&]() -> Coro<> {
    co_await WriteFile("/a", "b");
    EXPECT_EQ(TextOf<InvalidStateError>([] { const sim::World late; }),
              "World: something of the outside was used before (a socket, a file, a name, a signal, a process, a loop "
              "of OnThreads()); make the world first, so that all is of one of its hosts");
  });
}

TEST(WorldRealTest, IsNotForARealLoop) {
  EpollLoop loop;
  loop.Run([]() -> Coro<> {
    EXPECT_EQ(TextOf<InvalidStateError>([] { const sim::World world; }),
              "World: this loop is real, and a world is simulated; make it in a SIM_TEST, or on a SimLoop");
    co_return;
  });
}

TEST_F(WorldTest, NamesAreChecked) {
  Run([&]() -> Coro<> {
    sim::World world;
    const auto add = [&](const std::string& name) {
      return TextOf<std::invalid_argument>([&] { world.AddHost(name, CountForEver); });
    };
    EXPECT_EQ(TextOf<std::invalid_argument>([&] { world.host("a"); }),
              "World::host(): no host is called \"a\"; there are none");
    world.AddHost("a", CountForEver);
    EXPECT_EQ(TextOf<std::invalid_argument>([&] { world.host("b"); }),
              "World::host(): no host is called \"b\"; there is a");
    EXPECT_EQ(add("a"), "World::AddHost(): there is a host a already; take another name");
    EXPECT_EQ(add("a/b"), "World::AddHost(): \"a/b\" cannot be a host's name; take 1 to 63 letters, digits, - and _");
    EXPECT_EQ(add(""), "World::AddHost(): \"\" cannot be a host's name; take 1 to 63 letters, digits, - and _");
    EXPECT_EQ(add("test"), "World::AddHost(): the name test is taken; take another");
    co_return;
  });
}

// What a host chooses is known by the host, whatever else there is.
TEST_F(WorldTest, ChoicesOfAHostAreItsOwn) {
  class Listener final : public sim::RunObserver {
   public:
    void OnChoice(const sim::ChoicePoint& point, uint32_t) override {
      if (point.kind() == ChoiceKind::kProgram && point.n() == 9) streams.push_back(point.stream());
    }
    std::vector<sim::StreamId> streams;
  };
  const auto streams_of = [&](const char* name, int others) {
    Listener listener;
    loop_->Reset(1);
    loop_->SetObserver(&listener);
    Run([&]() -> Coro<> {
      sim::World world;
      for (int i = 0; i < others; ++i) world.AddHost("other-" + std::to_string(i), CountForEver);
      world.AddHost(name, []() -> Coro<> {
        co_await Spawn([]() -> Coro<> {
          (void)Choose(9);
          co_return;
        });
        (void)Choose(9);
      });
      co_await Sleep(absl::Seconds(1));
      world.host(name).Boot();
      co_await Sleep(absl::Seconds(1));
    });
    loop_->SetObserver(nullptr);
    return listener.streams;
  };
  const std::vector<sim::StreamId> alone = streams_of("a", 0);
  ASSERT_EQ(alone.size(), 4u);
  EXPECT_FALSE(alone[0] == alone[2]) << "each boot has its own";
  EXPECT_EQ(alone, streams_of("a", 3));
  EXPECT_FALSE(alone == streams_of("b", 0));
}

}  // namespace
}  // namespace detent
