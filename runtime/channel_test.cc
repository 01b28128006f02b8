// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/channel.h"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "detent/runtime/runtime.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::detent_testing::EndOf;
using ::testing::ElementsAre;

// From `first` to `last`.
Coro<> SendAll(Channel<int>& channel, int first, int last) {
  for (int item = first; item <= last; ++item) co_await channel.Send(item);
}

Coro<std::vector<int>> ReceiveAll(Channel<int>& channel) {
  std::vector<int> items;
  while (const std::optional<int> item = co_await channel.Receive()) items.push_back(*item);
  co_return items;
}

// --- In one loop ---

LOOP_TEST(ChannelTest, ItemsLeaveInTheOrderInWhichTheyEntered, {.schedules = 1}) {
  Channel<int> channel(2);
  Task<> sender = Spawn([&]() -> Coro<> {
    co_await SendAll(channel, 1, 5);
    channel.Close();
  });
  const std::vector<int> received = co_await ReceiveAll(channel);
  EXPECT_THAT(received, ElementsAre(1, 2, 3, 4, 5));
  co_await sender;
}

LOOP_TEST(ChannelTest, SendWaitsOnlyWhileItIsFull, {.schedules = 1}) {
  Channel<int> channel(2);
  co_await channel.Send(1);
  co_await channel.Send(2);
  EXPECT_EQ(channel.Size(), 2u);
  Task<> third = Spawn(SendAll(channel, 3, 3));
  co_await Sleep(absl::Milliseconds(1));
  EXPECT_FALSE(third.Done());
  EXPECT_EQ(co_await channel.Receive(), 1);
  co_await third;
  EXPECT_EQ(co_await channel.Receive(), 2);
  EXPECT_EQ(co_await channel.Receive(), 3);
}

LOOP_TEST(ChannelTest, AfterCloseWhatIsLeftIsReceivedThenNothing, {.schedules = 1}) {
  Channel<int> channel(4);
  co_await SendAll(channel, 1, 2);
  channel.Close();
  channel.Close();
  EXPECT_TRUE(channel.IsClosed());
  EXPECT_EQ(co_await channel.Receive(), 1);
  EXPECT_EQ(channel.ReceiveNowait(), 2);
  EXPECT_EQ(co_await channel.Receive(), std::nullopt);
  EXPECT_EQ(channel.ReceiveNowait(), std::nullopt);
}

LOOP_TEST(ChannelTest, CloseWakesAllWhoWait) {
  Channel<int> empty(1);
  Channel<int> full(1, "full");
  co_await full.Send(1);
  Task<std::vector<int>> a = Spawn(ReceiveAll(empty));
  Task<std::vector<int>> b = Spawn(ReceiveAll(empty));
  Task<std::string> c = Spawn(EndOf(SendAll(full, 2, 2)));
  Task<std::string> d = Spawn(EndOf(SendAll(full, 3, 3)));
  co_await Sleep(absl::Milliseconds(1));
  empty.Close();
  full.Close();
  EXPECT_THAT(co_await a, ElementsAre());
  EXPECT_THAT(co_await b, ElementsAre());
  EXPECT_EQ(co_await c, "Channel::Send() on Channel \"full\": the channel was closed; nothing was sent");
  EXPECT_EQ(co_await d, "Channel::Send() on Channel \"full\": the channel was closed; nothing was sent");
  EXPECT_EQ(co_await full.Receive(), 1);
  EXPECT_EQ(co_await full.Receive(), std::nullopt);
}

LOOP_TEST(ChannelTest, ACancelledReceiveTakesNothingAndPassesItsTurnOn) {
  Channel<int> channel(4);
  Task<std::optional<int>> first = Spawn(channel.Receive());
  Task<std::optional<int>> second = Spawn(channel.Receive());
  co_await Sleep(absl::Milliseconds(1));
  co_await channel.Send(1);  // For the first, which has no step any more.
  first.Cancel();
  const std::string end = co_await EndOf(first);
  if (end == "cancelled") {
    EXPECT_EQ(co_await second, 1);
  } else {
    second.Cancel();
    EXPECT_EQ(co_await EndOf(second), "cancelled");
  }
  EXPECT_EQ(channel.Size(), 0u);
}

LOOP_TEST(ChannelTest, ACancelledSendAddsNothingAndKeepsItsItem, {.schedules = 1}) {
  Channel<std::unique_ptr<int>> channel(1);
  co_await channel.Send(std::make_unique<int>(1));
  auto item = std::make_unique<int>(2);
  Task<> sender = Spawn([&]() -> Coro<> { co_await channel.Send(std::move(item)); });
  co_await Sleep(absl::Milliseconds(1));
  sender.Cancel();
  EXPECT_EQ(co_await EndOf(sender), "cancelled");
  EXPECT_NE(item, nullptr);
  EXPECT_EQ(channel.Size(), 1u);
  channel.Close();
}

