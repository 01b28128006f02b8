// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/datagrams.h"

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/runtime.h"
#include "detent/sim/sim.h"
#include "detent/testing/explore.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

Coro<DatagramSocket> Server(std::string host = "server") {
  co_return co_await OpenDatagram({.local_host = host, .local_port = 53});
}

Coro<DatagramSocket> Client() { co_return co_await OpenDatagram({.remote_host = "server", .remote_port = 53}); }

// What `socket` has or gets until nothing has come for a second.
Coro<std::vector<std::string>> ReceiveAll(DatagramSocket& socket) {
  std::vector<std::string> received;
  while (true) {
    const Outcome<Datagram> outcome = co_await Catch(WaitFor(socket.Receive(), absl::Seconds(1)));
    if (!outcome.ok()) co_return std::move(received);
    received.push_back(outcome.value().bytes());
  }
}

// What comes of "a" and then "b", on a loop of its own.
std::vector<std::string> SendTwo(sim::DatagramFaults faults, uint64_t seed,
                                 sim::StrategyOption strategy = sim::RandomWalk()) {
  sim::SimLoop loop({.seed = seed, .strategy = strategy});
  return loop.Run([&]() -> Coro<std::vector<std::string>> {
    sim::SetDatagramFaults(faults);
    DatagramSocket server = co_await Server();
    DatagramSocket client = co_await Client();
    co_await client.Send("a");
    co_await client.Send("b");
    co_return co_await ReceiveAll(server);
  });
}

TEST(SimDatagramsTest, OneMayOvertakeAnother) {
  std::set<std::vector<std::string>> orders;
  for (uint64_t seed = 0; seed < 30; ++seed) orders.insert(SendTwo({}, seed));
  EXPECT_THAT(orders, UnorderedElementsAre(ElementsAre("a", "b"), ElementsAre("b", "a")));
}

TEST(SimDatagramsTest, LossAndDoublingAreFaults) {
  EXPECT_THAT(SendTwo({.lost = 1}, 0), IsEmpty());
  EXPECT_THAT(SendTwo({.twice = 1}, 0), UnorderedElementsAre("a", "a", "b", "b"));
}

TEST(SimDatagramsTest, TheCalmestIsThatNothingHappens) {
  EXPECT_THAT(SendTwo({.lost = 1, .twice = 1}, 0, sim::Fifo()), ElementsAre("a", "b"));
}

TEST(SimDatagramsTest, AFaultHasItsNameInTheReport) {
  const auto report_of = [](sim::DatagramFaults faults) {
    return detent_testing::Explore({},
                                   [faults]() -> Coro<> {
                                     sim::SetDatagramFaults(faults);
                                     DatagramSocket server = co_await Server();
                                     DatagramSocket client = co_await Client();
                                     co_await client.Send("a");
                                     const std::vector<std::string> received = co_await ReceiveAll(server);
                                     if (received != std::vector<std::string>{"a"})
                                       throw std::runtime_error("not once");
                                   })
        .text;
  };
  EXPECT_THAT(report_of({.lost = 0.1}), HasSubstr("Fault \"datagram lost\""));
  EXPECT_THAT(report_of({.twice = 0.1}), HasSubstr("Fault \"datagram twice\""));
}

TEST(SimDatagramsTest, NoneIsLeftForTheNextRun) {
  sim::SimLoop loop;
  loop.Run([]() -> Coro<> {
    sim::SetDatagramFaults({.lost = 1});
    DatagramSocket client = co_await Client();
    co_await client.Send("a");
  });
  loop.Reset(1);
  loop.Run([]() -> Coro<> {
    DatagramSocket server = co_await Server();
    DatagramSocket client = co_await Client();
    co_await client.Send("a");
    EXPECT_EQ((co_await server.Receive()).bytes(), "a");
  });
}

TEST(SimDatagramsTest, WhatIsNoProbabilityIsRefused) {
  EXPECT_THROW(sim::SetDatagramFaults({.lost = 1.5}), std::invalid_argument);
  EXPECT_THROW(sim::SetDatagramFaults({.twice = -0.5}), std::invalid_argument);
}

