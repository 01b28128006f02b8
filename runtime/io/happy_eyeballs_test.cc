// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/happy_eyeballs.h"

#include <cstdio>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using internal::ConnectToFirst;
using internal::TakeFamiliesInTurns;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kDelay = absl::Milliseconds(250);

TEST(HappyEyeballsTest, FamiliesTakeTurns) {
  EXPECT_THAT(TakeFamiliesInTurns({"::1", "::2", "::3", "1.1.1.1", "2.2.2.2"}),
              ElementsAre("::1", "1.1.1.1", "::2", "2.2.2.2", "::3"));
  EXPECT_THAT(TakeFamiliesInTurns({"1.1.1.1", "2.2.2.2", "::1"}), ElementsAre("1.1.1.1", "::1", "2.2.2.2"));
  EXPECT_THAT(TakeFamiliesInTurns({}), IsEmpty());
}

// Attempts with a log, in asyncio's order on virtual time. What they connect is an end of a pair.
class AttemptsTest : public detent_testing::TestLoop {
 protected:
  // When each attempt began.
  std::vector<std::string> began_;

  Coro<Connection> After(size_t i, absl::Duration duration, bool succeeds) {
    began_.push_back(std::to_string(i) + " at " + absl::FormatDuration(Now()));
    co_await Sleep(duration);
    if (!succeeds) co_return Connection();
    co_return SocketPair().first;
  }
};

TEST_F(AttemptsTest, BeginTheDelayApart) {
  Run([&]() -> Coro<> {
    const auto attempt = [&](size_t i) { return After(i, absl::Seconds(i == 2 ? 1 : 60), true); };
    const Connection winner = co_await ConnectToFirst(4, kDelay, attempt);
    EXPECT_TRUE(winner);
    EXPECT_EQ(Now(), absl::Milliseconds(1500));
  });
  EXPECT_THAT(began_, ElementsAre("0 at 0", "1 at 250ms", "2 at 500ms", "3 at 750ms"));
}

TEST_F(AttemptsTest, BeginAtOnceAfterAFailure) {
  Run([&]() -> Coro<> {
    const auto attempt = [&](size_t i) { return After(i, absl::Milliseconds(10), i == 2); };
    EXPECT_TRUE(co_await ConnectToFirst(3, kDelay, attempt));
  });
  EXPECT_THAT(began_, ElementsAre("0 at 0", "1 at 10ms", "2 at 20ms"));
}

TEST_F(AttemptsTest, ThatAllFailGiveNothing) {
  Run([&]() -> Coro<> {
    const auto attempt = [&](size_t i) { return After(i, absl::Seconds(1), false); };
    EXPECT_FALSE(co_await ConnectToFirst(3, kDelay, attempt));
    EXPECT_EQ(Now(), absl::Milliseconds(1500));
  });
}

// One run of the proof: how long each of two attempts takes, how it ends, and whether and when all is cancelled is
// chosen; so is the order of what happens at one time.
class ProofRun {
 public:
  static constexpr size_t kAttempts = 2;

  Coro<> Go() {
    const auto attempt = [this](size_t i) { return Try(i); };
    Task<Connection> connect = Spawn(ConnectToFirst(kAttempts, kDelay, attempt));
    const uint32_t cancels = Choose(3);
    if (cancels > 0) {
      co_await Sleep((cancels - 1) * kDelay);
      connect.Cancel();
    }
    Connection winner;
    Outcome<Connection> outcome = co_await Settle(std::move(connect));
    if (outcome.ok()) winner = std::move(outcome).value();
    EXPECT_EQ(running_, 0) << "an attempt was not awaited";
    size_t open = 0;
    for (size_t i = 0; i < peers_.size(); ++i) {
      // The end of the stream, unless the other end is open.
      if (!(co_await Settle(WaitFor(peers_[i].Read(1), absl::Milliseconds(1)))).ok()) {
        ++open;
        winner_ = owners_[i];
      }
    }
    EXPECT_EQ(open, winner ? 1u : 0u);
  }

