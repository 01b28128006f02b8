// SPDX-License-Identifier: Apache-2.0
//
// The program's code that throws wherever the library calls it: an item's copy, move and comparison, a body, a
// clean-up, a predicate, a function in the executor. Each is made to throw at its first call, at its second, and so on
// until it is not called that often.
#include <algorithm>
#include <functional>
#include <memory>
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
#include "runtime/throwing_item_test.h"

namespace detent {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAreArray;

// Tasks put items into a queue of two places, others take them; who meets a throw tries again. Everything that was
// accepted comes out, once; and nobody waits for ever.
template <typename Q>
class Traffic {
 public:
  using T = typename Q::Item;

  static Coro<> Pass(bool copies) {
    Q queue(2);
    std::vector<int> taken;
    std::vector<Task<>> producers;
    std::vector<Task<>> consumers;
    for (int i = 0; i < 3; ++i) consumers.push_back(Spawn(Consume(queue, taken)));
    for (int i = 0; i < 4; ++i) producers.push_back(Spawn(Produce(queue, i, copies)));
    for (Task<>& producer : producers) co_await producer;
    co_await queue.Join();
    queue.Shutdown();
    for (Task<>& consumer : consumers) co_await consumer;
    EXPECT_THAT(taken, UnorderedElementsAreArray({0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23}));
    EXPECT_EQ(queue.Size(), 0u);
  }

