// SPDX-License-Identifier: Apache-2.0
//
// What the families of faults do to a program, and that one switch ends them all.
#include "detent/sim/world/faults.h"

#include <functional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

Faults& FaultsHere() { return dynamic_cast<SimLoop&>(EventLoop::Current()).faults(); }

// The words of the faults that struck.
class Words final : public RunObserver {
 public:
  void OnChoice(const ChoicePoint& point, uint32_t choice) override {
    if (point.opportunity() == nullptr || choice < point.opportunity()->calm) return;
    size_t begin = 0;
    const std::string lines(point.name());
    for (uint32_t i = 1; i < choice; ++i) begin = lines.find('\n', begin) + 1;
    words.insert(lines.substr(begin, lines.find('\n', begin) - begin));
  }
  std::set<std::string> words;
};

// Runs `body` many times with faults of these families; gives how it ended, and what struck.
class Campaign {
 public:
  Campaign(FaultSet families, const std::function<Coro<std::string>()>& body) {
    Words observer;
    for (uint64_t seed = 0; seed < 300; ++seed) {
      SimLoop loop({.seed = seed});
      loop.SetObserver(&observer);
      std::string end = RunOnce(loop, families, body);
      // The tape has all of it.
      const Tape tape = loop.tape();
      SimLoop again({.seed = tape.seed(), .strategy = Replay(tape)});
      EXPECT_EQ(RunOnce(again, families, body), end);
      EXPECT_EQ(again.fingerprint(), tape.fingerprint());
      ends.insert(std::move(end));
    }
    words = std::move(observer.words);
  }

  std::set<std::string> ends;
  std::set<std::string> words;

 private:
  static std::string RunOnce(SimLoop& loop, FaultSet families, const std::function<Coro<std::string>()>& body) {
    std::string end;
    try {
      end = loop.Run([&]() -> Coro<std::string> {
        FaultsHere().TurnOn(families, 1, 0);
        co_return co_await body();
      });
    } catch (const std::system_error& e) {
      end = e.what();
    }
    return end;
  }
};

// Sends "one", "two", "three" through a connection; gives what came, and how long it took.
Coro<std::string> Stream() {
  Listener listener = co_await Listen("127.0.0.1", 7000);
  auto [client, server] = co_await Gather(Connect("127.0.0.1", 7000), listener.Accept());
  const LoopTime begin = EventLoop::Current().Time();
  for (const char* text : {"one", "two", "three"}) co_await client.Write(text);
  client.Close();
  std::string all;
  for (std::string part = co_await server.Read(100); !part.empty(); part = co_await server.Read(100)) all += part;
  const int64_t seconds = absl::ToInt64Seconds(EventLoop::Current().Time() - begin);
  co_return all + (seconds == 0 ? "" : " after " + std::to_string(seconds) + "s");
}

TEST(FaultsTest, AConnectionStallsOrIsReset) {
  const Campaign campaign(kStreamFaults, Stream);
  EXPECT_THAT(campaign.ends, Contains("onetwothree"));
  EXPECT_THAT(campaign.ends, Contains("onetwothree after 1s"));
  EXPECT_THAT(campaign.ends, Contains("onetwothree after 15s"));
  EXPECT_THAT(campaign.words, Contains(HasSubstr("the 1st message")));
  EXPECT_THAT(campaign.ends, Contains(HasSubstr("Connection reset by peer")));
  EXPECT_THAT(campaign.words, Contains("the 2nd message from 127.0.0.1:49152 to 127.0.0.1:7000 is lost, and sent again "
                                       "after 1s"));
  EXPECT_THAT(campaign.words, Contains("the connect from 127.0.0.1:49152 to 127.0.0.1:7000 is held up by the network "
                                       "for 15s"));
  EXPECT_THAT(campaign.words, Contains("the 3rd message from 127.0.0.1:49152 to 127.0.0.1:7000 is lost, and the "
                                       "connection reset"));
  for (const std::string& end : campaign.ends) EXPECT_THAT(end, ::testing::Not(HasSubstr("refused")));
}

