// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/resolve.h"

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "detent/testing/text_of.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using detent_testing::TextOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

LOOP_TEST(ResolveTest, NumericAddressesAreThemselves) {
  EXPECT_THAT(co_await Resolve("127.0.0.1", 80), ElementsAre(Address::Ipv4({127, 0, 0, 1}, 80)));
  const std::vector<Address> v6 = co_await Resolve("0:0::1", 443);
  EXPECT_EQ(v6.at(0).ToString(), "[::1]:443");
}

LOOP_TEST(ResolveTest, TheEmptyHostIsEveryAddressOfThisMachine) {
  const std::vector<Address> v4 = co_await Resolve("", 80);
  EXPECT_EQ(v4.at(0).ToString(), "0.0.0.0:80");
  const std::vector<Address> v6 = co_await Resolve("", 80, {.family = AddressFamily::kIpv6});
  EXPECT_EQ(v6.at(0).ToString(), "[::]:80");
}

LOOP_TEST(ResolveTest, LocalhostIsKnownAtOnce) {
  const std::vector<Address> addresses = co_await Resolve("localhost", 80);
  EXPECT_EQ(addresses.at(0).ToString(), "127.0.0.1:80");
}

LOOP_TEST(ResolveTest, AFamilyLeavesTheOthersOut) {
  EXPECT_THAT(co_await Resolve("localhost", 80, {.family = AddressFamily::kIpv4}),
              ElementsAre(Address::Ipv4({127, 0, 0, 1}, 80)));
  try {
    (void)co_await Resolve("127.0.0.1", 80, {.family = AddressFamily::kIpv6});
    ADD_FAILURE() << "no error";
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code().value(), EAFNOSUPPORT);
    EXPECT_THAT(e.what(), HasSubstr("look up 127.0.0.1 (it has no IPv6 address): "));
  }
  EXPECT_THAT(co_await EndOf(Resolve("::1", 80, {.family = AddressFamily::kIpv4})),
              HasSubstr("look up ::1 (it has no IPv4 address): "));
}

LOOP_TEST(ResolveTest, WhatCannotBeIsRefusedBeforeItIsAwaited) {
  EXPECT_EQ(TextOf<std::invalid_argument>([] { return Resolve("a", 65536); }),
            "Resolve(): the port is 65536; it must be between 0 and 65535");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { return Resolve("a", -1); }),
            "Resolve(): the port is -1; it must be between 0 and 65535");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { return Resolve(std::string_view("a\0b", 3), 80); }),
            "Resolve(): the host contains a zero byte");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { return Resolve(std::string(254, 'a'), 80); }),
            "Resolve(): the host has 254 bytes; a name has at most 253");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { return Connect(std::string(254, 'a'), 80); }),
            "Connect(): the host has 254 bytes; a name has at most 253");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { return Resolve("a", 80, {.family = AddressFamily::kUnix}); }),
            "Resolve(): the family must be kAny, kIpv4 or kIpv6; a name has no other addresses");
  co_return;
}

}  // namespace
}  // namespace detent