 private:
  static Coro<> Produce(Q& queue, int who, bool copies) {
    for (int i = 0; i < 3; ++i) {
      T item(10 * i + who);
      for (bool accepted = false; !accepted;) {
        try {
          if constexpr (std::is_copy_constructible_v<T>) {
            if (copies) {
              co_await queue.Put(item);
            } else {
              co_await queue.Put(std::move(item));
            }
          } else {
            co_await queue.Put(std::move(item));
          }
          accepted = true;
        } catch (const std::runtime_error&) {
          // A refused item is still ours.
          EXPECT_NE(item.value, nullptr);
        }
        co_await Yield();
      }
    }
  }
  static Coro<> Consume(Q& queue, std::vector<int>& taken) {
    for (;;) {
      try {
        const T item = co_await queue.Get();
        taken.push_back(*item.value);
        queue.TaskDone();
      } catch (const QueueShutDown&) {
        co_return;
      } catch (const std::runtime_error&) {
      }
    }
  }
};

template <typename Q>
Coro<> TrafficAtEachCall() {
  co_await AtEachCall([]() -> Coro<> { return Traffic<Q>::Pass(/*copies=*/false); });
  co_await AtEachCall([]() -> Coro<> { return Traffic<Q>::Pass(/*copies=*/true); });
}

LOOP_TEST(ThrowingItemTest, OfAQueue) { co_await TrafficAtEachCall<Queue<Item>>(); }
LOOP_TEST(ThrowingItemTest, OfALifoQueue) { co_await TrafficAtEachCall<LifoQueue<Item>>(); }
LOOP_TEST(ThrowingItemTest, OfAPriorityQueue) { co_await TrafficAtEachCall<PriorityQueue<Item>>(); }
LOOP_TEST(ThrowingItemTest, ThatCannotBeCopiedOfAQueue) { co_await TrafficAtEachCall<Queue<MoveOnlyItem>>(); }
LOOP_TEST(ThrowingItemTest, ThatCannotBeCopiedOfALifoQueue) { co_await TrafficAtEachCall<LifoQueue<MoveOnlyItem>>(); }
LOOP_TEST(ThrowingItemTest, ThatCannotBeCopiedOfAPriorityQueue) {
  co_await TrafficAtEachCall<PriorityQueue<MoveOnlyItem>>();
}

// An unbounded queue that grows over several sizes, and is drained.
template <typename Q>
Coro<> GrowAndDrain() {
  Q queue;
  size_t accepted = 0;
  for (int i = 0; i < 20; ++i) {
    typename Q::Item item((7 * i) % 20);
    try {
      queue.PutNowait(std::move(item));
      ++accepted;
    } catch (const std::runtime_error&) {
    }
    EXPECT_EQ(queue.Size(), accepted);
  }
  while (!queue.Empty()) {
    try {
      const typename Q::Item item = queue.GetNowait();
      --accepted;
    } catch (const std::runtime_error&) {
    }
    EXPECT_EQ(queue.Size(), accepted);
  }
  co_return;
}

LOOP_TEST(ThrowingItemTest, OfAQueueThatGrows) {
  co_await AtEachCall([] { return GrowAndDrain<Queue<Item>>(); });
  co_await AtEachCall([] { return GrowAndDrain<Queue<MoveOnlyItem>>(); });
  co_await AtEachCall([] { return GrowAndDrain<LifoQueue<Item>>(); });
  co_await AtEachCall([] { return GrowAndDrain<LifoQueue<MoveOnlyItem>>(); });
  co_await AtEachCall([] { return GrowAndDrain<PriorityQueue<Item>>(); });
  co_await AtEachCall([] { return GrowAndDrain<PriorityQueue<MoveOnlyItem>>(); });
}

TEST(ThrowingItemTest, ThatAPriorityQueueRefusedIsNotInIt) {
  sim::SimLoop loop;
  loop.Run([]() -> Coro<> {
    PriorityQueue<Item> queue;
    queue.PutNowait(Item(1));
    Fuse::Set(Call::kCompare, 0);
    EXPECT_THROW(queue.PutNowait(Item(0)), std::runtime_error);
    Fuse::Disarm();
    EXPECT_EQ(queue.Size(), 1u);
    EXPECT_EQ(*queue.GetNowait().value, 1);
    EXPECT_THROW(queue.GetNowait(), QueueEmpty);
    co_return;
  });
}

Coro<Item> MakeItem() { co_return Item(1); }
std::vector<Coro<Item>> TwoItems() {
  std::vector<Coro<Item>> coros;
  for (int i = 0; i < 2; ++i) coros.push_back(MakeItem());
  return coros;
}

// A result on its way, through whatever hands it on: its error or it comes out.
using Ways = std::vector<std::function<Coro<>()>>;

Ways ThroughCombinators() {
  Ways ways;
  ways.push_back([]() -> Coro<> { (void)co_await Spawn(MakeItem()); });
  ways.push_back([]() -> Coro<> {
    Task<Item> task = Spawn(MakeItem());
    const Item& item = co_await task;
    EXPECT_EQ(*item.value, 1);
  });
  ways.push_back([]() -> Coro<> { (void)co_await Gather(MakeItem(), MakeItem()); });
  ways.push_back([]() -> Coro<> { (void)co_await GatherSettled(MakeItem(), MakeItem()); });
  ways.push_back([]() -> Coro<> { (void)co_await Race(MakeItem(), MakeItem()); });
  ways.push_back([]() -> Coro<> { (void)co_await WaitFor(MakeItem(), absl::Seconds(1)); });
  ways.push_back([]() -> Coro<> { (void)co_await Gather(TwoItems()); });
  ways.push_back([]() -> Coro<> { (void)co_await GatherSettled(TwoItems()); });
  ways.push_back([]() -> Coro<> { (void)co_await Race(TwoItems()); });
  ways.push_back([]() -> Coro<> {
    std::variant<Item, std::monostate> winner = co_await Race(MakeItem(), Sleep(absl::Hours(1)));
    EXPECT_NE(std::get<Item>(winner).value, nullptr);
  });
  ways.push_back([]() -> Coro<> {
    auto result = co_await Wait(TwoItems(), ReturnWhen::kAllCompleted);
    for (Task<Item>& task : result.done) (void)std::move(task).Result();
  });
  ways.push_back([]() -> Coro<> {
    auto completed = AsCompleted(TwoItems());
    while (std::optional<Task<Item>> next = co_await completed.Next()) {
      try {
        (void)std::move(*next).Result();
      } catch (const std::runtime_error&) {  // All are taken: one that ran on would meet the fuse of the next way.
      }
    }
  });
  ways.push_back([]() -> Coro<> { (void)co_await CancelAndWait(Spawn(MakeItem())); });
  ways.push_back([]() -> Coro<> { (void)co_await Shield(MakeItem()); });
  return ways;
}

Ways ThroughOthers() {
  Ways ways;
  ways.push_back([]() -> Coro<> {
    (void)co_await WithTimeout(absl::Seconds(1), [](Timeout&) -> Coro<Item> { co_return co_await MakeItem(); });
  });
  ways.push_back([]() -> Coro<> {
    (void)co_await TaskGroup::Run([](TaskGroup& group) -> Coro<Item> {
      group.Spawn(MakeItem());
      co_return co_await MakeItem();
    });
  });
  ways.push_back([]() -> Coro<> {
    (void)co_await Finally([]() -> Coro<Item> { return MakeItem(); }, []() -> Coro<> { co_return; });
  });
  ways.push_back([]() -> Coro<> {
    Outcome<Item> outcome = co_await Settle(MakeItem());
    (void)std::move(outcome).value();
  });
  ways.push_back([]() -> Coro<> {
    const auto job = [item = std::make_shared<Item>(1)] { return Item(*item); };  // Named: g++ 12.
    (void)co_await EventLoop::Current().RunInExecutor(job);
  });
  ways.push_back([]() -> Coro<> {
    Future<Item> future = MakeFuture<Item>();
    Task<> waiter = Spawn([](Future<Item> awaited) -> Coro<> { (void)co_await awaited; }, future);
    try {
      future.SetResult(Item(1));
    } catch (const std::runtime_error&) {
      EXPECT_FALSE(future.Done());
      Fuse::Disarm();
      future.SetResult(Item(1));
    }
    co_await waiter;
  });
  ways.push_back([]() -> Coro<> {
    auto generate = []() -> AsyncGenerator<Item> {
      co_yield Item(1);
      co_yield Item(2);
    };
    AsyncGenerator<Item> items = generate();
    while (std::optional<Item> item = co_await items.Next()) {
    }
  });
  return ways;
}

Coro<> AtEachCallOf(Ways ways) {
  for (size_t way = 0; way < ways.size(); ++way) {
    SCOPED_TRACE(absl::StrCat("way ", way));
    co_await AtEachCall([&ways, way]() -> Coro<> {
      try {
        co_await ways[way]();
      } catch (const std::runtime_error& error) {
        EXPECT_THAT(error.what(), ::testing::HasSubstr("user code"));
      }
    });
  }
}

LOOP_TEST(ThrowingItemTest, AsAResult) {
  co_await AtEachCallOf(ThroughCombinators());
  co_await AtEachCallOf(ThroughOthers());
}

// Bodies that are plain functions, and throw before they give a coroutine.

LOOP_TEST(ThrowingBodyTest, OfATaskGroupLeavesNoChildBehind) {
  Task<> child;
  std::string errors;
  try {
    co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
      child = group.Spawn(detent_testing::Forever());
      throw std::runtime_error("no coroutine");
    });
  } catch (const ExceptionGroup& group) {
    errors = detent_testing::DescribeEnd(std::make_exception_ptr(group));
  }
  EXPECT_EQ(errors, "[no coroutine]");
  EXPECT_TRUE(child.Done());
  EXPECT_TRUE(child.Cancelled());
}

