// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/timer_heap.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "detent/runtime/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent::internal {
namespace {

using ::testing::ElementsAre;

class Alarm final : public Timer {
 public:
  explicit Alarm(int n = 0) : number(n) {}
  void Run() override {}
  uint64_t Lane() const override { return 0; }
  int number;
  uint64_t armed_as = 0;  // For the model: when it was armed.
};

LoopTime At(int64_t nanoseconds) { return LoopTime::FromNanoseconds(nanoseconds); }

std::vector<int> PopAll(TimerHeap& heap) {
  std::vector<int> numbers;
  while (!heap.empty()) numbers.push_back(static_cast<Alarm*>(heap.PopEarliest())->number);
  return numbers;
}

TEST(TimerHeapTest, GivesTheEarliestFirst) {
  TimerHeap heap;
  Alarm a(1), b(2), c(3);
  heap.Add(&a, At(30));
  heap.Add(&b, At(-10));
  heap.Add(&c, At(20));
  EXPECT_EQ(heap.earliest(), At(-10));
  EXPECT_EQ(a.deadline(), At(30));
  EXPECT_THAT(PopAll(heap), ElementsAre(2, 3, 1));
}

TEST(TimerHeapTest, EqualDeadlinesComeInTheOrderInWhichTheyWereArmed) {
  TimerHeap heap;
  std::vector<std::unique_ptr<Alarm>> alarms;
  std::vector<int> expected;
  for (int i = 0; i < 100; ++i) {
    alarms.push_back(std::make_unique<Alarm>(i));
    heap.Add(alarms.back().get(), At(5));
    expected.push_back(i);
  }
  EXPECT_EQ(PopAll(heap), expected);
}

TEST(TimerHeapTest, ARemovedTimerDoesNotCome) {
  TimerHeap heap;
  Alarm a(1), b(2), c(3);
  for (Alarm* alarm : {&a, &b, &c}) heap.Add(alarm, At(alarm->number));
  heap.Remove(&b);
  EXPECT_FALSE(b.IsArmed());
  EXPECT_EQ(heap.size(), 2u);
  heap.Remove(&a);
  EXPECT_EQ(heap.earliest(), At(3));
  EXPECT_THAT(PopAll(heap), ElementsAre(3));
}

TEST(TimerHeapTest, IsEmptyWhenOnlyRemovedTimersAreLeft) {
  TimerHeap heap;
  Alarm a, b;
  heap.Add(&a, At(1));
  heap.Add(&b, At(2));
  heap.Remove(&b);
  heap.Remove(&a);
  EXPECT_TRUE(heap.empty());
}

TEST(TimerHeapTest, ATimerCanBeArmedAgain) {
  TimerHeap heap;
  Alarm a(1), b(2);
  heap.Add(&a, At(1));
  heap.Add(&b, At(2));
  heap.Remove(&a);
  heap.Add(&a, At(3));
  EXPECT_TRUE(a.IsArmed());
  EXPECT_THAT(PopAll(heap), ElementsAre(2, 1));
  EXPECT_FALSE(a.IsArmed());
}

// What a slow list gives: by deadline, then by when it was armed.
class Model {
 public:
  void Add(Alarm* alarm) {
    alarm->armed_as = next_++;
    alarms_.push_back(alarm);
  }
  void Remove(Alarm* alarm) { std::erase(alarms_, alarm); }
  Alarm* Earliest() const {
    return *std::min_element(alarms_.begin(), alarms_.end(), [](const Alarm* a, const Alarm* b) {
      return a->deadline() != b->deadline() ? a->deadline() < b->deadline() : a->armed_as < b->armed_as;
    });
  }
  size_t size() const { return alarms_.size(); }

 private:
  std::vector<Alarm*> alarms_;
  uint64_t next_ = 0;
};

void CompareWithModel(TimerHeap& heap, uint64_t seed, int operations) {
  RandomGenerator random(seed);
  Model model;
  std::vector<Alarm> alarms(400);
  for (int i = 0; i < operations; ++i) {
    Alarm& alarm = alarms[random.Below(alarms.size())];
    const uint64_t what = random.Below(10);
    if (what == 0 && model.size() > 0) {
      Alarm* expected = model.Earliest();
      ASSERT_EQ(heap.earliest(), expected->deadline());
      ASSERT_EQ(heap.PopEarliest(), expected);
      model.Remove(expected);
    } else if (alarm.IsArmed()) {
      heap.Remove(&alarm);
      model.Remove(&alarm);
    } else {
      heap.Add(&alarm, At(static_cast<int64_t>(random.Below(20))));  // Few deadlines: many ties.
      model.Add(&alarm);
    }
    ASSERT_EQ(heap.size(), model.size());
  }
  while (!heap.empty()) {
    Alarm* expected = model.Earliest();
    ASSERT_EQ(heap.PopEarliest(), expected);
    model.Remove(expected);
  }
  ASSERT_EQ(model.size(), 0u);
}

TEST(TimerHeapTest, DoesAsASlowListDoes) {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    TimerHeap heap;
    CompareWithModel(heap, seed, 4000);
  }
}

// The 32-bit sequence that orders ties runs out in the middle.
TEST(TimerHeapTest, KeepsTheOrderOfTiesWhenTheSequenceRunsOut) {
  for (uint32_t left = 0; left < 300; left += 23) {
    TimerHeap heap(std::numeric_limits<uint32_t>::max() - left);
    CompareWithModel(heap, left, 3000);
  }
}

TEST(TimerHeapTest, RemovingManyKeepsTheRest) {
  TimerHeap heap;
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (int i = 0; i < 1000; ++i) {
    alarms.push_back(std::make_unique<Alarm>(i));
    heap.Add(alarms.back().get(), At(1000 - i));
  }
  for (int i = 0; i < 1000; ++i) {
    if (i % 100 != 0) heap.Remove(alarms[i].get());
  }
  EXPECT_EQ(heap.size(), 10u);
  EXPECT_THAT(PopAll(heap), ElementsAre(900, 800, 700, 600, 500, 400, 300, 200, 100, 0));
}

TEST(TimerTest, ACopyIsNotArmed) {
  TimerHeap heap;
  Alarm alarm(1);
  heap.Add(&alarm, At(1));
  const Alarm copy(alarm);
  EXPECT_FALSE(copy.IsArmed());
  heap.Remove(&alarm);
}

}  // namespace
}  // namespace detent::internal
