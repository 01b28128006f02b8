// SPDX-License-Identifier: Apache-2.0
//
// Rule R6 by brute force: small programs in which each task is cancelled at each point, once or twice, alone or
// with its neighbour, by a throw and by destruction, under several schedules. Nothing may be lost, stuck or leaked.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::IsEmpty;

// A local of a coroutine: counts those that are alive.
class Local {
 public:
  explicit Local(int& count) : count_(count) { ++count_; }
  Local(const Local&) = delete;
  ~Local() { --count_; }

 private:
  int& count_;
};

// A program, made anew for each run. Its tasks are the victims.
class World {
 public:
  virtual ~World() = default;
  virtual void Start() = 0;
  // How the test waits before it cancels.
  virtual Coro<> Step() { co_await Yield(); }
  // After the cancellation has had its effects: what must not be, and an end to those that wait for more.
  virtual Coro<> Finish() { co_return; }
  // When all tasks have ended.
  virtual void Check() {}

  template <typename F>
  Task<> Add(F body) {
    Task<> task = Spawn(std::move(body), {.unwind = unwind});
    tasks.push_back(task);
    return task;
  }

  Unwind unwind = Unwind::kThrow;
  std::vector<AnyTask> tasks;
  int locals = 0;
};

enum Pattern { kOnce, kTwice, kAgainLater, kWithNeighbour, kPatterns };

// False if the victim had ended before it could be cancelled.
Coro<bool> CancelOne(World& world, size_t victim, int steps, int pattern) {
  world.Start();
  for (int i = 0; i < steps; ++i) co_await world.Step();
  const bool alive = world.tasks[victim].Cancel();
  if (pattern == kAgainLater) co_await Yield();
  if (pattern == kTwice || pattern == kAgainLater) world.tasks[victim].Cancel();
  if (pattern == kWithNeighbour) world.tasks[(victim + 1) % world.tasks.size()].Cancel();
  co_await Sleep(absl::Seconds(1));
  co_await world.Finish();
  auto ended = co_await Wait(world.tasks, ReturnWhen::kAllCompleted, absl::Hours(1));
  for (const AnyTask& task : ended.pending) {
    const internal::WaitNode* wait = task.task_state().wait();
    ADD_FAILURE() << task.Name() << " is stuck in " << (wait == nullptr ? "nothing" : wait->Sentence());
  }
  for (const AnyTask& task : ended.done) {
    if (task.Cancelled()) continue;
    EXPECT_EQ(internal::DescribeException(task.Exception()), "no exception") << task.Name();
  }
  EXPECT_EQ(world.locals, 0);
  world.Check();
  co_return alive;
}

template <typename W>
bool RunWorld(Unwind unwind, uint64_t seed, size_t victim, int steps, int pattern, size_t* victims) {
  std::vector<std::string> reports;
  bool alive;
  {
    sim::StrategyOption strategy = sim::RandomWalk();
    if (seed == 0) strategy = sim::Fifo();
    sim::SimLoop loop({.seed = seed, .strategy = strategy});
    loop.SetExceptionHandler([&](const ExceptionContext& context) { reports.push_back(context.ToString()); });
    W world;
    world.unwind = unwind;
    alive = loop.Run(CancelOne(world, victim, steps, pattern));
    *victims = world.tasks.size();
    world.tasks.clear();
  }
  EXPECT_THAT(reports, IsEmpty());
  return alive;
}

template <typename W>
void CancelEverywhere() {
  size_t victims = 1;
  for (const Unwind unwind : {Unwind::kThrow, Unwind::kDestroy}) {
    for (uint64_t seed = 0; seed < 4; ++seed) {
      for (int pattern = 0; pattern < kPatterns; ++pattern) {
        for (size_t victim = 0; victim < victims; ++victim) {
          // Until the victim ends on its own, or waits for good.
          bool alive = true;
          for (int steps = 0; alive && steps < 40; ++steps) {
            alive = RunWorld<W>(unwind, seed, victim, steps, pattern, &victims);
            ASSERT_FALSE(::testing::Test::HasFailure())
                << (unwind == Unwind::kThrow ? "throw" : "destroy") << ", seed " << seed << ", pattern " << pattern
                << ", victim " << victim << ", after " << steps << " steps";
          }
        }
      }
    }
  }
}

class LockWorld final : public World {
  void Start() override {
    for (int i = 0; i < 4; ++i) {
      Add([this]() -> Coro<> {
        for (int round = 0; round < 3; ++round) {
          auto held = co_await lock_.Hold();
          const Local local(locals);
          EXPECT_EQ(locals, 1);
          co_await Yield();
        }
      });
    }
  }
  void Check() override { EXPECT_FALSE(lock_.Locked()); }
  Lock lock_;
};
TEST(CancellationTest, ALockIsNeverLostNorHeldTwice) { CancelEverywhere<LockWorld>(); }

