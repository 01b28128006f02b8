// SPDX-License-Identifier: Apache-2.0
//
// A client of a slow server, tested in the ways that docs/testing.md explains.
#include "detent/examples/quotes.h"

#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/sim/world/network_faults.h"
#include "detent/testing/testing.h"

namespace {

using detent::Connection;
using detent::Coro;
using detent::Gather;
using detent::Server;
using detent_examples::Quotes;

// The price server: each price is the length of the name, and takes its time. A client that goes ends its own task.
Coro<> AnswerClient(Connection client, absl::Duration unit) {
  while (true) {
    const std::string name = co_await client.ReadUntil("\n");
    co_await detent::Sleep(unit * detent::Choose(3));
    co_await client.Write(absl::StrCat(name.size() - 1, "\n"));
  }
}

// A test's world: a price server, and a Quotes that asks it.
class QuotesTest : public ::testing::Test {
 protected:
  // A price takes 0, 1 or 2 units.
  Coro<> Start(absl::Duration unit, int connections = 2) {
    const auto answer = [unit](Connection client) { return AnswerClient(std::move(client), unit); };
    server_ = co_await detent::StartServer(answer, "127.0.0.1", 0);
    quotes_ = std::make_unique<Quotes>("127.0.0.1", server_.Port(), connections);
  }

  Coro<> ExpectPrice(std::string name) {
    const int length = static_cast<int>(name.size());
    EXPECT_EQ(co_await quotes_->Price(std::move(name)), length);
  }
  // 0 for a time-out.
  Coro<int> PriceOrTimeout(std::string name) {
    try {
      co_return co_await quotes_->Price(std::move(name));
    } catch (const detent::TimeoutError&) {
      co_return 0;
    }
  }

  std::unique_ptr<Quotes> quotes_;
  Server server_;
};

// Two at once, or there is nothing to interleave; more than there are connections, so that some wait.
LOOP_TEST_F(QuotesTest, EverybodyGetsTheirOwnAnswer) {
  co_await Start(absl::Milliseconds(1));
  co_await Gather(ExpectPrice("tin"), ExpectPrice("lead"), ExpectPrice("copper"));
}

// A price that takes two seconds is as late as the patience lasts: which comes first is a choice.
SIM_TEST_F(QuotesTest, AnAnswerThatComesTooLateIsNobodyElses) {
  co_await Start(absl::Seconds(1), /*connections=*/1);
  const auto bounded = detent_testing::Invariant("one request at a time", [&] { return quotes_->busy() <= 1; });
  const int price = co_await PriceOrTimeout("tin");
  EXPECT_TRUE(price == 3 || price == 0) << price;
  detent_testing::Sometimes<"a price is too late">(price == 0);
  const int next = co_await PriceOrTimeout("copper");
  EXPECT_TRUE(next == 6 || next == 0) << next;
}

// Wherever a request is cancelled or timed out, the pool is as good as new.
SIM_TEST_F(QuotesTest, ACancelledRequestLeavesNothingBehind) {
  co_await detent_testing::CancelEverywhere(
      [this]() -> Coro<> {
        co_await Start(absl::Milliseconds(1), /*connections=*/1);
        co_await detent::Finally([this]() -> Coro<> { co_await Gather(ExpectPrice("tin"), ExpectPrice("copper")); },
                                 [this]() -> Coro<> {
                                   server_.Close();
                                   server_.AbortClients();
                                   co_await server_.WaitClosed();
                                 });
      },
      [this] { EXPECT_EQ(quotes_->busy(), 0); });
}

SIM_TEST_F(QuotesTest, ARefusedConnectionIsAnErrorAndNothingElse) {
  co_await Start(absl::Milliseconds(1));
  detent::sim::SetNetworkFaults({.refused = 0.3});
  bool refused = false;
  try {
    co_await ExpectPrice("tin");
  } catch (const std::system_error&) {
    refused = true;
  }
  detent_testing::Sometimes<"a connection is refused">(refused);
  detent::sim::SetNetworkFaults({});
  co_await Gather(ExpectPrice("lead"), ExpectPrice("copper"));
}

}  // namespace
