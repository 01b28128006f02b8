// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/names.h"

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "detent/runtime/runtime.h"
#include "detent/sim/sim.h"
#include "detent/testing/explore.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "detent/testing/text_of.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using detent_testing::TextOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// What a look-up of "db" gives, and how long it takes, on a loop of its own.
class Asked {
 public:
  Asked() {}
  std::string end;
  absl::Duration took;
};

Asked LookUp(sim::NameFaults faults, sim::StrategyOption strategy = sim::Fifo(), uint64_t seed = 0,
             std::vector<std::string> addresses = {}) {
  sim::SimLoop loop({.seed = seed, .strategy = strategy});
  return loop.Run([&]() -> Coro<Asked> {
    sim::SetNameFaults(faults);
    if (!addresses.empty()) sim::SetAddresses("db", addresses);
    const LoopTime start = EventLoop::Current().Time();
    Asked asked;
    try {
      for (const Address& address : co_await Resolve("db", 80)) asked.end += address.ToString() + " ";
    } catch (const std::system_error& e) {
      asked.end = e.what();
    }
    asked.took = EventLoop::Current().Time() - start;
    co_return std::move(asked);
  });
}

TEST(SimNamesTest, AnyNameHasAnAddressOfItsOwnAtOnce) {
  const Asked asked = LookUp({});
  EXPECT_EQ(asked.end, "db:80 ");
  EXPECT_EQ(asked.took, absl::ZeroDuration());
}

TEST(SimNamesTest, ANameThatWasGivenAddressesIsAskedFor) {
  const Asked asked = LookUp({}, sim::Fifo(), 0, {"10.0.0.1", "::1"});
  EXPECT_EQ(asked.end, "10.0.0.1:80 [::1]:80 ");
  EXPECT_EQ(asked.took, absl::Microseconds(50));
}

TEST(SimNamesTest, HowLongItTakesAndWhichAddressComesFirstAreChoices) {
  std::set<std::string> orders;
  std::set<absl::Duration> times;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const Asked asked = LookUp({}, sim::RandomWalk(), seed, {"10.0.0.1", "10.0.0.2", "10.0.0.3"});
    orders.insert(asked.end);
    times.insert(asked.took);
  }
  EXPECT_THAT(orders,
              UnorderedElementsAre("10.0.0.1:80 10.0.0.2:80 10.0.0.3:80 ", "10.0.0.2:80 10.0.0.1:80 10.0.0.3:80 ",
                                   "10.0.0.3:80 10.0.0.1:80 10.0.0.2:80 "));
  EXPECT_GE(times.size(), 8u);
}

TEST(SimNamesTest, EachFaultIsTheSystems) {
  const sim::StrategyOption any = sim::RandomWalk();
  EXPECT_EQ(LookUp({.not_found = 1}, any).end, "look up db (Name or service not known): No such device or address");
  const char* const temporary = "look up db (Temporary failure in name resolution): Resource temporarily unavailable";
  EXPECT_EQ(LookUp({.temporary = 1}, any).end, temporary);
  EXPECT_EQ(LookUp({.timed_out = 1}, any).end, temporary);
  EXPECT_EQ(LookUp({.timed_out = 1}, any).took, absl::Seconds(20));
  EXPECT_EQ(LookUp({.slow = 1}, any).end, "db:80 ");
  EXPECT_EQ(LookUp({.slow = 1}, any).took, absl::Seconds(5));
}

TEST(SimNamesTest, TheCalmestIsThatNothingHappens) {
  EXPECT_EQ(LookUp({.slow = 1, .timed_out = 1, .not_found = 1, .temporary = 1}).end, "db:80 ");
}

TEST(SimNamesTest, AFaultHasItsNameInTheReport) {
  const detent_testing::Report report = detent_testing::Explore({}, []() -> Coro<> {
    sim::SetNameFaults({.temporary = 0.1});
    (void)co_await Resolve("db", 80);
  });
  EXPECT_FALSE(report.ok);
  EXPECT_THAT(report.text, HasSubstr("Fault \"look-up failed\""));
}

