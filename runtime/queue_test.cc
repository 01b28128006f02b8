// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/queue.h"

#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Getters and putters at one queue that note in a log how their call ended.
class QueueTest : public detent_testing::TestLoop {
 protected:
  void Bound(int64_t maxsize) { queue_ = std::make_unique<Queue<int>>(maxsize, "orders"); }

  Task<> Caller(std::string name, Coro<std::string> call) {
    return Spawn(
        [this](std::string me, Coro<std::string> body) -> Coro<> {
          try {
            std::string what = co_await std::move(body);
            Note(me + what);
          } catch (const CancelledError&) {
            Note(me + " cancelled");
            throw;
          } catch (const QueueShutDown&) {
            Note(me + " shut down");
          }
        },
        std::move(name), std::move(call));
  }
  Task<> Getter(std::string name) { return Caller(std::move(name), GetOne(queue_.get())); }
  Task<> Putter(std::string name, int item) { return Caller(std::move(name), PutOne(queue_.get(), item)); }

  static Coro<std::string> GetOne(Queue<int>* queue) {
    const int item = co_await queue->Get();
    co_return absl::StrCat(" got ", item);
  }
  static Coro<std::string> PutOne(Queue<int>* queue, int item) {
    co_await queue->Put(item);
    co_return absl::StrCat(" put ", item);
  }

  std::unique_ptr<Queue<int>> queue_ = std::make_unique<Queue<int>>(0, "orders");
};

// Puts 2, 3, 1 and gives them in the order in which they come out.
template <typename Q>
std::vector<int> OrderOf() {
  Q queue;
  for (const int item : {2, 3, 1}) queue.PutNowait(item);
  std::vector<int> order;
  while (!queue.Empty()) order.push_back(queue.GetNowait());
  return order;
}

// q-01
TEST_F(QueueTest, ItemsLeaveInTheOrderOfTheirKindOfQueue) {
  EXPECT_THAT(OrderOf<Queue<int>>(), ElementsAre(2, 3, 1));
  EXPECT_THAT(OrderOf<LifoQueue<int>>(), ElementsAre(1, 3, 2));
  EXPECT_THAT(OrderOf<PriorityQueue<int>>(), ElementsAre(1, 2, 3));
}

// q-02
TEST_F(QueueTest, AMaxsizeOfZeroIsNoBoundAndANegativeOneIsRefused) {
  for (int i = 0; i < 1000; ++i) queue_->PutNowait(i);
  EXPECT_FALSE(queue_->Full());
  EXPECT_THROW(Queue<int>(-1), std::invalid_argument);
}

// q-03, q-04, q-16, q-17
TEST_F(QueueTest, PutAndGetSuspendOnlyWhenTheyMust) {
  Bound(1);
  Run([&]() -> Coro<> {
    EventLoop::Current().CallSoon([&] { Note("another step"); });
    co_await queue_->Put(1);
    EXPECT_EQ(co_await queue_->Get(), 1);
    EXPECT_THAT(log_, IsEmpty());
    Task<> getter = Getter("a");
    co_await Yield();
    co_await queue_->Put(2);
    co_await getter;
    co_await queue_->Put(3);
    Task<> putter = Putter("b", 4);
    co_await Yield();
    EXPECT_THAT(log_, ElementsAre("another step", "a got 2"));
    EXPECT_EQ(queue_->GetNowait(), 3);
    co_await putter;
    EXPECT_EQ(queue_->GetNowait(), 4);
  });
}

// q-05
TEST_F(QueueTest, NowaitThrowsRatherThanWaits) {
  Queue<std::unique_ptr<int>> queue(1, "orders");
  EXPECT_THROW(queue.GetNowait(), QueueEmpty);
  queue.PutNowait(std::make_unique<int>(1));
  auto item = std::make_unique<int>(2);
  try {
    queue.PutNowait(std::move(item));
    ADD_FAILURE() << "nothing was thrown";
  } catch (const QueueFull& e) {
    EXPECT_STREQ(e.what(), "Queue::PutNowait() on Queue \"orders\": it is full (1 of 1)");
  }
  ASSERT_NE(item, nullptr);  // Still the caller's.
  EXPECT_EQ(*queue.GetNowait(), 1);
}

// q-06
TEST_F(QueueTest, AWokenGetterWhoseItemWasTakenQueuesAgainAtTheBack) {
  Run([&]() -> Coro<> {
    Task<> a = Getter("a");
    Task<> b = Getter("b");
    co_await Yield();
    queue_->PutNowait(1);
    EXPECT_EQ(queue_->GetNowait(), 1);
    co_await Yield();
    co_await Yield();
    EXPECT_THAT(log_, IsEmpty());
    queue_->PutNowait(2);
    queue_->PutNowait(3);
    co_await Gather(a, b);
  });
  EXPECT_THAT(log_, ElementsAre("b got 2", "a got 3"));
}