LOOP_TEST(ChannelTest, WhoIsWokenInVainWaitsOn, {.schedules = 1}) {
  Channel<int> channel(1);
  Task<std::optional<int>> waits = Spawn(channel.Receive());
  co_await Sleep(absl::Milliseconds(1));
  channel.SendNowait(1);
  const std::optional<int> faster = channel.ReceiveNowait();
  EXPECT_EQ(faster, 1);
  co_await Sleep(absl::Milliseconds(1));
  EXPECT_FALSE(waits.Done());
  channel.SendNowait(2);
  EXPECT_EQ(co_await waits, 2);
}

// A loop around a channel that never blocks lets others run.
LOOP_TEST(ChannelTest, AStepHasABudget, {.fifo_only = true}) {
  Channel<int> channel(1);
  Event stop;
  Task<> spinner = Spawn([&]() -> Coro<> {
    while (!stop.IsSet()) {
      co_await channel.Send(1);
      (void)co_await channel.Receive();
    }
  });
  co_await Yield();
  stop.Set();
  co_await spinner;
}

class ThrowsWhenCopied {
 public:
  ThrowsWhenCopied() {}
  ThrowsWhenCopied(const ThrowsWhenCopied&) { throw std::runtime_error("copied"); }
  ThrowsWhenCopied(ThrowsWhenCopied&&) noexcept {}
};

LOOP_TEST(ChannelTest, AThrowingCopyHasSentNothing, {.schedules = 1}) {
  Channel<ThrowsWhenCopied> channel(1);
  const ThrowsWhenCopied item;
  EXPECT_EQ(co_await EndOf(channel.Send(item)), "copied");
  EXPECT_THROW(channel.SendNowait(item), std::runtime_error);
  EXPECT_EQ(channel.Size(), 0u);
  co_await channel.Send(ThrowsWhenCopied());
  EXPECT_EQ(channel.Size(), 1u);
}

LOOP_TEST(ChannelTest, ASpawnedSendTakesItsItemAlong, {.schedules = 1}) {
  Channel<std::string> channel(1);
  std::string item(100, 'x');
  Task<> sender = Spawn(channel.Send(std::move(item)));
  EXPECT_EQ(co_await channel.Receive(), std::string(100, 'x'));
  co_await sender;
}

// --- Misuse ---

TEST(ChannelMisuseTest, TheCapacityIsOneOrMore) {
  for (const int64_t capacity : {0, -3}) {
    try {
      Channel<int> channel(capacity);
      ADD_FAILURE();
    } catch (const std::invalid_argument& e) {
      EXPECT_EQ(e.what(), "Channel: the capacity is " + std::to_string(capacity) +
                              "; it must be the number of places, 1 or more");
    }
  }
}

LOOP_TEST(ChannelMisuseTest, WhatCannotBeDoneAtOnceSaysSo, {.schedules = 1}) {
  Channel<int> channel(1, "jobs");
  EXPECT_EQ(co_await EndOf([&]() -> Coro<> { co_return (void) channel.ReceiveNowait(); }()),
            "Channel::ReceiveNowait() on Channel \"jobs\": it is empty");
  channel.SendNowait(1);
  EXPECT_EQ(co_await EndOf([&]() -> Coro<> { co_return channel.SendNowait(2); }()),
            "Channel::SendNowait() on Channel \"jobs\": it is full (1 of 1)");
  channel.Close();
  EXPECT_EQ(co_await EndOf([&]() -> Coro<> { co_return channel.SendNowait(2); }()),
            "Channel::SendNowait() on Channel \"jobs\": the channel was closed; nothing was sent");
  EXPECT_EQ(co_await EndOf(channel.Send(2)),
            "Channel::Send() on Channel \"jobs\": the channel was closed; nothing was sent");
}

LOOP_TEST(ChannelMisuseTest, AChannelThatIsDestroyedTellsThoseWhoWait, {.schedules = 1}) {
  auto channel = std::make_unique<Channel<int>>(1, "jobs");
  Task<std::string> receiver = Spawn(EndOf(channel->Receive()), {.name = "waiter"});
  co_await Sleep(absl::Milliseconds(1));
  channel = nullptr;
  EXPECT_EQ(co_await receiver,
            "Channel::Receive() on Channel \"jobs\": it was destroyed while task \"waiter\" waited on it; let it "
            "outlive the tasks that wait on it");
}

LOOP_TEST(ChannelMisuseTest, AReportSaysWhatATaskWaitsFor, {.schedules = 1}) {
  Channel<int> channel(1, "jobs");
  Task<std::optional<int>> receiver = Spawn(channel.Receive(), {.name = "receiver"});
  co_await Sleep(absl::Milliseconds(1));
  EXPECT_THAT(DescribeTasks(), ::testing::HasSubstr("task \"receiver\"  Channel::Receive on \"jobs\""));
  channel.Close();
  co_await receiver;
}

}  // namespace
}  // namespace detent
