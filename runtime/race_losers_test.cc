// SPDX-License-Identifier: Apache-2.0
//
// Nothing is lost by a Race(): of operations that take something, the losers have taken nothing.
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::UnorderedElementsAre;

Coro<> Produce(Queue<int>& jobs, Event& stop, int count) {
  for (int i = 0; i < count; ++i) {
    co_await jobs.Put(i);
    co_await Yield();
  }
  stop.Set();
}

// "An item or the end", where both come at once.
template <bool kGetFirst>
Coro<> TakesEachItemOrLeavesIt() {
  Queue<int> jobs(0, "jobs");
  Event stop("stop");
  Task<> producer = Spawn(Produce(jobs, stop, 3), {.name = "producer"});
  std::vector<int> done;
  while (true) {
    if constexpr (kGetFirst) {
      const auto winner = co_await Race(jobs.Get(), stop.Wait());
      if (winner.index() == 1) break;
      done.push_back(std::get<0>(winner));
    } else {
      const auto winner = co_await Race(stop.Wait(), jobs.Get());
      if (winner.index() == 0) break;
      done.push_back(std::get<1>(winner));
    }
  }
  while (!jobs.Empty()) done.push_back(jobs.GetNowait());
  co_await producer;
  EXPECT_THAT(done, UnorderedElementsAre(0, 1, 2));
}

LOOP_TEST(RaceLosersTest, AnItemThatComesWithTheEndIsNotLost) { co_await TakesEachItemOrLeavesIt<false>(); }
LOOP_TEST(RaceLosersTest, NorIsItWhereTheEndStandsBehind) { co_await TakesEachItemOrLeavesIt<true>(); }

LOOP_TEST(RaceLosersTest, OfTwoQueuesOneGivesItsItem) {
  Queue<int> a(0, "a");
  LifoQueue<int> b(0, "b");
  for (const bool is_there : {true, false}) {
    auto put = [&]() -> Coro<> {
      a.PutNowait(1);
      co_await b.Put(2);
    };
    Task<> producer;
    if (is_there) co_await put();
    if (!is_there) producer = Spawn(put);
    const int got = co_await Race(a.Get(), b.Get());
    if (producer) co_await producer;
    EXPECT_EQ(got + (a.Empty() ? 0 : a.GetNowait()) + (b.Empty() ? 0 : b.GetNowait()), 3);
  }
}

LOOP_TEST(RaceLosersTest, OfTwoLocksOneIsHeld) {
  Lock a("a"), b("b");
  Semaphore c(1, "c"), d(1, "d");
  co_await Race(a.Acquire(), b.Acquire());
  EXPECT_NE(a.Locked(), b.Locked());
  a.Locked() ? a.Release() : b.Release();
  co_await Race(c.Acquire(), d.Acquire());
  EXPECT_NE(c.Locked(), d.Locked());
  c.Locked() ? c.Release() : d.Release();
  // Handed over by somebody else, to both at once.
  auto held = co_await a.Hold();
  co_await b.Acquire();
  Task<> releases = Spawn([&]() -> Coro<> {
    co_await Sleep(absl::Milliseconds(1));
    held.Release();
    b.Release();
  });
  co_await Race(a.Acquire(), b.Acquire());
  co_await releases;
  EXPECT_NE(a.Locked(), b.Locked());
  a.Locked() ? a.Release() : b.Release();
}

LOOP_TEST(RaceLosersTest, WhatALosingReadWouldHaveReadIsRead) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  std::vector<Connection> clients, servers;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(co_await Connect("127.0.0.1", listener.Port()));
    servers.push_back(co_await listener.Accept());
  }
  co_await clients[0].Write("a");
  co_await clients[1].Write("b");
  co_await Sleep(absl::Milliseconds(1));
  const std::string first = co_await Race(servers[0].ReadExactly(1), servers[1].ReadExactly(1));
  EXPECT_EQ(co_await servers[first == "a" ? 1 : 0].ReadExactly(1), first == "a" ? "b" : "a");
}

LOOP_TEST(RaceLosersTest, ALosingAcceptAcceptsNobody) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  Connection a = co_await Connect("127.0.0.1", listener.Port());
  Connection b = co_await Connect("127.0.0.1", listener.Port());
  co_await Sleep(absl::Milliseconds(1));
  const Connection first = co_await Race(listener.Accept(), listener.Accept());
  const Connection second = co_await WaitFor(listener.Accept(), absl::Seconds(10));
  EXPECT_THAT((std::vector<std::string>{first.PeerAddress(), second.PeerAddress()}),
              UnorderedElementsAre(a.LocalAddress(), b.LocalAddress()));
}