// q-07, q-15
TEST_F(QueueTest, PlacesThatComeFreeTogetherAllGetTheirPutter) {
  Bound(2);
  Run([&]() -> Coro<> {
    queue_->PutNowait(1);
    queue_->PutNowait(2);
    Task<> a = Putter("a", 3);
    Task<> b = Putter("b", 4);
    Task<> c = Putter("c", 5);
    co_await Yield();
    EXPECT_EQ(queue_->GetNowait(), 1);
    EXPECT_EQ(queue_->GetNowait(), 2);
    co_await Gather(a, b);
    EXPECT_FALSE(c.Done());
    for (const int item : {3, 4, 5}) EXPECT_EQ(co_await queue_->Get(), item);
  });
  EXPECT_THAT(log_, ElementsAre("a put 3", "b put 4", "c put 5"));
}

// q-08, q-09, q-10
TEST_F(QueueTest, CancelledGetTakesNothing) {
  for (const bool cancel_first : {true, false}) {
    log_.clear();
    Run([&]() -> Coro<> {
      Task<> a = Getter("a");
      Task<> b = Getter("b");
      co_await Yield();
      if (cancel_first) a.Cancel();
      queue_->PutNowait(1);
      if (!cancel_first) a.Cancel();
      co_await b;
    });
    EXPECT_THAT(log_, ElementsAre("a cancelled", "b got 1"));
    EXPECT_TRUE(queue_->Empty());
  }
}

// q-11, q-12, q-13, q-14
TEST_F(QueueTest, CancelledPutAddsNothing) {
  Bound(1);
  for (const bool cancel_first : {true, false}) {
    log_.clear();
    Run([&]() -> Coro<> {
      queue_->PutNowait(0);
      Task<> a = Putter("a", 1);
      Task<> b = Putter("b", 2);
      co_await Yield();
      if (cancel_first) a.Cancel();
      EXPECT_EQ(queue_->GetNowait(), 0);
      if (!cancel_first) a.Cancel();
      co_await b;
      EXPECT_EQ(queue_->GetNowait(), 2);
      EXPECT_TRUE(queue_->Empty());
    });
    EXPECT_THAT(log_, ::testing::UnorderedElementsAre("a cancelled", "b put 2"));
  }
}

TEST_F(QueueTest, ACancelledPutLeavesItsItemToTheCaller) {
  Run([&]() -> Coro<> {
    Queue<std::unique_ptr<int>> queue(1);
    queue.PutNowait(std::make_unique<int>(1));
    auto item = std::make_unique<int>(2);
    Task<> task = Spawn([&]() -> Coro<> { co_await queue.Put(std::move(item)); });
    co_await Yield();
    task.Cancel();
    EXPECT_TRUE((co_await Settle(task)).cancelled());
    EXPECT_NE(item, nullptr);
    (void)queue.GetNowait();
    co_await queue.Put(std::move(item));
    EXPECT_EQ(item, nullptr);
  });
}

// q-18, q-19, q-20
TEST_F(QueueTest, JoinWaitsForATaskDoneForEveryItem) {
  Run([&]() -> Coro<> {
    co_await queue_->Join();
    queue_->PutNowait(1);
    queue_->PutNowait(2);
    Task<> join = Spawn([&]() -> Coro<> { co_await queue_->Join(); });
    co_await Yield();
    (void)queue_->GetNowait();
    (void)queue_->GetNowait();
    queue_->TaskDone();
    co_await Yield();
    EXPECT_FALSE(join.Done());
    queue_->TaskDone();
    co_await join;
    EXPECT_THROW(queue_->TaskDone(), InvalidStateError);
    EXPECT_EQ(queue_->UnfinishedTasks(), 0);
  });
}

// q-21
TEST_F(QueueTest, ShutdownOfAnEmptyQueueEndsItsGetters) {
  Run([&]() -> Coro<> {
    Task<> a = Getter("a");
    Task<> b = Getter("b");
    co_await Yield();
    queue_->Shutdown();
    co_await Gather(a, b, Getter("c"), Putter("d", 1));
    co_await queue_->Join();
    EXPECT_THROW(queue_->GetNowait(), QueueShutDown);
    EXPECT_THROW(queue_->PutNowait(1), QueueShutDown);
  });
  EXPECT_THAT(log_, ElementsAre("a shut down", "b shut down", "c shut down", "d shut down"));
}