  // Whose connection was left; -1 for none.
  int winner() const { return winner_; }

 private:
  Coro<Connection> Try(size_t i) {
    ++running_;
    Connection connection;
    co_await Finally(
        [&]() -> Coro<> {
          const absl::Duration durations[] = {absl::ZeroDuration(), kDelay, 1.5 * kDelay};
          const absl::Duration duration = durations[Choose(3)];
          auto ends = SocketPair();
          peers_.push_back(std::move(ends.second));
          owners_.push_back(static_cast<int>(i));
          connection = std::move(ends.first);
          co_await Sleep(duration);
          if (Choose(2) == 1) connection = Connection();
        },
        [&]() -> Coro<> {
          --running_;
          co_return;
        });
    co_return std::move(connection);
  }

  int running_ = 0;
  int winner_ = -1;
  std::vector<Connection> peers_;
  std::vector<int> owners_;
};

TEST(HappyEyeballsProof, ExactlyOneWinnerStaysOpenWhateverTheOrder) {
  sim::SimLoop loop({.strategy = sim::Exhaustive{}});
  std::set<int> winners;
  uint64_t runs = 0;
  while (!::testing::Test::HasFailure()) {
    ++runs;
    try {
      ProofRun run;
      loop.Run([&]() -> Coro<> { co_await run.Go(); });
      winners.insert(run.winner());
    } catch (const sim::RunAbandoned&) {
    }
    if (loop.strategy().IsExhausted()) break;
    loop.Reset(0);
  }
  EXPECT_THAT(winners, ElementsAre(-1, 0, 1));
  RecordProperty("runs", static_cast<int>(runs));
  std::printf("%d runs\n", static_cast<int>(runs));
}

SIM_TEST(HappyEyeballsTest, ConnectTakesTheAddressThatAnswers) {
  sim::SetAddresses("db", {"10.0.0.1", "10.0.0.2", "::1"});
  Listener listener = co_await Listen("10.0.0.2", 80);
  Connection client = co_await Connect("db", 80);
  EXPECT_EQ(client.PeerAddress(), "10.0.0.2:80");
  Connection server = co_await listener.Accept();
  EXPECT_EQ(server.PeerAddress(), client.LocalAddress());
}

// Every message takes as long as it can: to be refused takes longer than the least delay.
class Slowest final : public sim::Strategy {
 public:
  uint32_t Choose(const sim::ChoicePoint& point) override {
    return point.kind() == ChoiceKind::kLatency ? point.n() - 1 : 0;
  }
};

TEST(HappyEyeballsDelayTest, IsThatOfTheOptions) {
  const auto time_with = [](absl::Duration delay) {
    sim::SimLoop loop({.strategy = sim::Use<Slowest>()});
    return loop.Run([delay]() -> Coro<absl::Duration> {
      sim::SetAddresses("db", {"10.0.0.1", "10.0.0.2"});
      Listener listener = co_await Listen("10.0.0.2", 80);
      const LoopTime start = EventLoop::Current().Time();
      (void)co_await Connect("db", 80, {.happy_eyeballs_delay = delay});
      co_return EventLoop::Current().Time() - start;
    });
  };
  EXPECT_EQ(time_with(absl::Milliseconds(11)) - time_with(absl::Milliseconds(10)), absl::Milliseconds(1));
}

SIM_TEST(HappyEyeballsTest, EveryErrorIsInTheText) {
  sim::SetAddresses("db", {"10.0.0.1", "::1"});
  const std::string error = co_await detent_testing::EndOf(Connect("db", 80));
  EXPECT_THAT(error, AnyOf("connect to db:80 (10.0.0.1:80: Connection refused; [::1]:80: Connection refused): "
                           "Connection refused",
                           "connect to db:80 ([::1]:80: Connection refused; 10.0.0.1:80: Connection refused): "
                           "Connection refused"));
}

}  // namespace
}  // namespace detent
