// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/timer_heap.h"

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "detent/runtime/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent::internal {
namespace {

using ::testing::ElementsAre;

class TestTimer final : public Timer {
 public:
  explicit TestTimer(int number = 0) : number(number) {}
  void Run() override {}
  Lane lane() const override { return Lane(); }

  int number;
};

LoopTime At(int64_t nanoseconds) { return LoopTime::FromNanoseconds(nanoseconds); }

// The numbers of all timers, in the order in which they leave.
std::vector<int> Drain(TimerHeap& heap) {
  std::vector<int> numbers;
  while (!heap.empty()) numbers.push_back(static_cast<TestTimer*>(heap.PopEarliest())->number);
  return numbers;
}

// The heap and what it should be: a multimap keeps equal keys in the order in which they were inserted.
class Model {
 public:
  explicit Model(uint32_t first_sequence = 0) : heap_(first_sequence) {}

  void Add(int64_t deadline) {
    timers_.push_back(std::make_unique<TestTimer>());
    heap_.Add(timers_.back().get(), At(deadline));
    expected_.emplace(deadline, timers_.back().get());
  }
  void RemoveNth(size_t n) {
    auto it = std::next(expected_.begin(), static_cast<ptrdiff_t>(n));
    heap_.Remove(it->second);
    EXPECT_FALSE(it->second->IsArmed());
    expected_.erase(it);
  }
  void Pop() {
    ASSERT_EQ(heap_.earliest(), At(expected_.begin()->first));
    Timer* timer = heap_.PopEarliest();
    ASSERT_EQ(timer, expected_.begin()->second);
    EXPECT_FALSE(timer->IsArmed());
    expected_.erase(expected_.begin());
  }
  void CheckSize() const {
    ASSERT_EQ(heap_.size(), expected_.size());
    ASSERT_EQ(heap_.empty(), expected_.empty());
    size_t pending = 0;
    heap_.VisitPending([&](const Timer* timer, LoopTime deadline, bool is_here) {
      EXPECT_TRUE(is_here && timer->IsArmed() && timer->deadline() == deadline);
      ++pending;
    });
    ASSERT_EQ(heap_.armed(), heap_.fired() + heap_.cancelled() + pending);
  }
  size_t size() const { return expected_.size(); }

 private:
  TimerHeap heap_;
  std::multimap<int64_t, TestTimer*> expected_;
  std::vector<std::unique_ptr<TestTimer>> timers_;
};

TEST(TimerHeapTest, EqualDeadlinesKeepTheirOrder) {
  TimerHeap heap;
  std::vector<TestTimer> timers;
  for (int i = 0; i < 100; ++i) timers.emplace_back(i);
  for (int i = 0; i < 100; ++i) heap.Add(&timers[i], At(i % 2));
  const std::vector<int> order = Drain(heap);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(order[i], 2 * i);
    EXPECT_EQ(order[50 + i], 2 * i + 1);
  }
}

TEST(TimerHeapTest, DeadlinesMayBeNegativeAndAtTheEndsOfTime) {
  TimerHeap heap;
  TestTimer a(1), b(2), c(3), d(4);
  heap.Add(&d, LoopTime::Never());
  heap.Add(&c, At(0));
  heap.Add(&b, At(-1));
  heap.Add(&a, At(std::numeric_limits<int64_t>::min()));
  EXPECT_THAT(Drain(heap), ElementsAre(1, 2, 3, 4));
}

TEST(TimerHeapTest, ATimerMayBeArmedAgain) {
  TimerHeap heap;
  TestTimer timer(1), other(2);
  EXPECT_FALSE(timer.IsArmed());
  heap.Add(&timer, At(1));
  EXPECT_TRUE(timer.IsArmed());
  EXPECT_EQ(timer.deadline(), At(1));
  heap.Add(&other, At(2));
  heap.Remove(&timer);
  heap.Add(&timer, At(3));
  EXPECT_EQ(heap.earliest(), At(2));
  EXPECT_THAT(Drain(heap), ElementsAre(2, 1));
}