class SemaphoreWorld final : public World {
  void Start() override {
    for (int i = 0; i < 5; ++i) {
      Add([this]() -> Coro<> {
        for (int round = 0; round < 2; ++round) {
          auto permit = co_await semaphore_.Hold();
          const Local local(locals);
          EXPECT_LE(locals, 2);
          co_await Yield();
        }
      });
    }
  }
  void Check() override {
    EXPECT_EQ(semaphore_.Value(), 2);
    EXPECT_FALSE(semaphore_.Locked());
  }
  BoundedSemaphore semaphore_{2};
};
TEST(CancellationTest, NoPermitIsLost) { CancelEverywhere<SemaphoreWorld>(); }

// Fewer items than consumers: each of them counts.
class ConditionWorld final : public World {
  void Start() override {
    for (int i = 0; i < 4; ++i) {
      Add([this]() -> Coro<> {
        auto held = co_await changed_.Hold();
        const Local local(locals);
        const Local waits(waiting_);
        co_await changed_.WaitFor([this] { return items_ > 0 || over_; });
        EXPECT_TRUE(changed_.Locked());
        if (items_ > 0) --items_;
      });
    }
    Add([this]() -> Coro<> {
      for (int round = 0; round < 3; ++round) {
        co_await Yield();
        auto held = co_await changed_.Hold();
        ++items_;
        changed_.Notify();
        co_await Yield();
      }
    });
  }
  Coro<> Finish() override {
    EXPECT_TRUE(items_ == 0 || waiting_ == 0) << "a lost wake-up: " << items_ << " items, " << waiting_ << " wait";
    auto held = co_await changed_.Hold();
    over_ = true;
    changed_.NotifyAll();
  }
  void Check() override { EXPECT_FALSE(changed_.Locked()); }
  Condition changed_;
  int items_ = 0;
  int waiting_ = 0;
  bool over_ = false;
};
TEST(CancellationTest, NoNotificationIsLost) { CancelEverywhere<ConditionWorld>(); }

class QueueWorld final : public World {
  void Start() override {
    for (int i = 0; i < 2; ++i) {
      Add([this]() -> Coro<> {
        for (int item = 0; item < 4; ++item) {
          const Local puts(putting_);
          auto owned = std::make_unique<int>(item);
          co_await queue_.Put(std::move(owned));
          ++put_;
        }
      });
    }
    for (int i = 0; i < 3; ++i) {
      Add([this]() -> Coro<> {
        const Local local(locals);
        while (true) {
          const Local gets(getting_);
          const Outcome<std::unique_ptr<int>> item = co_await Settle(queue_.Get());
          if (!item.ok()) break;  // The queue was shut down.
          ++got_;
          queue_.TaskDone();
        }
      });
    }
  }
  Coro<> Finish() override {
    EXPECT_TRUE(queue_.Empty() || getting_ == 0) << "an item and a getter do not find each other";
    EXPECT_TRUE(queue_.Full() || putting_ == 0) << "a place and a putter do not find each other";
    while (!queue_.Empty()) {  // All consumers may be gone.
      (void)queue_.GetNowait();
      queue_.TaskDone();
      ++got_;
      co_await Yield();
      co_await Yield();
    }
    queue_.Shutdown();
    co_await queue_.Join();
  }
  void Check() override { EXPECT_EQ(put_, got_); }
  Queue<std::unique_ptr<int>> queue_{2};
  int put_ = 0, got_ = 0, putting_ = 0, getting_ = 0;
};
TEST(CancellationTest, NoItemIsLostAndNobodyWaitsForOneThatIsThere) { CancelEverywhere<QueueWorld>(); }

class BarrierWorld final : public World {
  void Start() override {
    for (int i = 0; i < 4; ++i) {
      Add([this]() -> Coro<> {
        const Local local(locals);
        for (int round = 0; round < 2; ++round) {
          if (!(co_await Settle(barrier_.Wait())).ok()) break;  // It was aborted.
        }
      });
    }
  }
  Coro<> Finish() override {
    EXPECT_LT(barrier_.Waiting(), 2);
    co_await barrier_.Abort();
    co_await Sleep(absl::Seconds(1));
    EXPECT_EQ(locals, 0);
    co_await barrier_.Reset();
    (void)co_await Gather(barrier_.Wait(), barrier_.Wait());
  }
  Barrier barrier_{2};
};
TEST(CancellationTest, ABarrierStaysUsable) { CancelEverywhere<BarrierWorld>(); }