TEST(SimDatagramsTest, ARealLoopHasNoFaults) {
  detent::Run([]() -> Coro<> {
    sim::SetDatagramFaults({.lost = 1});
    DatagramSocket socket = co_await OpenDatagram({.local_host = "127.0.0.1"});
    co_await socket.SendTo("a", socket.LocalAddress());
    EXPECT_EQ((co_await socket.Receive()).bytes(), "a");
  });
}

class SimDatagramsFifoTest : public detent_testing::TestLoop {};

TEST_F(SimDatagramsFifoTest, AFullSocketLosesTheNewest) {
  Run([]() -> Coro<> {
    DatagramSocket server = co_await Server();
    DatagramSocket client = co_await Client();
    for (size_t i = 0; i < sim::kDatagramsWaitingMax + 44; ++i) co_await client.Send(absl::StrCat(i));
    co_await Sleep(absl::Seconds(1));
    const std::vector<std::string> received = co_await ReceiveAll(server);
    EXPECT_EQ(received.size(), sim::kDatagramsWaitingMax);
    EXPECT_EQ(received.back(), absl::StrCat(sim::kDatagramsWaitingMax - 1));
    // There is room again.
    co_await client.Send("next");
    EXPECT_EQ((co_await server.Receive()).bytes(), "next");
  });
}