// Both races are decided in the step in which the first of all has finished.
LOOP_TEST(RaceLosersTest, WhatARaceInARaceHasWonIsNotLost) {
  std::vector<Queue<int>> queues(4);
  Task<> producer = Spawn([&]() -> Coro<> {
    for (Queue<int>& queue : queues) {
      if (Choose(2) == 1) co_await Yield();
      queue.PutNowait(1);
    }
  });
  const int got = co_await Race(Race(Race(queues[0].Get(), queues[1].Get()), queues[2].Get()), queues[3].Get());
  co_await producer;
  int left = 0;
  for (const Queue<int>& queue : queues) left += static_cast<int>(queue.Size());
  EXPECT_EQ(got + left, 4);
}

LOOP_TEST(RaceLosersTest, NorIsItInAVectorOfRaces) {
  std::vector<Queue<int>> queues(6);
  std::vector<Coro<int>> races;
  for (int i = 0; i < 6; i += 2) races.push_back(Race(queues[i].Get(), queues[i + 1].Get()));
  for (Queue<int>& queue : queues) queue.PutNowait(1);
  EXPECT_EQ(co_await Race(std::move(races)), 1);
  int left = 0;
  for (const Queue<int>& queue : queues) left += static_cast<int>(queue.Size());
  EXPECT_EQ(left, 5);
}

LOOP_TEST(RaceLosersTest, TheLosersOfALoserHaveEndedWhenTheOuterRaceGoesOn) {
  int running = 0;
  const auto clean_up = [&]() -> Coro<> {
    ++running;
    (void)co_await Catch(Sleep(absl::InfiniteDuration()));
    for (int i = 0; i < 3; ++i) co_await Yield();
    --running;
  };
  const auto finish = []() -> Coro<> {
    for (uint32_t i = Choose(4); i > 0; --i) co_await Yield();
  };
  co_await Race(Race(clean_up(), Race(clean_up(), clean_up())), finish());
  EXPECT_EQ(running, 0);
}

SIM_TEST(RaceLosersTest, RacesStandInEachOtherAsDeepAsOneLikes, {.schedules = 1}) {
  constexpr int kDepth = 30'000;
  Future<int> first = MakeFuture<int>();
  std::vector<Future<int>> never;
  Coro<int> race = Race(first, MakeFuture<int>());
  for (int i = 0; i < kDepth; ++i) race = Race(std::move(race), never.emplace_back(MakeFuture<int>()));
  Task<int> all = Spawn(std::move(race));
  co_await Yield();
  first.SetResult(7);
  EXPECT_TRUE(never.front().Cancelled() && never.back().Cancelled());
  EXPECT_EQ(co_await all, 7);
}

// A race that is cancelled, or whose time is up, when something has just won, gives it all the same.
SIM_TEST(RaceLosersTest, NoCancellationOfARaceLosesAnItem) {
  Queue<int> jobs(0, "jobs");
  Event stop("stop");
  std::vector<int> done;
  Task<> worker = Spawn([&]() -> Coro<> {
    while (true) {
      const auto winner = co_await Race(stop.Wait(), jobs.Get());
      done.push_back(std::get<1>(winner));
    }
  });
  Task<> producer = Spawn(Produce(jobs, stop, 2), {.name = "producer"});
  for (uint32_t i = Choose(6); i > 0; --i) co_await Yield();
  worker.Cancel();
  (void)co_await Settle(worker);
  (void)co_await Settle(producer);
  while (!jobs.Empty()) done.push_back(jobs.GetNowait());
  EXPECT_THAT(done, UnorderedElementsAre(0, 1));
}

SIM_TEST(RaceLosersTest, NoTimeOutOfARaceLosesAnItem) {
  Queue<int> jobs(0, "jobs");
  Event stop("stop");
  Task<> producer = Spawn([&]() -> Coro<> {
    for (int i = 0; i < 3; ++i) {
      co_await Sleep(absl::Milliseconds(1));
      jobs.PutNowait(i);
    }
  });
  std::vector<int> done;
  for (int i = 0; i < 3; ++i) {
    auto winner = co_await Settle(WaitFor(Race(stop.Wait(), jobs.Get()), absl::Milliseconds(1)));
    if (winner.ok()) done.push_back(std::get<1>(winner.value()));
    EXPECT_EQ(CurrentTask().Cancelling(), 0);
  }
  co_await producer;
  while (!jobs.Empty()) done.push_back(jobs.GetNowait());
  EXPECT_THAT(done, UnorderedElementsAre(0, 1, 2));
}

}  // namespace
}  // namespace detent