class GroupWorld final : public World {
  static Coro<> Child(int& alive, int trips) {
    const Local local(alive);
    for (int i = 0; i < trips; ++i) co_await Yield();
  }
  static Coro<> SlowToEnd(int& alive) {
    const Local local(alive);
    Outcome<> outcome = co_await Catch(Child(alive, 5));
    co_await Yield();
    co_await Yield();
    if (!outcome.ok()) co_await Propagate(std::move(outcome));
  }
  void Start() override {
    for (int i = 0; i < 2; ++i) {
      Add([this]() -> Coro<> {
        int alive = 0;
        const auto body = [&](TaskGroup& group) -> Coro<> {
          const Local local(alive);
          group.Spawn(Child(alive, 3));
          group.Spawn(SlowToEnd(alive), {.unwind = unwind});
          co_await TaskGroup::Run([&](TaskGroup& inner) -> Coro<> {
            group.Spawn(Child(alive, 2));
            Task<> slow = inner.Spawn(SlowToEnd(alive));
            co_await slow;
          });
        };
        const Outcome<> outcome = co_await Catch(TaskGroup::Run(body));
        EXPECT_EQ(alive, 0);
        EXPECT_TRUE(outcome.ok() || outcome.cancelled());
      });
    }
  }
};
TEST(CancellationTest, AGroupEndsAfterItsChildren) { CancelEverywhere<GroupWorld>(); }

class TimeoutWorld final : public World {
  Coro<> Step() override { co_await Sleep(absl::Microseconds(500)); }
  void Start() override {
    for (int i = 0; i < 2; ++i) {
      Add([this]() -> Coro<> {
        bool timed_out = false;
        const Outcome<> outcome = co_await Catch(WithTimeout(absl::Milliseconds(5), [&](Timeout&) -> Coro<> {
          const Local local(locals);
          const Outcome<> inner = co_await Settle(WithTimeout(absl::Milliseconds(2), [&](Timeout&) -> Coro<> {
            const Local local2(locals);
            co_await Finally([]() -> Coro<> { co_await Sleep(absl::Hours(1)); },
                             []() -> Coro<> { co_await Sleep(absl::Milliseconds(1)); });
          }));
          timed_out = !inner.ok();
          co_await WaitFor(Sleep(absl::Hours(1)), absl::Milliseconds(1));
        }));
        EXPECT_FALSE(outcome.ok());
        EXPECT_EQ(CurrentTask().Cancelling() > 0, outcome.cancelled());
        EXPECT_TRUE(timed_out || outcome.cancelled());
      });
    }
  }
};
TEST(CancellationTest, ATimeoutTellsItsOwnCancellationFromOthers) { CancelEverywhere<TimeoutWorld>(); }

class CombinatorWorld final : public World {
  Coro<int> Work(int trips) {
    const Local local(locals);
    for (int i = 0; i < trips; ++i) co_await Yield();
    co_return trips;
  }
  void Start() override {
    Add([this]() -> Coro<> { (void)co_await Gather(Work(1), Work(5), Spawn(Work(3))); });
    Add([this]() -> Coro<> { (void)co_await GatherSettled(Work(1), Work(5), MakeDone()); });
    Add([this]() -> Coro<> {
      const Outcome<int> winner = co_await Catch(Race(Work(4), Work(2), Work(9)));
      EXPECT_TRUE(winner.cancelled() || winner.value() == 2 || winner.value() == 4 || winner.value() == 9);
    });
    Add([this]() -> Coro<> { (void)co_await Shield(Work(4)); });
    Add([this]() -> Coro<> { (void)co_await WaitFor(Work(4), absl::Hours(1)); });
    Add([this]() -> Coro<> {
      std::vector<Coro<int>> coros;
      for (int i = 1; i < 4; ++i) coros.push_back(Work(i));
      auto completed = AsCompleted(std::move(coros), absl::Hours(1));
      while (co_await completed.Next()) {
      }
    });
    Add([this]() -> Coro<> { (void)co_await Wait(ReturnWhen::kAllCompleted, Work(2), Work(4)); });
  }
  static Future<int> MakeDone() {
    Future<int> done = MakeFuture<int>();
    done.SetResult(1);
    return done;
  }
};
TEST(CancellationTest, CombinatorsLeaveNothingBehind) { CancelEverywhere<CombinatorWorld>(); }

class GeneratorWorld final : public World {
  AsyncGenerator<int> Count() {
    const Local local(locals);
    for (int i = 0; i < 3; ++i) {
      co_await Yield();
      const Outcome<> pause = co_await Settle(Spawn(Yield()));
      EXPECT_TRUE(pause.ok());
      co_yield i;
    }
  }
  AsyncGenerator<int> Doubled() {
    const Local local(locals);
    auto numbers = Count();
    while (auto n = co_await numbers.Next()) co_yield 2 * *n;
  }
  void Start() override {
    for (int i = 0; i < 2; ++i) {
      Add([this]() -> Coro<> {
        auto numbers = Doubled();
        (void)co_await Catch(Invoke([&]() -> Coro<> {
          while (co_await numbers.Next()) {
          }
        }));
        EXPECT_FALSE((co_await numbers.Next()).has_value());
      });
    }
  }
};
TEST(CancellationTest, AGeneratorThatWasCutShortHasEnded) { CancelEverywhere<GeneratorWorld>(); }

}  // namespace
}  // namespace detent