TEST(FaultsTest, AConnectIsRefusedOrResetAndAnAcceptFails) {
  const Campaign campaign(kConnectFaults, Stream);
  EXPECT_THAT(campaign.ends, Contains("onetwothree"));
  EXPECT_THAT(campaign.ends, Contains(HasSubstr("Connection refused")));
  EXPECT_THAT(campaign.ends, Contains(HasSubstr("Connection reset by peer")));
  EXPECT_THAT(campaign.ends, Contains(HasSubstr("Too many open files")));
  EXPECT_THAT(campaign.words, UnorderedElementsAre("the connect from 127.0.0.1:49152 to 127.0.0.1:7000 is refused",
                                                   "the connect from 127.0.0.1:49152 to 127.0.0.1:7000 is reset",
                                                   "there is no descriptor for the next connection to 127.0.0.1:7000"));
}

Coro<std::string> Datagrams() {
  DatagramSocket server = co_await OpenDatagram({.local_host = "127.0.0.1", .local_port = 7000});
  DatagramSocket client = co_await OpenDatagram({.remote_host = "127.0.0.1", .remote_port = 7000});
  co_await client.Send("a");
  co_await Sleep(absl::Seconds(1));
  co_await client.Send("b");
  co_await Sleep(absl::Seconds(1));
  std::string all;
  try {
    while (true) {
      const Datagram datagram = co_await WaitFor(server.Receive(), absl::Seconds(1));
      all += datagram.bytes();
    }
  } catch (const TimeoutError&) {
  }
  co_return all;
}

TEST(FaultsTest, ADatagramIsLostOrComesTwice) {
  const Campaign campaign(kDatagramFaults, Datagrams);
  EXPECT_THAT(campaign.ends, UnorderedElementsAre("ab", "a", "b", "aab", "abb"));
  EXPECT_THAT(campaign.words, Contains("the datagram from 127.0.0.1:49152 to 127.0.0.1:7000 is lost"));
  EXPECT_THAT(campaign.words, Contains("the datagram from 127.0.0.1:49152 to 127.0.0.1:7000 comes twice"));
}

TEST(FaultsTest, ADatagramComesTwiceAtMostAndNoLaterForThat) {
  std::multiset<std::string> ends;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimLoop loop({.seed = seed});
    ends.insert(loop.Run([]() -> Coro<std::string> {
      FaultsHere().TurnOn(kDatagramFaults, 1, /*rate=*/1);
      DatagramSocket server = co_await OpenDatagram({.local_host = "127.0.0.1", .local_port = 7000});
      DatagramSocket client = co_await OpenDatagram({.remote_host = "127.0.0.1", .remote_port = 7000});
      co_await client.Send("a");
      std::string all;
      try {
        while (true) all += (co_await WaitFor(server.Receive(), absl::Milliseconds(10))).bytes();
      } catch (const TimeoutError&) {
      }
      co_return all;
    }));
  }
  EXPECT_EQ(ends.count("") + ends.count("a") + ends.count("aa"), 50u);
  EXPECT_NEAR(static_cast<double>(ends.count("")), 25, 10);
}

Coro<std::string> LookUp() {
  const LoopTime begin = EventLoop::Current().Time();
  std::string end = "found";
  try {
    (void)co_await Resolve("db", 80);
  } catch (const std::system_error&) {
    end = "failed";
  }
  co_return end + " after " + absl::FormatDuration(absl::Trunc(EventLoop::Current().Time() - begin, absl::Seconds(1)));
}

TEST(FaultsTest, ALookUpIsSlowFailsOrTimesOut) {
  const Campaign campaign(kNameFaults, LookUp);
  EXPECT_THAT(campaign.ends,
              UnorderedElementsAre("found after 0", "found after 5s", "failed after 0", "failed after 20s"));
  EXPECT_THAT(campaign.words, UnorderedElementsAre("the look-up of db takes 5s", "the look-up of db fails for now",
                                                   "the look-up of db times out after 20s"));
}

Coro<std::string> Draws() {
  std::string said;
  for (int i = 0; i < 5; ++i) said += Fault("disk full", 0.5) ? 'x' : '.';
  co_return said;
}

