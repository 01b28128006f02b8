// SPDX-License-Identifier: Apache-2.0
//
// On a simulated loop datagrams overtake each other: no test expects two of them in order.
#include "detent/runtime/io/datagram_socket.h"

#include <cerrno>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/io/connection_test.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

static_assert(std::is_aggregate_v<DatagramOptions> && std::is_trivially_destructible_v<DatagramOptions>);
static_assert(!std::is_aggregate_v<Datagram> && !std::is_aggregate_v<DatagramSocket>);

Coro<DatagramSocket> Server() { co_return co_await OpenDatagram({.local_host = "127.0.0.1"}); }

Coro<DatagramSocket> ConnectedTo(const DatagramSocket& server) {
  co_return co_await OpenDatagram({.remote_host = "127.0.0.1", .remote_port = server.LocalAddress().Port()});
}

// An address where nobody is.
Coro<Address> NobodysAddress() {
  DatagramSocket gone = co_await Server();
  co_return gone.LocalAddress();
}

LOOP_TEST(DatagramSocketTest, ThereAndBack) {
  DatagramSocket server = co_await Server();
  DatagramSocket client = co_await ConnectedTo(server);
  co_await client.Send("ping");
  const Datagram question = co_await server.Receive();
  EXPECT_EQ(question.bytes(), "ping");
  EXPECT_EQ(question.from(), client.LocalAddress());
  EXPECT_FALSE(question.truncated());
  co_await server.SendTo("pong", question.from());
  Datagram answer = co_await client.Receive();
  EXPECT_EQ(answer.from(), server.LocalAddress());
  EXPECT_EQ(std::move(answer).bytes(), "pong");
}

LOOP_TEST(DatagramSocketTest, KnowsItsAddressesAlsoWhenItIsClosed) {
  DatagramSocket server = co_await Server();
  DatagramSocket client = co_await ConnectedTo(server);
  EXPECT_EQ(server.LocalAddress().Host(), "127.0.0.1");
  EXPECT_GT(server.LocalAddress().Port(), 0);
  EXPECT_EQ(server.RemoteAddress(), Address());
  client.Close();
  client.Close();
  EXPECT_EQ(client.RemoteAddress(), server.LocalAddress());
  EXPECT_NE(client.LocalAddress().Port(), server.LocalAddress().Port());
}

// dg-01
LOOP_TEST(DatagramSocketTest, WhatNeedNotWaitGoesOutAtOnce) {
  DatagramSocket server = co_await Server();
  DatagramSocket client = co_await ConnectedTo(server);
  bool others_ran = false;
  EventLoop::Current().CallSoon([&] { others_ran = true; });
  co_await client.Send("at once");
  co_await client.SendTo("too", server.LocalAddress());
  EXPECT_FALSE(others_ran);
  while (!others_ran) co_await Yield();  // It uses a variable of this body.
  std::vector<std::string> received;
  for (int i = 0; i < 2; ++i) received.push_back((co_await server.Receive()).bytes());
  EXPECT_THAT(received, UnorderedElementsAre("at once", "too"));
}

// dg-11
LOOP_TEST(DatagramSocketTest, AnEmptyDatagramIsOneLikeOthers) {
  DatagramSocket server = co_await Server();
  DatagramSocket client = co_await ConnectedTo(server);
  co_await client.Send("");
  const Datagram datagram = co_await server.Receive();
  EXPECT_EQ(datagram.bytes(), "");
  EXPECT_EQ(datagram.from(), client.LocalAddress());
  EXPECT_FALSE(datagram.truncated());
}

