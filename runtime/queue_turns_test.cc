// SPDX-License-Identifier: Apache-2.0
//
// Whose turn it is at a Queue when somebody takes what a waiter was woken for; and the ring of its items.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/runtime/queue.h"
#include "detent/sim/sim.h"
#include "detent/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;

class QueueTurnsTest : public detent_testing::TestLoop {
 protected:
  Coro<> Get(char who) {
    const int item = co_await queue_->Get();
    Note(absl::StrCat(std::string(1, who), " got ", item));
  }
  Coro<> Put(int item) {
    co_await queue_->Put(item);
    Note(absl::StrCat("put ", item));
  }

  std::unique_ptr<Queue<int>> queue_ = std::make_unique<Queue<int>>();
};

TEST_F(QueueTurnsTest, OfTheWokenGettersTheLastOnesGoWithout) {
  Run([&]() -> Coro<> {
    for (const char who : {'a', 'b', 'c', 'd'}) Spawn(Get(who));
    co_await Yield();
    for (int item = 1; item <= 3; ++item) queue_->PutNowait(item);
    EXPECT_EQ(queue_->GetNowait(), 1);
    EXPECT_EQ(queue_->GetNowait(), 2);
    co_await Yield();
    EXPECT_THAT(log_, ElementsAre("a got 3"));
    // b and c were disappointed and stand behind d now.
    for (int item = 4; item <= 6; ++item) queue_->PutNowait(item);
    co_await Yield();
  });
  EXPECT_THAT(log_, ElementsAre("a got 3", "d got 4", "b got 5", "c got 6"));
}

TEST_F(QueueTurnsTest, AGetterIsDisappointedAgainAndAgain) {
  Run([&]() -> Coro<> {
    const Task<> getter = Spawn(Get('a'));
    for (int round = 0; round < 5; ++round) {
      co_await Yield();
      queue_->PutNowait(round);
      EXPECT_EQ(queue_->GetNowait(), round);
    }
    co_await Yield();
    queue_->PutNowait(9);
    co_await getter;
  });
  EXPECT_THAT(log_, ElementsAre("a got 9"));
}

TEST_F(QueueTurnsTest, OfTheWokenPuttersTheLastOnesGoWithout) {
  queue_ = std::make_unique<Queue<int>>(2);
  Run([&]() -> Coro<> {
    queue_->PutNowait(1);
    queue_->PutNowait(2);
    for (int item = 3; item <= 5; ++item) Spawn(Put(item));
    co_await Yield();
    queue_->GetNowait();
    queue_->GetNowait();
    queue_->PutNowait(8);  // In the place of 4.
    co_await Yield();
    EXPECT_THAT(log_, ElementsAre("put 3"));
    for (int i = 0; i < 3; ++i) {
      queue_->GetNowait();
      co_await Yield();
    }
    co_await Yield();
  });
  EXPECT_THAT(log_, ElementsAre("put 3", "put 5", "put 4"));
}

TEST_F(QueueTurnsTest, ADisappointedGetterCanBeCancelled) {
  Run([&]() -> Coro<> {
    const Task<> a = Spawn(Get('a')), b = Spawn(Get('b'));
    co_await Yield();
    queue_->PutNowait(1);
    queue_->GetNowait();
    a.Cancel();
    co_await Yield();
    EXPECT_TRUE(a.Cancelled());
    queue_->PutNowait(2);
    co_await b;
  });
  EXPECT_THAT(log_, ElementsAre("b got 2"));
}

// An item that counts how many of its kind are alive.
class Counted {
 public:
  explicit Counted(int number) : number(number) { ++alive; }
  Counted(Counted&& other) noexcept : number(other.number) { ++alive; }
  Counted& operator=(Counted&&) = delete;
  ~Counted() { --alive; }
  static inline int alive = 0;
  int number;
};

TEST(QueueItemsTest, TheRingGrowsInOrderAndDropsWhatIsLeft) {
  sim::SimLoop loop;
  loop.Run([]() -> Coro<> {
    Queue<Counted> queue;
    int put = 0, got = 0;
    // It grows while its first item stands anywhere in the ring.
    for (int round = 1; round <= 40; ++round) {
      for (int i = 0; i < round; ++i) queue.PutNowait(Counted(put++));
      for (int i = 0; i < round - 1; ++i) EXPECT_EQ(queue.GetNowait().number, got++);
    }
    EXPECT_EQ(queue.Size(), 40u);
    EXPECT_EQ(Counted::alive, 40);
    co_return;
  });
  EXPECT_EQ(Counted::alive, 0);
}

}  // namespace
}  // namespace detent
