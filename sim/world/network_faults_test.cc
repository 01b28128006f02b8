// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/network_faults.h"

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

#include "detent/runtime/runtime.h"
#include "detent/sim/sim.h"
#include "detent/testing/explore.h"
#include "detent/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using ::testing::HasSubstr;

// How a connect to somebody who listens ends.
std::string EndOfConnect(sim::NetworkFaults faults, sim::StrategyOption strategy = sim::RandomWalk()) {
  sim::SimLoop loop({.strategy = strategy});
  return loop.Run([&]() -> Coro<std::string> {
    sim::SetNetworkFaults(faults);
    Listener listener = co_await Listen("server", 80);
    co_return co_await EndOf(Connect("server", 80));
  });
}

TEST(NetworkFaultsTest, AConnectIsRefusedOrReset) {
  EXPECT_EQ(EndOfConnect({.refused = 1}), "connect to server:80: Connection refused");
  EXPECT_EQ(EndOfConnect({.reset = 1}), "connect to server:80: Connection reset by peer");
}

TEST(NetworkFaultsTest, TheCalmestIsThatNothingHappens) {
  EXPECT_EQ(EndOfConnect({.refused = 1, .reset = 1, .no_descriptors = 1}, sim::Fifo()), "value");
}

TEST(NetworkFaultsTest, NoneIsOnByDefaultNorAfterItsRun) {
  sim::SimLoop loop;
  auto connects = []() -> Coro<> {
    Listener listener = co_await Listen("server", 80);
    Connection client = co_await Connect("server", 80);
    (void)co_await listener.Accept();
  };
  loop.Run(connects);
  loop.Reset(1);
  loop.Run([]() -> Coro<> {
    sim::SetNetworkFaults({.refused = 1});
    co_return;
  });
  loop.Reset(2);
  loop.Run(connects);
}

TEST(NetworkFaultsTest, AnAcceptWithoutDescriptorsLosesNobody) {
  bool struck = false;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    sim::SimLoop loop({.seed = seed});
    loop.Run([&]() -> Coro<> {
      sim::SetNetworkFaults({.no_descriptors = 0.5});
      Listener listener = co_await Listen("server", 80);
      Connection client = co_await Connect("server", 80);
      Connection server;
      while (!server) {
        try {
          server = co_await listener.Accept();
        } catch (const std::system_error& e) {
          EXPECT_STREQ(e.what(), "accept at server:80: Too many open files");
          struck = true;
        }
      }
      co_await client.Write("x");
      EXPECT_EQ(co_await server.Read(1), "x");
    });
  }
  EXPECT_TRUE(struck);
}

TEST(NetworkFaultsTest, AFaultHasItsNameInTheReport) {
  const detent_testing::Report report = detent_testing::Explore({}, []() -> Coro<> {
    sim::SetNetworkFaults({.no_descriptors = 0.1});
    Listener listener = co_await Listen("server", 80);
    Connection client = co_await Connect("server", 80);
    (void)co_await listener.Accept();
  });
  EXPECT_FALSE(report.ok);
  EXPECT_THAT(report.text, HasSubstr("Fault \"too many open files\""));
  EXPECT_EQ(report.tape.entries().size(), 1u);
}

TEST(NetworkFaultsTest, ARealLoopHasNone) {
  EpollLoop loop;
  loop.Run([]() -> Coro<> {
    sim::SetNetworkFaults({.refused = 1, .reset = 1, .no_descriptors = 1});
    Listener listener = co_await Listen("127.0.0.1", 0);
    Connection client = co_await Connect("127.0.0.1", listener.Port());
    (void)co_await listener.Accept();
  });
}

TEST(NetworkFaultsTest, RefusesWhatIsNoProbability) {
  sim::SimLoop loop;
  EXPECT_EQ(loop.Run([]() -> Coro<std::string> {
    try {
      sim::SetNetworkFaults({.reset = 1.5});
    } catch (const std::invalid_argument& e) {
      co_return std::string(e.what());
    }
    co_return std::string();
  }),
            "SetNetworkFaults(): a probability must be between 0 and 1");
}

}  // namespace
}  // namespace detent