TEST(FaultsTest, AFaultOfTheProgramIsPlacedToo) {
  const Campaign campaign(kProgramFaults, Draws);
  EXPECT_THAT(campaign.ends, UnorderedElementsAre(".....", "x....", ".x...", "..x..", "...x.", "....x"));
  EXPECT_THAT(campaign.words, UnorderedElementsAre("Fault \"disk full\" strikes"));
}

TEST(FaultsTest, WithoutItsFamilyAFaultOfTheProgramHasItsOwnProbability) {
  SimLoop loop({.seed = 3});
  loop.Run([]() -> Coro<> {
    FaultsHere().TurnOn(kNameFaults, 1, 0);
    int strikes = 0;
    for (int i = 0; i < 1000; ++i) strikes += Fault("disk full", 0.5);
    EXPECT_GT(strikes, 400);
    FaultsHere().TurnOff();
    for (int i = 0; i < 1000; ++i) EXPECT_FALSE(Fault("disk full", 1));
    co_return;
  });
}

Coro<std::string> Sizes() {
  std::string sizes;
  for (int i = 0; i < 3; ++i) sizes += std::to_string(Buggify(9, 1));
  sizes += ' ' + std::to_string(Buggify(8, 2));
  co_return sizes;
}

TEST(FaultsTest, BuggifyIsDrawnOnceARunForEachLine) {
  const Campaign campaign(kProgramFaults, Sizes);
  EXPECT_THAT(campaign.ends, UnorderedElementsAre("999 8", "111 8", "999 2"));
  EXPECT_THAT(campaign.words,
              UnorderedElementsAre(HasSubstr("Buggify at faults_test.cc:"), HasSubstr(" gives the odd")));
}

TEST(FaultsTest, BuggifyIsNormalWithoutItsFamily) {
  const Campaign campaign(kNameFaults, Sizes);
  EXPECT_THAT(campaign.ends, ElementsAre("999 8"));
  EXPECT_EQ(Buggify(std::string("outside"), "a loop"), "outside");
}

TEST(FaultsTest, VaryGivesAnyOfItsValues) {
  std::set<int> seen;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimLoop loop({.seed = seed});
    seen.insert(loop.Run([]() -> Coro<int> { co_return Vary(3, 5, 7); }));
  }
  EXPECT_THAT(seen, ElementsAre(3, 5, 7));
  EXPECT_EQ(SimLoop({.strategy = Fifo()}).Run([]() -> Coro<int> { co_return Vary(3, 5, 7); }), 3);
  EXPECT_EQ(Vary(std::string("outside"), "a", "loop"), "outside");
}

TEST(FaultsTest, TheSwitchEndsThemAll) {
  SimLoop loop({.seed = 3});
  loop.Run([]() -> Coro<> {
    SetNetworkFaults({.refused = 1});
    FaultsHere().TurnOn(kAllFaults, 1, /*rate=*/1);
    EXPECT_EQ(co_await Draws(), "xxxxx");
    FaultsHere().TurnOff();
    EXPECT_EQ(co_await Stream(), "onetwothree");
    EXPECT_EQ(co_await LookUp(), "found after 0");
    EXPECT_EQ(co_await Draws(), ".....");
    EXPECT_EQ(co_await Sizes(), "999 8");
    EXPECT_EQ(co_await Datagrams(), "ab");
  });
  EXPECT_EQ(loop.faults().tally().strikes(FaultFamily::kStream), 0u);
}

// Chooses the last alternative, and tells what it was asked.
class TakesLast final : public Faults::Chooser {
 public:
  uint32_t ChooseWithFaults(ChoiceKind, uint64_t, uint32_t n, const FaultOpportunity*,
                            absl::FunctionRef<std::string()> words) override {
    asked = words();
    return n - 1;
  }
  std::string asked;
};