// q-22
TEST_F(QueueTest, ShutdownLeavesItemsToBeTaken) {
  Bound(1);
  Run([&]() -> Coro<> {
    queue_->PutNowait(1);
    Task<> putter = Putter("a", 2);
    co_await Yield();
    queue_->Shutdown();
    co_await putter;
    EXPECT_EQ(co_await queue_->Get(), 1);
    EXPECT_THROW(co_await queue_->Get(), QueueShutDown);
    EXPECT_EQ(queue_->UnfinishedTasks(), 1);
    queue_->TaskDone();
    co_await queue_->Join();
  });
  EXPECT_THAT(log_, ElementsAre("a shut down"));
}

// q-23, q-24
TEST_F(QueueTest, ImmediateShutdownCountsDroppedItemsAsDone) {
  Run([&]() -> Coro<> {
    for (int i = 0; i < 3; ++i) queue_->PutNowait(i);
    EXPECT_EQ(queue_->GetNowait(), 0);
    Task<> join = Spawn([&]() -> Coro<> { co_await queue_->Join(); });
    co_await Yield();
    queue_->Shutdown(/*immediate=*/true);
    EXPECT_TRUE(queue_->Empty());
    co_await Yield();
    EXPECT_FALSE(join.Done());  // The item that was taken.
    queue_->TaskDone();
    co_await join;
    EXPECT_THROW(queue_->TaskDone(), InvalidStateError);
  });
}

TEST_F(QueueTest, WaitersOfADestroyedQueueGetAnError) {
  Bound(1);
  Run([&]() -> Coro<> {
    queue_->PutNowait(0);
    Task<> putter = Putter("putter", 1);
    Task<> join = Spawn([](Queue<int>* queue) -> Coro<> { co_await queue->Join(); }, queue_.get());
    co_await Yield();
    queue_ = nullptr;
    EXPECT_THROW(co_await putter, InvalidStateError);
    EXPECT_THROW(co_await join, InvalidStateError);
  });
  EXPECT_THAT(reports_, IsEmpty());
}

// A waiter that was woken had left the queue's list: a queue destroyed then was looked at again (use after
// free).
TEST_F(QueueTest, AWokenGetterOfADestroyedQueueGetsAnError) {
  Run([&]() -> Coro<> {
    Task<> woken = Getter("woken");
    Task<> cancelled = Getter("cancelled");
    Task<> waiting = Getter("waiting");
    co_await Yield();
    queue_->PutNowait(1);
    queue_->PutNowait(2);
    cancelled.Cancel();
    queue_ = nullptr;
    EXPECT_THROW(co_await woken, InvalidStateError);
    EXPECT_TRUE((co_await Settle(cancelled)).cancelled());
    EXPECT_THROW(co_await waiting, InvalidStateError);
  });
  EXPECT_THAT(log_, ElementsAre("cancelled cancelled"));
}

// Nothing is lost or doubled, whoever is cancelled and when.
SIM_TEST(QueueScheduleTest, CancelledCallersLoseNoItems) {
  Queue<int> queue(2);
  int sent = 0, received = 0;
  std::vector<Task<>> producers, consumers;
  for (int i = 0; i < 3; ++i) {
    producers.push_back(Spawn([&]() -> Coro<> {
      for (int k = 1; k <= 4; ++k) {
        co_await queue.Put(k);
        sent += k;
        co_await Yield();
      }
    }));
    consumers.push_back(Spawn([&]() -> Coro<> {
      while (true) {
        received += co_await queue.Get();
        queue.TaskDone();
      }
    }));
  }
  for (int i = 0; i < 4; ++i) co_await Yield();
  producers[0].Cancel();
  consumers[0].Cancel();
  co_await Yield();
  consumers[1].Cancel();
  EXPECT_FALSE((co_await Settle(Gather(producers[1], producers[2]))).cancelled());
  (void)co_await Settle(producers[0]);
  co_await queue.Join();
  EXPECT_EQ(received, sent);
  EXPECT_TRUE(queue.Empty());
}

SIM_TEST(QueuePutTest, ASpawnedPutTakesItsItemAlong) {
  Queue<std::string> queue(1);
  Task<> first = Spawn(queue.Put(std::string(100, 'a')));
  Task<> second = Spawn(queue.Put(std::string(100, 'b')));
  std::string items = co_await queue.Get();
  items += co_await queue.Get();
  EXPECT_EQ(items.size(), 200u);
  co_await Gather(first, second);
}

}  // namespace
}  // namespace detent
