// SPDX-License-Identifier: Apache-2.0
//
// The threads that look names up, with a look-up in the place of getaddrinfo that hangs until the test lets it go.
#include "detent/runtime/epoll/names.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/runtime/live_tasks.h"
#include "detent/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

// Look-ups of names that begin with "hang" wait until Release(). Every other name is 10.0.0.1.
class Resolver {
 public:
  internal::NamesFound LookUp(const std::string& host) {
    std::unique_lock<std::mutex> held(mutex_);
    asked_.push_back(host);
    if (host.starts_with("hang")) {
      ++hanging_;
      changed_.wait(held, [&] { return released_; });
      --hanging_;
      changed_.notify_all();
    }
    if (host == "missing") return internal::NamesFound(internal::kNameNotFound, "Name or service not known");
    return internal::NamesFound({Address::Ipv4({10, 0, 0, 1}, 0)});
  }
  void Release() {
    std::unique_lock<std::mutex> held(mutex_);
    released_ = true;
    changed_.notify_all();
    changed_.wait(held, [&] { return hanging_ == 0; });
  }
  size_t hanging() {
    const std::lock_guard<std::mutex> held(mutex_);
    return hanging_;
  }
  std::vector<std::string> asked() {
    const std::lock_guard<std::mutex> held(mutex_);
    return asked_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> asked_;
  size_t hanging_ = 0;
  bool released_ = false;
};

class NamesTest : public ::testing::Test {
 protected:
  NamesTest() : resolver_(std::make_shared<Resolver>()) {
    internal::SetLookUpFunction([resolver = resolver_](const std::string& host) { return resolver->LookUp(host); });
  }
  ~NamesTest() override {
    resolver_->Release();
    internal::SetLookUpFunction(nullptr);
  }

  Task<std::vector<Address>> LookUp(const std::string& host) { return Spawn(Resolve(host, 80)); }
  Coro<> UntilHanging(size_t count) {
    while (resolver_->hanging() < count) co_await Yield();
  }

