// SPDX-License-Identifier: Apache-2.0
//
// A server that finds no descriptors for its clients. What the kernel does then: runtime/epoll/accept_test.cc.
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"
#include "gtest/gtest.h"
#include "runtime/io/connection_test.h"
#include "runtime/io/server_test.h"

namespace detent {
namespace {

SIM_TEST(ServerTest, OutOfDescriptorsNobodyIsLostAndItIsReportedOnce) {
  const Reports reports;
  sim::SetNetworkFaults({.no_descriptors = 0.3});
  Server server = co_await StartServer(Echo, "127.0.0.1", 0);
  auto visit = [&]() -> Coro<> {
    Connection client = co_await ConnectTo(server);
    EXPECT_EQ(co_await Ask(client, "a"), "a");
  };
  std::vector<Coro<>> visits;
  for (int i = 0; i < 5; ++i) visits.push_back(visit());
  co_await Gather(std::move(visits));
  EXPECT_LE((*reports).size(), 1u);
  for (const std::string& report : *reports) {
    EXPECT_EQ(report, "the server at " + server.Address() +
                          " cannot take another client now; it tries again, at least once a second: accept at " +
                          server.Address() + ": Too many open files");
  }
}

TEST(ServerShortageTest, PausesAreTwiceAsLongEachTimeAndThoseWhoAreThereAreServed) {
  std::vector<std::string> reports;
  sim::SimLoop loop;  // Draws what may strike.
  loop.SetExceptionHandler([&](const ExceptionContext& context) { reports.push_back(context.ToString()); });
  const auto main = [&]() -> Coro<> {
    Server server = co_await StartServer(Echo, "127.0.0.1", 0);
    Connection first = co_await ConnectTo(server);
    EXPECT_EQ(co_await Ask(first, "a"), "a");
    sim::SetNetworkFaults({.no_descriptors = 1});
    const LoopTime start = EventLoop::Current().Time();
    const auto elapsed = [start] { return EventLoop::Current().Time() - start; };
    Connection second = co_await ConnectTo(server);
    co_await second.Write("b");
    while (elapsed() < absl::Seconds(4)) {
      const LoopTime asked = EventLoop::Current().Time();
      EXPECT_EQ(co_await Ask(first, "a"), "a");
      EXPECT_LE(EventLoop::Current().Time() - asked, absl::Milliseconds(30));
      co_await Sleep(absl::Milliseconds(100));
    }
    sim::SetNetworkFaults({});
    // It was tried at 0, 0.1, 0.3, 0.7, 1.5, 2.5, 3.5 seconds.
    EXPECT_EQ(co_await second.Read(1), "b");
    EXPECT_GE(elapsed(), absl::Milliseconds(4500));
    EXPECT_LE(elapsed(), absl::Milliseconds(4560));
    EXPECT_EQ(reports.size(), 1u);

    for (const absl::Duration quiet : {absl::Seconds(10), absl::Seconds(61)}) {
      co_await Sleep(quiet);
      sim::SetNetworkFaults({.no_descriptors = 1});
      Connection third = co_await ConnectTo(server);
      const LoopTime short_of = EventLoop::Current().Time();
      co_await Sleep(absl::Milliseconds(50));
      sim::SetNetworkFaults({});
      EXPECT_EQ(co_await Ask(third, "c"), "c");
      // The pauses begin anew, with 100 milliseconds.
      EXPECT_LE(EventLoop::Current().Time() - short_of, absl::Milliseconds(150));
    }
    EXPECT_EQ(reports.size(), 2u);
  };
  loop.Run(main);
}

LOOP_TEST(ServerTest, ClosesWhileItWaitsForDescriptors) {
  const Reports reports;
  sim::SetNetworkFaults({.no_descriptors = 0.5});
  Server server = co_await StartServer(Echo, "127.0.0.1", 0);
  Connection client = co_await ConnectTo(server);
  co_await ALittleWhile();
  const LoopTime before = EventLoop::Current().Time();
  server.Close();
  client.Close();
  co_await server.WaitClosed();
  if (!IsReal()) {
    EXPECT_LE(EventLoop::Current().Time() - before, absl::Milliseconds(50));
  }
}

}  // namespace
}  // namespace detent
