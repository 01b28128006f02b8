// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/address.h"

#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

static_assert(!std::is_aggregate_v<Address>);

template <typename F>
std::string InvalidArgument(F call) {
  try {
    (void)call();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "no error";
}

std::string Canonical(std::string_view host) {
  const std::optional<Address> address = Address::FromHost(host, 80);
  return address ? address->Host() : "none";
}

TEST(AddressTest, IsWrittenAsItIsRead) {
  for (const char* text : {"127.0.0.1:80", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:80", "[::]:1",
                           "[2001:db8::1]:53", "[1:2:3:4:5:6:7:8]:9", "[fe80::1%2]:7", "[2001:db8:0:1:1:1:1:1]:1"}) {
    const std::optional<Address> address = Address::Parse(text);
    ASSERT_TRUE(address.has_value()) << text;
    EXPECT_EQ(address->ToString(), text);
    EXPECT_EQ(Address::FromHost(address->Host(), address->Port()), address);
  }
}

// RFC 5952, section 4.
TEST(AddressTest, AnIpv6AddressHasOneSpelling) {
  EXPECT_EQ(Canonical("2001:0db8::0001"), "2001:db8::1");
  EXPECT_EQ(Canonical("2001:DB8:0:0:0:0:2:1"), "2001:db8::2:1");
  EXPECT_EQ(Canonical("2001:db8::1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");
  EXPECT_EQ(Canonical("2001:0:0:1:0:0:0:1"), "2001:0:0:1::1");
  EXPECT_EQ(Canonical("2001:db8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");
  EXPECT_EQ(Canonical("0:0:0:0:0:0:0:0"), "::");
  EXPECT_EQ(Canonical("1:0:0:0:0:0:0:0"), "1::");
  EXPECT_EQ(Canonical("::1.2.3.4"), "::102:304");
}

TEST(AddressTest, AnIpv4AddressInIpv6IsTheIpv4Address) {
  EXPECT_EQ(Address::FromHost("::ffff:127.0.0.1", 80), Address::FromHost("127.0.0.1", 80));
  EXPECT_EQ(Canonical("::ffff:7f00:1"), "127.0.0.1");
}

TEST(AddressTest, WhatIsNoNumericHostIsNone) {
  for (const char* host : {"",
                           "localhost",
                           "127.1",
                           "127.0.0.1.2",
                           "127.0.0.",
                           "256.0.0.1",
                           "01.2.3.4",
                           "1.2.3.4x",
                           " 1.2.3.4",
                           "1..2.3",
                           "-1.2.3.4",
                           ":",
                           ":::",
                           "1:2",
                           "1:2:3:4:5:6:7:8:9",
                           "::1::",
                           "12345::",
                           "1:2:3:4:5:6:7::8",
                           "g::",
                           "::1.2.3",
                           "1.2.3.4::",
                           "::1:",
                           ":1::",
                           "fe80::1%",
                           "fe80::1%eth0",
                           "1.2.3.4%1",
                           "[::1]"}) {
    EXPECT_EQ(Canonical(host), "none") << host;
  }
  for (const char* text : {"", "80", "127.0.0.1", ":80", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80",
                           "[::1]", "[127.0.0.1]:80", "[]:80", "127.0.0.1:8o", "127.0.0.1:080000"}) {
    EXPECT_EQ(Address::Parse(text), std::nullopt) << text;
  }
}

TEST(AddressTest, AUnixSocketHasAPathAndNoPort) {
  const Address address = Address::Unix("/run/detent.sock");
  EXPECT_EQ(address.family(), AddressFamily::kUnix);
  EXPECT_EQ(address.ToString(), "/run/detent.sock");
  EXPECT_EQ(address.Port(), 0);
  EXPECT_EQ(Address::Unix(std::string_view("\0name", 5)).ToString(), "@name");
  EXPECT_EQ(Address::Unix("").ToString(), "a Unix socket without a name");
}

TEST(AddressTest, WhatNoSocketCanHaveIsRefused) {
  EXPECT_EQ(InvalidArgument([] { return Address::FromHost("127.0.0.1", 65536); }),
            "Address: the port is 65536; it must be between 0 and 65535");
  EXPECT_EQ(InvalidArgument([] { return Address::Ipv4({127, 0, 0, 1}, -1); }),
            "Address: the port is -1; it must be between 0 and 65535");
  EXPECT_EQ(InvalidArgument([] { return Address().WithPort(70000); }),
            "Address: the port is 70000; it must be between 0 and 65535");
  EXPECT_EQ(InvalidArgument([] { return Address::Unix(std::string(107, 'x')); }), "no error");
  EXPECT_EQ(InvalidArgument([] { return Address::Unix(std::string(108, 'x')); }),
            "Address::Unix(): the path has 108 bytes; that of a Unix socket has at most 107");
  EXPECT_EQ(InvalidArgument([] { return Address::Unix(std::string_view("a\0b", 3)); }),
            "Address::Unix(): the path contains a zero byte; only an abstract name begins with one");
}

TEST(AddressTest, KnowsWhatKindOfPlaceItIs) {
  const auto at = [](const char* host) { return Address::FromHost(host, 1).value(); };
  EXPECT_TRUE(at("224.0.0.1").IsMulticast() && at("239.255.255.255").IsMulticast() && at("ff02::1").IsMulticast());
  EXPECT_FALSE(at("223.255.255.255").IsMulticast() || at("240.0.0.1").IsMulticast() || at("fe80::1").IsMulticast());
  EXPECT_TRUE(at("255.255.255.255").IsBroadcast());
  EXPECT_FALSE(at("255.255.255.254").IsBroadcast());
  EXPECT_TRUE(at("0.0.0.0").IsWildcard() && at("::").IsWildcard());
  EXPECT_FALSE(at("127.0.0.1").IsWildcard() || at("::1").IsWildcard() || Address().IsWildcard());
}

TEST(AddressTest, IsAKey) {
  const Address a = Address::FromHost("10.0.0.1", 80).value();
  const Address same = Address::Ipv4({10, 0, 0, 1}, 80);
  const std::vector<Address> others = {
      a.WithPort(81),     Address::Ipv4({10, 0, 0, 2}, 80), Address::FromHost("::1", 80).value(),
      Address::Unix("a"), Address::Named("a", 0),           Address()};
  std::set<Address> ordered = {a, same};
  absl::flat_hash_set<Address> flat = {a, same};
  for (const Address& other : others) {
    EXPECT_NE(a, other);
    ordered.insert(other);
    flat.insert(other);
  }
  EXPECT_EQ(ordered.size(), others.size() + 1);
  EXPECT_EQ(flat.size(), others.size() + 1);
}

}  // namespace
}  // namespace detent