// loop-06
TEST(TimerHeapTest, TheRootIsNeverACancelledTimer) {
  TimerHeap heap;
  TestTimer a(1), b(2), c(3);
  heap.Add(&a, At(1));
  heap.Add(&b, At(2));
  heap.Add(&c, At(3));
  heap.Remove(&b);
  heap.Remove(&a);
  EXPECT_EQ(heap.earliest(), At(3));
  EXPECT_EQ(heap.size(), 1u);
  heap.Remove(&c);
  EXPECT_TRUE(heap.empty());
}

TEST(TimerHeapTest, AgreesWithAMultimap) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    RandomGenerator random(seed);
    Model model;
    const uint64_t spread = seed % 2 == 0 ? 10 : 1000000;  // Many equal deadlines, or few.
    for (int i = 0; i < 3000; ++i) {
      const uint64_t what = random.Below(10);
      if (what < 5 || model.size() == 0) {
        model.Add(static_cast<int64_t>(random.Below(spread)));
      } else if (what < 8) {
        model.RemoveNth(random.Below(model.size()));
      } else {
        model.Pop();
      }
      model.CheckSize();
    }
    while (model.size() > 0) model.Pop();
  }
}

// Most timers of a server are cancelled: the heap is rebuilt again and again.
TEST(TimerHeapTest, AgreesWithAMultimapWhenNearlyAllAreCancelled) {
  RandomGenerator random(1);
  Model model;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 300; ++i) model.Add(static_cast<int64_t>(random.Below(50)));
    while (model.size() > 10) model.RemoveNth(random.Below(model.size()));
    model.CheckSize();
    model.Pop();
  }
  while (model.size() > 0) model.Pop();
}

// Of a heap too large for the cache, timers are told that they come next; never one that was cancelled.
TEST(TimerHeapTest, ALargeHeapTellsTimersThatTheyComeNext) {
  class Told final : public Timer {
   public:
    void Run() override {}
    Lane lane() const override { return Lane(); }
    void PrefetchForNext() const override { is_next = IsArmed(); }
    void PrefetchForRun() const override { runs = is_next; }

    mutable bool is_next = false;
    mutable bool runs = false;
  };
  constexpr size_t kTimers = 50'000;
  const auto timers = std::make_unique<Told[]>(kTimers);
  TimerHeap heap;
  RandomGenerator random(4);
  for (size_t i = 0; i < kTimers; ++i) heap.Add(&timers[i], At(static_cast<int64_t>(random.Below(1'000'000))));
  for (size_t i = 0; i < kTimers; i += 5) heap.Remove(&timers[i]);
  heap.PopEarliest();
  size_t told = 0;
  while (!heap.empty()) told += static_cast<Told*>(heap.PopEarliest())->runs ? 1 : 0;
  EXPECT_GT(told, 1'000u);
  for (size_t i = 0; i < kTimers; i += 5) EXPECT_FALSE(timers[i].runs);
}

TEST(TimerHeapTest, OrderSurvivesTheEndOfTheSequence) {
  for (const bool with_cancelled : {false, true}) {
    Model model(std::numeric_limits<uint32_t>::max() - 50);
    RandomGenerator random(3);
    for (int i = 0; i < 200; ++i) {
      model.Add(static_cast<int64_t>(random.Below(5)));
      if (with_cancelled && i % 3 == 0) model.RemoveNth(random.Below(model.size()));
    }
    while (model.size() > 0) model.Pop();
  }
}

TEST(TimerHeapTest, TheSequenceMayEndWithAnEmptyHeap) {
  TimerHeap heap(std::numeric_limits<uint32_t>::max());
  TestTimer a(1), b(2);
  heap.Add(&a, At(1));
  heap.Add(&b, At(1));
  EXPECT_THAT(Drain(heap), ElementsAre(1, 2));
}

}  // namespace
}  // namespace detent::internal
