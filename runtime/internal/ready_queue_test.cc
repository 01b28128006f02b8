// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/ready_queue.h"

#include <deque>
#include <vector>

#include "detent/runtime/random.h"
#include "gtest/gtest.h"

namespace detent::internal {
namespace {

class Hop final : public Runnable {
 public:
  explicit Hop(int n = 0) : number(n) {}
  void Run() override {}
  Lane lane() const override { return Lane(); }
  int number;
};

int Number(Step step) { return static_cast<Hop*>(step.runnable())->number; }

// The queue looks at no task, only at the address.
TaskState* FakeTask(uintptr_t address) { return reinterpret_cast<TaskState*>(address); }

TEST(ReadyQueueTest, GivesStepsInTheOrderInWhichTheyCame) {
  ReadyQueue queue;
  Hop a(1), b(2);
  queue.Push(&a);
  queue.Push(FakeTask(64));
  queue.Push(&b);
  EXPECT_EQ(queue.size(), 3u);
  EXPECT_EQ(queue.Pop(), Step(&a));
  const Step task = queue.Pop();
  EXPECT_TRUE(task.IsTask());
  EXPECT_EQ(task.task(), FakeTask(64));
  EXPECT_EQ(Number(queue.Pop()), 2);
  EXPECT_TRUE(queue.empty());
}

TEST(ReadyQueueTest, PeekSeesWhatComesAndNothingPastTheEnd) {
  ReadyQueue queue;
  for (uintptr_t i = 1; i <= 100; ++i) queue.Push(FakeTask(i * 64));  // So that there is something left behind the end.
  while (!queue.empty()) queue.Pop();
  for (uintptr_t i = 1; i <= 60; ++i) {
    queue.Push(FakeTask(i * 64));
    if (i % 2 == 0) queue.Pop();
  }
  for (size_t ahead = 0; ahead < 30; ++ahead) EXPECT_EQ(queue.Peek(ahead), Step(FakeTask((31 + ahead) * 64)));
  for (size_t ahead = 30; ahead < 100; ++ahead) EXPECT_FALSE(queue.Peek(ahead));
}

TEST(ReadyQueueTest, ARunnableKnowsWhetherItIsReady) {
  ReadyQueue queue;
  Hop hop;
  EXPECT_FALSE(hop.IsReady());
  queue.Push(&hop);
  EXPECT_TRUE(hop.IsReady());
  queue.Pop();
  ReadyQueue::Started(&hop);
  EXPECT_FALSE(hop.IsReady());
}

TEST(ReadyQueueTest, ACopyIsNotReady) {
  ReadyQueue queue;
  Hop hop;
  queue.Push(&hop);
  const Hop copy(hop);
  EXPECT_FALSE(copy.IsReady());
  EXPECT_TRUE(hop.IsReady());
}

TEST(ReadyQueueTest, WhatIsTakenBackLeavesAHole) {
  ReadyQueue queue;
  Hop a(1), b(2), c(3);
  for (Hop* hop : {&a, &b, &c}) queue.Push(hop);
  EXPECT_TRUE(queue.Remove(&b));
  EXPECT_FALSE(b.IsReady());
  EXPECT_EQ(queue.size(), 3u);
  EXPECT_EQ(Number(queue.Pop()), 1);
  EXPECT_FALSE(queue.Pop());
  EXPECT_EQ(Number(queue.Pop()), 3);
}

TEST(ReadyQueueTest, WhatIsTakenBackCanBePushedAgain) {
  ReadyQueue queue;
  Hop hop(7);
  queue.Push(&hop);
  queue.Remove(&hop);
  queue.Push(&hop);
  EXPECT_FALSE(queue.Pop());
  EXPECT_EQ(Number(queue.Pop()), 7);
}

TEST(ReadyQueueTest, WhatASchedulerTookOverIsNotInTheRingButReady) {
  ReadyQueue queue;
  Hop hop;
  queue.Push(&hop);
  std::vector<Step> taken;
  queue.TakeOver([&](Step step) { taken.push_back(step); });
  EXPECT_EQ(taken, std::vector<Step>{Step(&hop)});
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(hop.IsReady());
  EXPECT_FALSE(queue.Remove(&hop));
  EXPECT_FALSE(hop.IsReady());
}

TEST(ReadyQueueTest, KeepsTheOrderWhenItGrowsAroundItsEnd) {
  ReadyQueue queue;
  std::vector<Hop> hops;
  for (int i = 0; i < 300; ++i) hops.push_back(Hop(i));
  for (int i = 0; i < 50; ++i) queue.Push(&hops[i]);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(Number(queue.Pop()), i);  // The head is in the middle of the ring.
  for (int i = 0; i < 300; ++i) queue.Push(&hops[i]);
  EXPECT_TRUE(queue.Remove(&hops[100]));
  for (int i = 0; i < 300; ++i) {
    const Step step = queue.Pop();
    ASSERT_EQ(static_cast<bool>(step), i != 100);
    if (step) EXPECT_EQ(Number(step), i);
  }
}

TEST(ReadyQueueTest, DoesAsASlowQueueDoes) {
  RandomGenerator random(5);
  ReadyQueue queue;
  std::deque<int> model;  // -1 is a hole.
  std::vector<Hop> hops;
  for (int i = 0; i < 200; ++i) hops.push_back(Hop(i));
  for (int i = 0; i < 20'000; ++i) {
    Hop& hop = hops[random.Below(hops.size())];
    if (random.Below(3) == 0 && !model.empty()) {
      const Step step = queue.Pop();
      ASSERT_EQ(step ? Number(step) : -1, model.front());
      if (step) ReadyQueue::Started(step.runnable());
      model.pop_front();
    } else if (!hop.IsReady()) {
      queue.Push(&hop);
      model.push_back(hop.number);
    } else if (random.Below(4) == 0) {
      ASSERT_TRUE(queue.Remove(&hop));
      for (int& number : model) {
        if (number == hop.number) number = -1;
      }
    }
    ASSERT_EQ(queue.size(), model.size());
  }
}

}  // namespace
}  // namespace detent::internal