TEST_F(SimDatagramsFifoTest, AFullSocketIsOneOfManyBytesToo) {
  Run([]() -> Coro<> {
    DatagramSocket server = co_await Server();
    DatagramSocket client = co_await Client();
    const std::string large(60'000, 'x');
    for (int i = 0; i < 5; ++i) {
      co_await client.Send(large);
      co_await Sleep(absl::Milliseconds(10));
    }
    const std::vector<std::string> received = co_await ReceiveAll(server);
    EXPECT_EQ(received.size(), 3u);  // Of 60,000 in 212,992.
  });
}

// dg-02, dg-03, dg-09
TEST_F(SimDatagramsFifoTest, SendingWaitsWhileTheSystemTakesNoMoreAndKeepsItsOrder) {
  Run([this]() -> Coro<> {
    DatagramSocket server = co_await Server();
    DatagramSocket client = co_await Client();
    std::vector<Task<>> senders;
    for (char letter = 'a'; letter <= 'g'; ++letter) {
      senders.push_back(Spawn([&, letter]() -> Coro<> {
        const std::string large(60'000, letter);
        co_await client.Send(large);
        Note(std::string(1, letter));
      }));
    }
    co_await Yield();
    EXPECT_THAT(log_, ElementsAre("a", "b", "c"));  // Three times 60,000 of 212,992.
    std::string order;
    for (int i = 0; i < 7; ++i) order += (co_await server.Receive()).bytes().front();
    EXPECT_EQ(order, "abcdefg");
    for (Task<>& sender : senders) co_await sender;
  });
}

// dg-08
TEST_F(SimDatagramsFifoTest, CloseFailsASendThatWaitsAndWhatWasSentArrives) {
  Run([]() -> Coro<> {
    DatagramSocket server = co_await Server();
    DatagramSocket client = co_await Client();
    const std::string large(60'000, 'x');
    for (int i = 0; i < 3; ++i) co_await client.Send(large);
    auto send = [&]() -> Coro<std::string> { co_return co_await EndOf(client.Send(large)); };
    Task<std::string> waits = Spawn(send);
    co_await Yield();
    client.Close();
    EXPECT_EQ(co_await waits, "DatagramSocket::Send() on server:53: it was closed while this call waited");
    const std::vector<std::string> received = co_await ReceiveAll(server);
    EXPECT_EQ(received.size(), 3u);
  });
}

TEST_F(SimDatagramsFifoTest, ACancelledSendHasSentNothing) {
  Run([]() -> Coro<> {
    DatagramSocket server = co_await Server();
    DatagramSocket client = co_await Client();
    const std::string large(60'000, 'x');
    for (int i = 0; i < 3; ++i) co_await client.Send(large);
    Task<> waits = Spawn([&]() -> Coro<> { co_await client.Send("cancelled" + large); });
    Task<> next = Spawn([&]() -> Coro<> { co_await client.Send("next"); });
    co_await Yield();
    waits.Cancel();
    EXPECT_TRUE((co_await Settle(waits)).cancelled());
    co_await next;
    const std::vector<std::string> received = co_await ReceiveAll(server);
    EXPECT_THAT(received, ElementsAre(large, large, large, "next"));
  });
}

TEST_F(SimDatagramsFifoTest, OnlyAConnectedSocketHearsThatNobodyIsThere) {
  Run([]() -> Coro<> {
    DatagramSocket free = co_await OpenDatagram({.local_host = "0.0.0.0"});
    co_await free.SendTo("a", Address::FromHost("127.0.0.1", 9).value());
    EXPECT_EQ(co_await EndOf(WaitFor(free.Receive(), absl::Seconds(1))), "timeout");
    DatagramSocket client = co_await Client();
    co_await client.Send("a");
    co_await client.Send("b");
    EXPECT_EQ(co_await EndOf(client.Receive()), "receive from server:53: Connection refused");
    // Of two refusals that come before anybody asks one is told, as by Linux.
    EXPECT_EQ(co_await EndOf(WaitFor(client.Receive(), absl::Seconds(1))), "timeout");
  });
}

TEST_F(SimDatagramsFifoTest, ABroadcastReachesAllAtThePort) {
  Run([]() -> Coro<> {
    std::vector<DatagramSocket> sockets;
    for (int i = 0; i < 2; ++i) {
      sockets.push_back(co_await OpenDatagram({.local_host = "0.0.0.0", .local_port = 9, .share_port = true}));
    }
    DatagramSocket elsewhere = co_await OpenDatagram({.local_host = "0.0.0.0", .local_port = 10});
    DatagramSocket sender = co_await OpenDatagram({.local_host = "0.0.0.0", .broadcast = true});
    co_await sender.SendTo("to all", Address::Ipv4({255, 255, 255, 255}, 9));
    for (DatagramSocket& socket : sockets) EXPECT_EQ((co_await socket.Receive()).bytes(), "to all");
    const std::vector<std::string> others = co_await ReceiveAll(elsewhere);
    EXPECT_THAT(others, IsEmpty());
  });
}

// A server at every address is known to each client by the name that it was called.
TEST_F(SimDatagramsFifoTest, WhoIsEverywhereAnswersFromWhereItWasCalled) {
  Run([]() -> Coro<> {
    DatagramSocket server = co_await Server("0.0.0.0");
    DatagramSocket client = co_await Client();
    co_await client.Send("ping");
    const Datagram question = co_await server.Receive();
    co_await server.SendTo("pong", question.from());
    EXPECT_EQ((co_await client.Receive()).from().ToString(), "server:53");
  });
}

// Neither bytes nor sockets are lost, whenever the client is cancelled.
SIM_TEST(SimDatagramsTest, AnExchangeMayBeCancelledAnywhere) {
  sim::SetAddresses("server", {"10.0.0.1"});
  DatagramSocket server = co_await Server("10.0.0.1");
  Task<> answers = Spawn([&]() -> Coro<> {
    while (true) {
      const Datagram question = co_await server.Receive();
      co_await server.SendTo(question.bytes(), question.from());
    }
  });
  co_await detent_testing::CancelEverywhere(
      [&]() -> Coro<> {
        DatagramSocket client = co_await Client();
        co_await client.Send("ping");
        EXPECT_EQ((co_await client.Receive()).bytes(), "ping");
      },
      [&] {
        // The server's is the latest that is open.
        auto* const last = EventLoop::Current().core().open_sockets.last();
        EXPECT_EQ(last->DescribeSocket(), "a DatagramSocket at 10.0.0.1:53");
      });
  answers.Cancel();
  (void)co_await Settle(answers);
}

}  // namespace
}  // namespace detent