LOOP_TEST(ThrowingBodyTest, OfFinallyIsCleanedUpAfter) {
  for (const bool cancels : {false, true}) {
    bool cleaned_up = false;
    const Outcome<int> outcome = co_await Catch(Finally(
        [&]() -> Coro<int> {
          if (cancels) throw CancelledError();
          throw std::runtime_error("no coroutine");
        },
        [&]() -> Coro<> {
          co_await Yield();
          cleaned_up = true;
        }));
    EXPECT_EQ(detent_testing::DescribeEnd(outcome.exception()), cancels ? "cancelled" : "no coroutine");
    EXPECT_TRUE(cleaned_up);
  }
}

LOOP_TEST(ThrowingBodyTest, OfATimeOutSwitchesTheTimerOff) {
  auto body = [](Timeout&) -> Coro<> { throw std::runtime_error("no coroutine"); };
  EXPECT_EQ(co_await detent_testing::EndOf(WithTimeout(absl::Milliseconds(1), body)), "no coroutine");
  co_await Sleep(absl::Milliseconds(2));
}

LOOP_TEST(ThrowingBodyTest, OfATaskIsTheTasksError) {
  auto body = []() -> Coro<> { throw std::runtime_error("no coroutine"); };
  EXPECT_EQ(co_await detent_testing::EndOf(Spawn(body)), "no coroutine");
  EXPECT_EQ(co_await detent_testing::EndOf(Invoke(body)), "no coroutine");
  EXPECT_EQ(co_await detent_testing::EndOf(
                EventLoop::Current().RunInExecutor([]() -> int { throw std::runtime_error("no result"); })),
            "no result");
}

// A predicate that throws leaves with the lock, which goes to the others.
LOOP_TEST(ThrowingPredicateTest, OfAConditionKeepsNobodyWaiting) {
  for (int at = 0; at < 3; ++at) {
    Condition condition;
    bool ready = false;
    int calls = 0;
    int ended = 0;
    auto wait = [&](bool throws) -> Coro<> {
      auto held = co_await condition.Hold();
      co_await condition.WaitFor([&, throws] {
        if (throws && calls++ == at) throw std::runtime_error("predicate");
        return ready;
      });
      ++ended;
    };
    Task<> thrower = Spawn(wait, true);
    Task<> other = Spawn(wait, false);
    for (int i = 0; i < 3; ++i) {
      co_await Yield();
      auto held = co_await condition.Hold();
      ready = i == 2;
      condition.NotifyAll();
    }
    co_await other;
    (void)co_await Settle(thrower);
    EXPECT_FALSE(condition.Locked());
    EXPECT_GE(ended, 1);
  }
}

// What a callback throws is reported; the next one runs.
TEST(ThrowingCallbackTest, IsReportedAndTheNextRuns) {
  std::vector<std::string> reports;
  sim::SimLoop loop({.strategy = sim::Fifo()});
  loop.SetExceptionHandler(
      [&](const ExceptionContext& report) { reports.push_back(detent_testing::DescribeEnd(report.exception)); });
  bool ran = false;
  loop.Run([&]() -> Coro<> {
    EventLoop& here = EventLoop::Current();
    here.CallSoon([] { throw std::runtime_error("soon"); });
    here.CallLater(absl::ZeroDuration(), [] { throw std::runtime_error("later"); });
    Future<int> future = MakeFuture<int>();
    future.AddDoneCallback([](const Future<int>&) { throw std::runtime_error("done"); });
    future.AddDoneCallback([&](const Future<int>&) { ran = true; });
    future.SetResult(1);
    co_await Sleep(absl::Milliseconds(1));
  });
  EXPECT_TRUE(ran);
  EXPECT_THAT(reports, ElementsAre("soon", "done", "later"));
}

}  // namespace
}  // namespace detent