  const std::shared_ptr<Resolver> resolver_;
};

TEST_F(NamesTest, LookUpsThatHangHoldUpNeitherJobsNorTheEndOfARun) {
  std::vector<Task<std::vector<Address>>> look_ups;
  detent::Run([&]() -> Coro<> {
    for (int i = 0; i < 12; ++i) look_ups.push_back(LookUp(absl::StrCat("hang-", i)));
    co_await UntilHanging(internal::kLookUpThreadsMax);
    EXPECT_EQ(co_await EventLoop::Current().RunInExecutor([] { return 7; }), 7);
  });
  // The loop is gone, and the look-ups still hang. Those that had not begun were dropped.
  EXPECT_EQ(resolver_->hanging(), internal::kLookUpThreadsMax);
  for (const Task<std::vector<Address>>& look_up : look_ups) EXPECT_TRUE(look_up.Cancelled());
  resolver_->Release();
  EXPECT_THAT(resolver_->asked(), UnorderedElementsAre("hang-0", "hang-1", "hang-2", "hang-3"));
}

TEST_F(NamesTest, AnAbandonedLookUpLeavesItsPlaceToOthers) {
  detent::Run([&]() -> Coro<> {
    std::vector<Task<std::vector<Address>>> look_ups;
    for (int i = 0; i < 4; ++i) look_ups.push_back(LookUp(absl::StrCat("hang-", i)));
    co_await UntilHanging(4);
    Task<std::vector<Address>> dropped = LookUp("dropped");
    Task<std::vector<Address>> wanted = LookUp("wanted");
    co_await Yield();
    dropped.Cancel();
    EXPECT_TRUE((co_await Settle(dropped)).cancelled());
    resolver_->Release();
    const std::vector<Address> found = co_await wanted;
    EXPECT_THAT(found, ElementsAre(Address::Ipv4({10, 0, 0, 1}, 80)));
    for (Task<std::vector<Address>>& look_up : look_ups) EXPECT_THAT(co_await look_up, SizeIs(1));
  });
  EXPECT_THAT(resolver_->asked(), UnorderedElementsAre("hang-0", "hang-1", "hang-2", "hang-3", "wanted"));
}

// What two ask for is looked up until both have abandoned it.
TEST_F(NamesTest, OneOfTwoMayAbandonALookUpThatHasNotBegun) {
  detent::Run([&]() -> Coro<> {
    std::vector<Task<std::vector<Address>>> look_ups;
    for (int i = 0; i < 4; ++i) look_ups.push_back(LookUp(absl::StrCat("hang-", i)));
    co_await UntilHanging(4);
    Task<std::vector<Address>> abandons = LookUp("shared");
    Task<std::vector<Address>> waits = LookUp("shared");
    co_await Yield();
    abandons.Cancel();
    EXPECT_TRUE((co_await Settle(abandons)).cancelled());
    resolver_->Release();
    EXPECT_THAT(co_await waits, SizeIs(1));
    for (Task<std::vector<Address>>& look_up : look_ups) EXPECT_THAT(co_await look_up, SizeIs(1));
  });
}

TEST_F(NamesTest, EqualLookUpsAreOne) {
  detent::Run([&]() -> Coro<> {
    Task<std::vector<Address>> first = LookUp("hang");
    Task<std::vector<Address>> second = LookUp("hang");
    co_await UntilHanging(1);
    Task<std::vector<Address>> third = Spawn(Resolve("hang", 443));
    Task<std::vector<Address>> cancelled = LookUp("hang");
    co_await Yield();
    cancelled.Cancel();
    EXPECT_TRUE((co_await Settle(cancelled)).cancelled());
    resolver_->Release();
    EXPECT_THAT(co_await first, ElementsAre(Address::Ipv4({10, 0, 0, 1}, 80)));
    EXPECT_THAT(co_await second, ElementsAre(Address::Ipv4({10, 0, 0, 1}, 80)));
    EXPECT_THAT(co_await third, ElementsAre(Address::Ipv4({10, 0, 0, 1}, 443)));
  });
  EXPECT_THAT(resolver_->asked(), ElementsAre("hang"));
}

TEST_F(NamesTest, AnotherLoopMayJoinALookUpThatTheFirstAbandoned) {
  detent::Run([&]() -> Coro<> {
    Task<std::vector<Address>> look_up = LookUp("hang");
    co_await UntilHanging(1);
    look_up.Cancel();
    EXPECT_TRUE((co_await Settle(look_up)).cancelled());
  });
  detent::Run([&]() -> Coro<> {
    Task<std::vector<Address>> look_up = LookUp("hang");
    co_await Yield();
    resolver_->Release();
    EXPECT_THAT(co_await look_up, SizeIs(1));
  });
  EXPECT_THAT(resolver_->asked(), ElementsAre("hang"));
}

TEST_F(NamesTest, TooManyThatWaitAreRefused) {
  detent::Run([&]() -> Coro<> {
    std::vector<Task<std::vector<Address>>> look_ups;
    for (size_t i = 0; i < internal::kLookUpThreadsMax; ++i) look_ups.push_back(LookUp(absl::StrCat("hang-", i)));
    co_await UntilHanging(internal::kLookUpThreadsMax);
    for (size_t i = 0; i < internal::kLookUpsQueuedMax; ++i) look_ups.push_back(LookUp(absl::StrCat("name-", i)));
    co_await Yield();
    EXPECT_EQ(co_await EndOf(Resolve("one-more", 80)),
              "look up one-more (1000 other names wait to be looked up): Resource temporarily unavailable");
    Task<std::vector<Address>> joins = LookUp("name-7");  // It needs no place.
    co_await Yield();
    resolver_->Release();
    EXPECT_THAT(co_await joins, SizeIs(1));
    for (Task<std::vector<Address>>& look_up : look_ups) EXPECT_THAT(co_await look_up, SizeIs(1));
  });
}

TEST_F(NamesTest, WhatIsKnownAtOnceAsksNobody) {
  detent::Run([&]() -> Coro<> {
    const std::vector<Address> found = co_await Resolve("localhost", 80);
    EXPECT_THAT(found, ElementsAre(Address::FromHost("127.0.0.1", 80), Address::FromHost("::1", 80)));
    (void)co_await Resolve("10.0.0.1", 80);
    (void)co_await Resolve("", 80);
  });
  EXPECT_THAT(resolver_->asked(), IsEmpty());
}

TEST_F(NamesTest, AFailureIsToldInTheResolversWords) {
  detent::Run([&]() -> Coro<> {
    EXPECT_EQ(co_await EndOf(Resolve("missing", 80)),
              "look up missing (Name or service not known): No such device or address");
    EXPECT_EQ(co_await EndOf(Connect("missing", 80)),
              "look up missing (Name or service not known): No such device or address");
  });
}

TEST_F(NamesTest, AWaitNamesItsHost) {
  detent::Run([&]() -> Coro<> {
    Task<std::vector<Address>> look_up = LookUp("hang");
    co_await UntilHanging(1);
    EXPECT_THAT(internal::DescribeLiveTasks(EventLoop::Current().core()), HasSubstr("Resolve for hang"));
    resolver_->Release();
    (void)co_await look_up;
  });
}

TEST(SystemNamesTest, TheSystemIsAsked) {
  detent::Run([]() -> Coro<> {
    // Not the "localhost" that is known without asking.
    const std::vector<Address> found = co_await Resolve("LOCALHOST", 80);
    EXPECT_THAT(found,
                ::testing::Each(::testing::AnyOf(Address::FromHost("127.0.0.1", 80), Address::FromHost("::1", 80))));
    // An empty label: no name server is asked.
    EXPECT_THAT(co_await EndOf(Resolve("a..b", 80)), StartsWith("look up a..b ("));
  });
}

}  // namespace
}  // namespace detent