TEST(FaultsTest, OnlyTheFamiliesThatAreOnArePossible) {
  constexpr FaultFamily kMixed[] = {FaultFamily::kName, FaultFamily::kStream, FaultFamily::kDatagram};
  TakesLast chooser;
  Faults faults(chooser);
  const auto decide = [&] {
    return faults.Decide(ChoiceKind::kFault, 1, 2, kMixed, "place",
                         [](uint32_t alternative) { return "word " + std::to_string(alternative); });
  };
  faults.BeginRun(1);
  EXPECT_EQ(decide(), 1u);
  EXPECT_EQ(chooser.asked, "word 1\n");
  faults.TurnOn(kStreamFaults, 1, 0);
  EXPECT_EQ(decide(), 3u);
  EXPECT_EQ(chooser.asked, "word 1\nword 3\n");
  EXPECT_EQ(faults.tally().strikes(FaultFamily::kStream), 1u);
  EXPECT_EQ(faults.tally().opportunities(FaultFamily::kName), 0u);
  faults.TurnOn(kDatagramFaults, 1, 0);
  EXPECT_EQ(decide(), 4u);
  faults.TurnOff();
  EXPECT_EQ(decide(), 1u);
}

TEST(FaultsTest, ARunForgetsTheOneBefore) {
  TakesLast chooser;
  Faults faults(chooser);
  faults.BeginRun(1);
  faults.TurnOn(kProgramFaults, 1, 0);
  EXPECT_TRUE(faults.IsOdd("/a/b.cc", 7));
  EXPECT_EQ(chooser.asked, "Buggify at b.cc:7 gives the odd value\n");
  faults.BeginRun(2);
  EXPECT_FALSE(faults.May(FaultFamily::kProgram));
  EXPECT_FALSE(faults.tally().any());
  EXPECT_FALSE(faults.IsOdd("/a/b.cc", 7));
  faults.TurnOff();
  faults.BeginRun(3);
  EXPECT_FALSE(faults.has_ended());
  // Once a run is once for each run, and what was asked before there were faults counts for nothing.
  EXPECT_FALSE(faults.IsOdd("b.cc", 7));
  faults.TurnOn(kProgramFaults, 1, 0);
  chooser.asked.clear();
  EXPECT_TRUE(faults.IsOdd("b.cc", 7));
  EXPECT_NE(chooser.asked, "");
  chooser.asked.clear();
  EXPECT_TRUE(faults.IsOdd("b.cc", 7));
  EXPECT_EQ(chooser.asked, "");
}

TEST(FaultsTest, TheSwitchReleasesWhatHasStalled) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SimLoop loop({.seed = seed});
    const absl::Duration took = loop.Run([]() -> Coro<absl::Duration> {
      Listener listener = co_await Listen("127.0.0.1", 7000);
      auto [client, server] = co_await Gather(Connect("127.0.0.1", 7000), listener.Accept());
      while (FaultsHere().tally().strikes(FaultFamily::kStream) == 0) {
        FaultsHere().TurnOn(kStreamFaults, 1, 1);
        co_await client.Write("x");
      }
      FaultsHere().TurnOff();
      const LoopTime begin = EventLoop::Current().Time();
      try {
        (void)co_await server.Read(10);
      } catch (const std::system_error&) {  // It was reset.
      }
      co_return EventLoop::Current().Time() - begin;
    });
    EXPECT_LT(took, absl::Milliseconds(20)) << seed;
  }
}

TEST(FaultsTest, ANetworkThatIsGoneIsNotTold) {
  SimLoop loop;
  loop.Run([]() -> Coro<> { (void)co_await Stream(); });
  loop.Reset(1);
  loop.Run([]() -> Coro<> {
    FaultsHere().TurnOff();
    (void)co_await Stream();
  });
}

TEST(FaultsTest, ARunWithoutStrikesAsksWhatOneWithThemAsks) {
  const auto choices = [](const StrategyOption& strategy, double rate) {
    SimLoop loop({.seed = 1, .strategy = strategy});
    loop.Run([&]() -> Coro<> {
      FaultsHere().TurnOn(kDatagramFaults, 1, rate);
      (void)co_await Datagrams();
    });
    return loop.faults().counts();
  };
  EXPECT_EQ(choices(Fifo(), 0), choices(RandomWalk(), 0));
}

}  // namespace
}  // namespace detent::sim