LOOP_TEST(DatagramSocketTest, WhatIsCutSaysSo) {
  DatagramSocket server = co_await OpenDatagram({.local_host = "127.0.0.1", .size_max = 4});
  DatagramSocket client = co_await ConnectedTo(server);
  for (const char* text : {"1234", "12345"}) {
    co_await client.Send(text);
    const Datagram datagram = co_await server.Receive();
    EXPECT_EQ(datagram.bytes(), "1234");
    EXPECT_EQ(datagram.truncated(), std::string(text) == "12345");
  }
  DatagramSocket whole = co_await Server();
  co_await client.Send("still sends");
  co_await whole.SendTo(std::string(65'507, 'x'), whole.LocalAddress());
  const Datagram largest = co_await whole.Receive();
  EXPECT_EQ(largest.bytes().size(), 65'507u);
  EXPECT_FALSE(largest.truncated());
}

// dg-04, dg-06
LOOP_TEST(DatagramSocketTest, ARefusalIsThrownOnceAndTheSocketGoesOn) {
  const Address address = co_await NobodysAddress();
  DatagramSocket client = co_await OpenDatagram({.remote_host = "127.0.0.1", .remote_port = address.Port()});
  co_await client.Send("nobody hears this");
  try {
    (void)co_await client.Receive();
    ADD_FAILURE() << "no error";
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code().value(), ECONNREFUSED);
    EXPECT_EQ(e.what(), absl::StrCat("receive from ", address.ToString(), ": Connection refused"));
  }
  DatagramSocket server = co_await OpenDatagram({.local_host = "127.0.0.1", .local_port = address.Port()});
  co_await client.Send("now");
  const Datagram question = co_await server.Receive();
  EXPECT_EQ(question.bytes(), "now");
  co_await server.SendTo("yes", question.from());
  EXPECT_EQ((co_await client.Receive()).bytes(), "yes");
}

// dg-04
LOOP_TEST(DatagramSocketTest, ARefusalMayBeThrownByTheNextSendWhichHasSentNothing) {
  const Address address = co_await NobodysAddress();
  DatagramSocket client = co_await OpenDatagram({.remote_host = "127.0.0.1", .remote_port = address.Port()});
  co_await client.Send("nobody hears this");
  co_await ALittleWhile();
  DatagramSocket server = co_await OpenDatagram({.local_host = "127.0.0.1", .local_port = address.Port()});
  EXPECT_EQ(co_await EndOf(client.Send("lost")), absl::StrCat("send to ", address.ToString(), ": Connection refused"));
  co_await client.Send("sent");
  EXPECT_EQ((co_await server.Receive()).bytes(), "sent");
}

LOOP_TEST(DatagramSocketTest, ARefusalWakesAReceiverThatWaits) {
  const Address address = co_await NobodysAddress();
  DatagramSocket client = co_await OpenDatagram({.remote_host = "127.0.0.1", .remote_port = address.Port()});
  Task<std::string> receiver = Spawn([&]() -> Coro<std::string> { co_return co_await EndOf(client.Receive()); });
  co_await ALittleWhile();
  co_await client.Send("nobody hears this");
  EXPECT_EQ(co_await receiver, absl::StrCat("receive from ", address.ToString(), ": Connection refused"));
}

// dg-10
LOOP_TEST(DatagramSocketTest, SendingToWhereNobodyIsDisturbsNoOther) {
  const Address nobody = co_await NobodysAddress();
  DatagramSocket server = co_await Server();
  DatagramSocket client = co_await ConnectedTo(server);
  for (int i = 0; i < 3; ++i) {
    co_await server.SendTo("nobody hears this", nobody);
    co_await ALittleWhile();
  }
  co_await client.Send("a question");
  const Datagram question = co_await server.Receive();
  EXPECT_EQ(question.bytes(), "a question");
  co_await server.SendTo("an answer", question.from());
  EXPECT_EQ((co_await client.Receive()).bytes(), "an answer");
}

// dg-07
LOOP_TEST(DatagramSocketTest, AConnectedSocketSendsToItsPeerOnly) {
  DatagramSocket server = co_await Server();
  DatagramSocket other = co_await Server();
  DatagramSocket client = co_await ConnectedTo(server);
  co_await client.SendTo("to the peer", server.LocalAddress());
  EXPECT_EQ((co_await server.Receive()).bytes(), "to the peer");
  const std::string peer = server.LocalAddress().ToString();
  const std::string another = other.LocalAddress().ToString();
  EXPECT_EQ(co_await EndOf(client.SendTo("x", other.LocalAddress())),
            absl::StrCat("DatagramSocket::SendTo() on ", peer, ": it is connected to ", peer, " and cannot send to ",
                         another, "; leave remote_host out to send to any address"));
}

LOOP_TEST(DatagramSocketTest, AConnectedSocketHearsItsPeerOnly) {
  DatagramSocket server = co_await Server();
  DatagramSocket stranger = co_await Server();
  DatagramSocket client = co_await ConnectedTo(server);
  co_await stranger.SendTo("from a stranger", client.LocalAddress());
  co_await ALittleWhile();
  co_await server.SendTo("from the peer", client.LocalAddress());
  EXPECT_EQ((co_await client.Receive()).bytes(), "from the peer");
}

// dg-05
LOOP_TEST(DatagramSocketTest, WhatIsTooLongIsRefusedAndTheSocketGoesOn) {
  DatagramSocket server = co_await Server();
  DatagramSocket client = co_await ConnectedTo(server);
  const std::string long_text(70'000, 'x');
  EXPECT_EQ(co_await EndOf(client.Send(long_text)),
            absl::StrCat("send 70000 bytes to ", server.LocalAddress().ToString(), ": Message too long"));
  co_await client.Send("short");
  EXPECT_EQ((co_await server.Receive()).bytes(), "short");
}

LOOP_TEST(DatagramSocketTest, ACancelledReceiveTakesNothing) {
  DatagramSocket server = co_await Server();
  DatagramSocket client = co_await ConnectedTo(server);
  for (int i = 0; i < 3; ++i) {
    Task<> receive = Spawn([&]() -> Coro<> { (void)co_await server.Receive(); });
    co_await ALittleWhile();
    receive.Cancel();
    EXPECT_TRUE((co_await Settle(receive)).cancelled());
  }
  co_await client.Send("kept");
  EXPECT_EQ((co_await server.Receive()).bytes(), "kept");
}

// Two take turns, and are cancelled at any moment: every datagram goes to one of them.
SIM_TEST(DatagramSocketTest, NoCancellationLosesADatagram) {
  DatagramSocket server = co_await Server();
  DatagramSocket client = co_await ConnectedTo(server);
  Task<> sender = Spawn([&]() -> Coro<> {
    for (int i = 0; i < 5; ++i) {
      co_await Sleep(absl::Microseconds(50 * Choose(20)));
      co_await client.Send("x");
    }
  });
  int received = 0;
  auto receive = [&]() -> Coro<> {
    (void)co_await server.Receive();
    ++received;
  };
  while (received < 5) {
    Task<> one = Spawn(receive);
    Task<> other = Spawn(receive);
    co_await Sleep(absl::Microseconds(50 * (1 + Choose(8))));
    one.Cancel();  // Perhaps just woken: the other one must get the datagram.
    (void)co_await Settle(one);
    co_await Sleep(absl::Microseconds(50 * Choose(8)));
    other.Cancel();
    (void)co_await Settle(other);
  }
  co_await sender;
}

LOOP_TEST(DatagramSocketTest, TasksReceiveInTheOrderInWhichTheyAsked) {
  DatagramSocket server = co_await Server();
  DatagramSocket client = co_await ConnectedTo(server);
  std::vector<int> order;
  std::vector<Task<>> receivers;
  for (int i = 0; i < 3; ++i) {
    receivers.push_back(Spawn([&server, &order, i]() -> Coro<> {
      (void)co_await server.Receive();
      order.push_back(i);
    }));
    co_await ALittleWhile();
  }
  for (int i = 0; i < 3; ++i) {
    co_await client.Send("x");
    co_await ALittleWhile();
  }
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
  for (Task<>& receiver : receivers) co_await receiver;
}

LOOP_TEST(DatagramSocketTest, AFloodLeavesTheLoopToOthers, {.fifo_only = true}) {
  DatagramSocket server = co_await Server();
  bool others_ran = false;
  EventLoop::Current().CallSoon([&] { others_ran = true; });
  for (int i = 0; i < 1000 && !others_ran; ++i) co_await server.SendTo("x", server.LocalAddress());
  EXPECT_TRUE(others_ran);
  while (!others_ran) co_await Yield();
}

LOOP_TEST(DatagramSocketTest, CloseFailsWhatWaits) {
  DatagramSocket server = co_await Server();
  auto receive = [&]() -> Coro<std::string> { co_return co_await EndOf(server.Receive()); };
  Task<std::string> first = Spawn(receive);
  Task<std::string> second = Spawn(receive);
  co_await ALittleWhile();
  const std::string at = " on " + server.LocalAddress().ToString() + ": it was closed ";
  server.Close();
  EXPECT_EQ(co_await first, "DatagramSocket::Receive()" + at + "while this call waited");
  EXPECT_EQ(co_await second, "DatagramSocket::Receive()" + at + "while this call waited");
  EXPECT_EQ(co_await EndOf(server.Receive()), "DatagramSocket::Receive()" + at + "before this call");
  EXPECT_EQ(co_await EndOf(server.SendTo("x", server.LocalAddress())),
            "DatagramSocket::SendTo()" + at + "before this call");
}

LOOP_TEST(DatagramSocketTest, ADroppedSocketFreesItsPort) {
  const Address address = co_await NobodysAddress();
  DatagramSocket again = co_await OpenDatagram({.local_host = "127.0.0.1", .local_port = address.Port()});
  EXPECT_EQ(again.LocalAddress(), address);
  EXPECT_EQ(co_await EndOf(OpenDatagram({.local_host = "127.0.0.1", .local_port = address.Port()})),
            absl::StrCat("open a datagram socket at ", address.ToString(), ": Address already in use"));
}

LOOP_TEST(DatagramSocketTest, EveryAddressOfThisMachine) {
  DatagramSocket server = co_await OpenDatagram({.local_host = "0.0.0.0"});
  DatagramSocket client = co_await ConnectedTo(server);
  EXPECT_EQ(server.LocalAddress().Host(), "0.0.0.0");
  co_await client.Send("ping");
  const Datagram question = co_await server.Receive();
  co_await server.SendTo("pong", question.from());
  EXPECT_EQ((co_await client.Receive()).bytes(), "pong");
}

LOOP_TEST(DatagramSocketTest, AnIpv6SocketSpeaksToBoth) {
  DatagramSocket server;
  try {
    server = co_await OpenDatagram({.local_host = "::"});
  } catch (const std::system_error&) {
    co_return;  // This machine has no IPv6.
  }
  DatagramSocket client = co_await ConnectedTo(server);
  co_await client.Send("ping");
  const Datagram question = co_await server.Receive();
  EXPECT_EQ(question.from(), client.LocalAddress());
  EXPECT_EQ(question.from().family(), AddressFamily::kIpv4);
  co_await server.SendTo("pong", question.from());
  EXPECT_EQ((co_await client.Receive()).bytes(), "pong");
}

LOOP_TEST(DatagramSocketTest, AGroupReachesAllWhoJoinedIt) {
  std::vector<DatagramSocket> members;
  try {
    members.push_back(co_await OpenDatagram({.local_host = "0.0.0.0",
                                             .share_port = true,
                                             .multicast_group = "239.1.2.3",
                                             .multicast_interface = "127.0.0.1"}));
  } catch (const std::system_error& e) {
    co_return;  // Not allowed here.
  }
  const int port = members[0].LocalAddress().Port();
  members.push_back(co_await OpenDatagram({.local_host = "0.0.0.0",
                                           .local_port = port,
                                           .share_port = true,
                                           .multicast_group = "239.1.2.3",
                                           .multicast_interface = "127.0.0.1"}));
  members.push_back(co_await OpenDatagram({.local_host = "0.0.0.0",
                                           .local_port = port,
                                           .share_port = true,
                                           .multicast_group = "239.1.2.4",
                                           .multicast_interface = "127.0.0.1"}));
  DatagramSocket sender = co_await OpenDatagram({.local_host = "0.0.0.0", .multicast_interface = "127.0.0.1"});
  co_await sender.SendTo("to 3", Address::FromHost("239.1.2.3", port).value());
  EXPECT_EQ((co_await members[0].Receive()).bytes(), "to 3");
  EXPECT_EQ((co_await members[1].Receive()).bytes(), "to 3");
  co_await sender.SendTo("to 4", Address::FromHost("239.1.2.4", port).value());
  EXPECT_EQ((co_await members[2].Receive()).bytes(), "to 4");
}

}  // namespace
}  // namespace detent