TEST(SimNamesTest, HowLongALookUpTakesIsToldInTheReport) {
  const detent_testing::Report report = detent_testing::Explore({.schedules = 1000}, []() -> Coro<> {
    sim::SetAddresses("db", {"10.0.0.1"});
    const LoopTime begun = EventLoop::Current().Time();
    (void)co_await Resolve("db", 80);
    if (EventLoop::Current().Time() - begun > absl::Milliseconds(3)) throw std::runtime_error("too late");
  });
  EXPECT_FALSE(report.ok);
  EXPECT_THAT(report.text, ContainsRegex("\n> here the look-up of db takes [0-9.]+ms instead of 50us, in task-1\n"));
}

TEST(SimNamesTest, AnotherOrderIsToldInTheReport) {
  const detent_testing::Report report = detent_testing::Explore({}, []() -> Coro<> {
    sim::SetAddresses("db", {"10.0.0.1", "10.0.0.2"});
    const std::vector<Address> addresses = co_await Resolve("db", 80);
    if (addresses.at(0).Host() != "10.0.0.1") throw std::runtime_error("another order");
  });
  EXPECT_FALSE(report.ok);
  EXPECT_THAT(report.text, HasSubstr("> here the look-up of db gives 10.0.0.2 first instead of 10.0.0.1, in task-1"));
}

// A name whose first address is dead: Connect() goes on to the next.
SIM_TEST(SimNamesTest, ConnectTriesEachAddressOfAName) {
  sim::SetAddresses("db", {"10.0.0.1", "10.0.0.2"});
  Listener listener = co_await Listen("10.0.0.2", 80);
  Connection client = co_await Connect("db", 80);
  EXPECT_EQ(client.PeerAddress(), "10.0.0.2:80");
}

SIM_TEST(SimNamesTest, ALookUpMayBeCancelledAnywhere) {
  sim::SetAddresses("db", {"10.0.0.1"});
  Listener listener = co_await Listen("10.0.0.1", 80);
  co_await detent_testing::CancelEverywhere([&]() -> Coro<> {
    const std::vector<Address> addresses = co_await Resolve("db", 80);
    EXPECT_EQ(addresses.size(), 1u);
    (void)co_await Connect("db", 80);
  });
}

TEST(SimNamesTest, NoneIsLeftForTheNextRun) {
  sim::SimLoop loop({.strategy = sim::Fifo()});
  loop.Run([]() -> Coro<> {
    sim::SetNameFaults({.not_found = 1});
    sim::SetAddresses("db", {"10.0.0.1"});
    Spawn([]() -> Coro<> { (void)co_await Resolve("db", 80); });
    co_await Yield();
  });
  loop.Reset(1);
  loop.Run([]() -> Coro<> { EXPECT_THAT(co_await Resolve("db", 80), ElementsAre(Address::Named("db", 80))); });
}

TEST(SimNamesTest, WhatCannotBeIsRefused) {
  EXPECT_EQ(TextOf<std::invalid_argument>([] { sim::SetNameFaults({.slow = 2}); }),
            "SetNameFaults(): a probability must be between 0 and 1");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { sim::SetAddresses("10.0.0.1", {"10.0.0.2"}); }),
            "SetAddresses(): \"10.0.0.1\" is no name");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { sim::SetAddresses("db", {"other"}); }),
            "SetAddresses(): \"other\" is no numeric address");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { sim::SetAddresses("db", {}); }),
            "SetAddresses(): there are no addresses; to make look-ups fail use SetNameFaults()");
}

TEST(SimNamesTest, ARealLoopHasNoTable) {
  detent::Run([]() -> Coro<> {
    sim::SetNameFaults({.not_found = 1, .temporary = 1});
    (void)co_await Resolve("localhost", 80);
    EXPECT_THROW(sim::SetAddresses("db", {"10.0.0.1"}), InvalidStateError);
  });
}

}  // namespace
}  // namespace detent
