// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/clients.h"

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"
#include "detent/testing/text_of.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::TextOf;
using ::testing::ElementsAre;
using ::testing::Pair;

SIM_TEST(ClientsTest, EachDoesItsOperations) {
  sim::World world;
  std::map<std::string, int> operations;
  co_await world.Clients({.clients = 3, .operations = 4}, [&](sim::Client& client) -> Coro<> {
    EXPECT_EQ(client.name(), "client-" + std::to_string(client.id()));
    ++operations[client.name()];
    co_await Sleep(absl::Milliseconds(1));
  });
  EXPECT_THAT(operations, ElementsAre(Pair("client-1", 4), Pair("client-2", 4), Pair("client-3", 4)));
  EXPECT_TRUE(world.host("client-1").IsUp());
}

SIM_TEST(ClientsTest, MoreClientsHaveMoreNames) {
  sim::World world;
  std::vector<int> ids;
  const auto note = [&](sim::Client& client) -> Coro<> {
    ids.push_back(client.id());
    co_return;
  };
  co_await world.Clients({}, note);
  co_await world.Clients({}, note);
  EXPECT_THAT(ids, ElementsAre(1, 2));
}

SIM_TEST(ClientsTest, AnErrorOfIoOrATimeOutEndsTheOperationOnly) {
  sim::World world;
  int begun = 0;
  int ended = 0;
  const LoopTime begin = EventLoop::Current().Time();
  co_await world.Clients({.operations = 4, .timeout = absl::Seconds(1)}, [&](sim::Client&) -> Coro<> {
    switch (begun++) {
      case 0:
        throw std::system_error(ECONNRESET, std::generic_category(), "read");
      case 1:
        co_await Sleep(absl::Hours(1));
        break;
      case 2:
        throw IncompleteReadError("the stream ended", "par");
    }
    ++ended;
  });
  EXPECT_EQ(begun, 4);
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(EventLoop::Current().Time() - begin, absl::Seconds(1));
}

SIM_TEST(ClientsTest, AnyOtherErrorFailsTheTest) {
  sim::World world;
  std::string text;
  try {
    co_await world.Clients({.clients = 2}, [](sim::Client&) -> Coro<> {
      co_await Yield();
      throw std::runtime_error("a wrong answer");
    });
  } catch (const std::runtime_error& e) {
    text = e.what();
  }
  EXPECT_EQ(text, "a wrong answer");
}

SIM_TEST(ClientsTest, TheOthersGoOn) {
  sim::World world;
  int operations = 0;
  bool failed = false;
  try {
    co_await world.Clients({.clients = 2, .operations = 5}, [&](sim::Client& client) -> Coro<> {
      co_await Sleep(absl::Seconds(1));
      if (client.id() == 1) throw std::runtime_error("a wrong answer");
      ++operations;
    });
  } catch (const std::runtime_error&) {
    failed = true;
  }
  EXPECT_TRUE(failed);
  co_await Sleep(absl::Seconds(10));
  EXPECT_EQ(operations, 5);
}

SIM_TEST(ClientsTest, ACancelledOneEndsThem) {
  sim::World world;
  int operations = 0;
  Task<> task = Spawn(world.Clients({.operations = 100}, [&](sim::Client&) -> Coro<> {
    ++operations;
    co_await Sleep(absl::Seconds(1));
  }));
  co_await Sleep(absl::Milliseconds(2500));
  co_await CancelAndWait(task);
  co_await Sleep(absl::Seconds(10));
  EXPECT_EQ(operations, 3);
}

SIM_TEST(ClientsTest, NoFaultTakesOneDown) {
  sim::World world({.faults = sim::kKill, .fault_rate = 1});
  int operations = 0;
  co_await world.Clients({.operations = 10}, [&](sim::Client&) -> Coro<> {
    ++operations;
    co_await Sleep(absl::Seconds(1));
  });
  EXPECT_EQ(operations, 10);
  world.AddHost("a", []() -> Coro<> { co_await Sleep(absl::Seconds(1)); });  // So that something is struck.
  co_await Sleep(absl::Seconds(2));
}

TEST(ClientsTextTest, NumbersThatMakeNoSenseAreRefused) {
  sim::SimLoop loop;
  loop.Run([]() -> Coro<> {
    sim::World world;
    const auto nothing = [](sim::Client&) -> Coro<> { co_return; };
    EXPECT_EQ(TextOf<std::invalid_argument>([&] { (void)world.Clients({.clients = 0}, nothing); }),
              "World::Clients(): 0 clients with 1 operations each do nothing; give 1 or more of both");
    EXPECT_EQ(TextOf<std::invalid_argument>([&] { (void)world.Clients({.timeout = absl::ZeroDuration()}, nothing); }),
              "World::Clients(): a time-out of 0 lets no operation succeed; give a time, such as absl::Seconds(10)");
    co_return;
  });
}

}  // namespace
}  // namespace detent
