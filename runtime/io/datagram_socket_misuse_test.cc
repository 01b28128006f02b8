// SPDX-License-Identifier: Apache-2.0
//
// What a DatagramSocket refuses, and in which words.
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/runtime/io/datagram_socket.h"
#include "detent/sim/sim.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "detent/testing/text_of.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using detent_testing::TextOf;

Coro<DatagramSocket> Server() { co_return co_await OpenDatagram({.local_host = "127.0.0.1"}); }

LOOP_TEST(DatagramMisuseTest, ABroadcastWantsItsOption) {
  DatagramSocket socket = co_await OpenDatagram({.local_host = "0.0.0.0"});
  EXPECT_EQ(co_await EndOf(socket.SendTo("x", Address::Ipv4({255, 255, 255, 255}, 9))),
            "send to 255.255.255.255:9: Permission denied");
  EXPECT_EQ(
      co_await EndOf(OpenDatagram({.remote_host = "255.255.255.255", .remote_port = 9, .broadcast = true})),
      "OpenDatagram(): the remote address 255.255.255.255:9 is for broadcasts, and whoever answers one has another "
      "address, which this socket would not hear; leave remote_host out, set broadcast, and use SendTo()");
}

LOOP_TEST(DatagramMisuseTest, AnAddressToWhichItCannotSendIsRefused) {
  DatagramSocket socket = co_await Server();
  const std::string on = " on " + socket.LocalAddress().ToString() + ": ";
  EXPECT_EQ(
      co_await EndOf(socket.Send("x")),
      "DatagramSocket::Send()" + on + "it has no remote address; use SendTo(), or give remote_host to OpenDatagram()");
  EXPECT_EQ(co_await EndOf(socket.SendTo("x", Address::Ipv4({127, 0, 0, 1}, 0))),
            "DatagramSocket::SendTo()" + on + "the port of 127.0.0.1:0 is 0; it must be between 1 and 65535");
  EXPECT_EQ(co_await EndOf(socket.SendTo("x", Address::Unix("/tmp/a"))),
            "DatagramSocket::SendTo()" + on + "/tmp/a is the address of a Unix socket");
  EXPECT_EQ(co_await EndOf(socket.SendTo("x", Address::FromHost("::1", 9).value())),
            "send to [::1]:9: Address family not supported by protocol");
  EXPECT_EQ(TextOf<std::invalid_argument>([&] { return socket.SendTo("x", Address()); }),
            "DatagramSocket::SendTo(): the address is empty: it was default-constructed");
}

LOOP_TEST(DatagramMisuseTest, OptionsThatCannotBeAreRefusedBeforeTheyAreAwaited) {
  EXPECT_EQ(
      TextOf<std::invalid_argument>([] { return OpenDatagram({}); }),
      "OpenDatagram(): the options name no address; give local_host and local_port to receive (\"0.0.0.0\" and 0 for "
      "any free port), remote_host and remote_port to send to one address");
  EXPECT_EQ(
      TextOf<std::invalid_argument>([] { return OpenDatagram({.local_host = "127.0.0.1", .local_port = 65536}); }),
      "OpenDatagram(): the port is 65536; it must be between 0 and 65535");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { return OpenDatagram({.remote_host = "127.0.0.1"}); }),
            "OpenDatagram(): the port is 0; it must be between 1 and 65535");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { return OpenDatagram({.remote_port = 80}); }),
            "OpenDatagram(): remote_port is 80 and remote_host is empty; give both or neither");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { return OpenDatagram({.local_port = 80, .size_max = 0}); }),
            "OpenDatagram(): size_max is 0; it must be between 1 and 65535");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { return OpenDatagram({.local_port = 80, .size_max = 65'536}); }),
            "OpenDatagram(): size_max is 65536; it must be between 1 and 65535");
  EXPECT_EQ(
      TextOf<std::invalid_argument>([] { return OpenDatagram({.local_port = 80, .multicast_group = "10.0.0.1"}); }),
      "OpenDatagram(): the multicast_group \"10.0.0.1\" is no numeric multicast address, such as 239.1.2.3");
  EXPECT_EQ(
      TextOf<std::invalid_argument>([] { return OpenDatagram({.local_port = 80, .multicast_interface = "eth0"}); }),
      "OpenDatagram(): the multicast_interface \"eth0\" is no numeric IPv4 address");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { return OpenDatagram({.local_host = std::string_view("a\0b", 3)}); }),
            "OpenDatagram(): the host contains a zero byte");
  co_return;
}

LOOP_TEST(DatagramMisuseTest, AnEmptyOneSaysSo) {
  DatagramSocket socket = co_await Server();
  const DatagramSocket moved = std::move(socket);
  EXPECT_TRUE(moved);
  EXPECT_FALSE(socket);
  try {
    socket.Close();
    ADD_FAILURE() << "no error";
  } catch (const InvalidStateError& e) {
    EXPECT_STREQ(e.what(),
                 "this DatagramSocket is empty: it was default-constructed or moved from; OpenDatagram() gives one");
  }
}

TEST(DatagramOtherLoopTest, AnotherLoopsSocketIsRefused) {
  sim::SimLoop first, second;
  DatagramSocket socket = first.Run(Server());
  const std::string error = second.Run([&]() -> Coro<std::string> { co_return co_await EndOf(socket.Receive()); });
  EXPECT_EQ(error, absl::StrCat("DatagramSocket::Receive() on ", socket.LocalAddress().ToString(),
                                ": it belongs to another event loop; use it in the loop in which it was made"));
}

}  // namespace
}  // namespace detent
