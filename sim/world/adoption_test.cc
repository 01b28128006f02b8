// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/adoption.h"

#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"
#include "detent/testing/text_of.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::TextOf;

SIM_TEST(SimAdoptionTest, WhatASupervisorHasOpenedIsServedByName) {
  sim::InheritDescriptor(sim::ListeningDescriptor("0.0.0.0", 80), "web");
  sim::InheritDescriptor(sim::ListeningDescriptor("0.0.0.0", 8081), "admin");
  std::vector<InheritedListener> inherited = InheritedListeners();
  CO_ASSERT_EQ(inherited.size(), 2u);
  EXPECT_EQ(inherited[0].name, "web");
  EXPECT_EQ(inherited[1].name, "admin");
  Connection client = co_await Connect("server.example", 8081);
  Connection server = co_await inherited[1].listener.Accept();
  co_await client.Write("x");
  EXPECT_EQ(co_await server.ReadExactly(1), "x");
  EXPECT_EQ(TextOf<InvalidStateError>([] { return InheritedListeners(); }),
            "InheritedListeners(): an earlier call has taken them, and there is one of each; keep what it gave");
}

SIM_TEST(SimAdoptionTest, NothingIsInheritedUnlessTheTestSaysSo) {
  EXPECT_EQ(InheritedListeners().size(), 0u);
  EXPECT_EQ(InheritedListeners().size(), 0u);
  co_return;
}

// All or none.
SIM_TEST(SimAdoptionTest, AnInheritedConnectionIsRefusedAndNothingTaken) {
  const int listening = sim::ListeningDescriptor("127.0.0.1", 80);
  const auto [one, other] = sim::SocketPairDescriptors();
  sim::InheritDescriptor(listening, "web");
  sim::InheritDescriptor(one, "console");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { return InheritedListeners(); }),
            "InheritedListeners(): descriptor " + std::to_string(one) +
                ", \"console\", is a connection, not a socket that listens: AdoptConnection() takes it");
  const Listener listener = AdoptListener(listening);
  const Connection left = AdoptConnection(one);
  const Connection right = AdoptConnection(other);
  co_return;
}

SIM_TEST(SimAdoptionTest, MisuseIsAnswered) {
  EXPECT_EQ(TextOf<std::invalid_argument>([] { return sim::ListeningDescriptor("127.0.0.1", 70000); }),
            "ListeningDescriptor(): the port is 70000; it must be between 0 and 65535");
  const int fd = sim::ListeningDescriptor("127.0.0.1", 80);
  sim::InheritDescriptor(fd, "web");
  EXPECT_EQ(TextOf<std::invalid_argument>([&] { sim::InheritDescriptor(fd, "again"); }),
            "InheritDescriptor(): 3 is inherited already, as \"web\"; give each descriptor one name");
  EXPECT_EQ(TextOf<std::system_error>([] { return sim::ListeningDescriptor("127.0.0.1", 80); }),
            "listen at 127.0.0.1:80: Address already in use");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { sim::InheritDescriptor(99, "x"); }),
            "InheritDescriptor(): 99 is no descriptor of this run; ListeningDescriptor() and the like give one");
  co_return;
}

TEST(SimAdoptionOnARealLoopTest, IsRefused) {
  detent::Run([]() -> Coro<> {
    EXPECT_EQ(TextOf<InvalidStateError>([] { return sim::SocketPairDescriptors(); }),
              "SocketPairDescriptors(): this loop is a real one, whose descriptors the kernel makes; use socket() and "
              "the like");
    co_return;
  });
}

}  // namespace
}  // namespace detent
