// SPDX-License-Identifier: Apache-2.0
//
// Exhaustive with declared footprints reaches the same final states as without, on random small programs: this is what
// finds an operation that does not say what it touches.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "sim/strategy/exhaustive_test.h"

namespace detent::sim {
namespace {

enum class Op : uint8_t {
  kLoad,
  kStore,
  kUpdate,
  kPeek,
  kAcquire,
  kRelease,
  kLocked,
  kEventWait,
  kEventSet,
  kEventClear,
  kEventIsSet,
  kPut,
  kGet,
  kPutNowait,
  kGetNowait,
  kQueueSize,
  kSemaphoreAcquire,
  kSemaphoreRelease,
  kSemaphoreValue,
  kFutureSet,
  kFutureAwait,
  kFutureDone,
  kFutureCancel,
  kTaskCancel,
  kTaskUncancel,
  kTaskDone,
  kTaskAwait,
  kShieldAwait,
  kWaitFirst,
  kGatherFutures,
  kConditionWait,
  kConditionNotify,
  kSleep,
  kSpawnGroup,
  kTimeout,
  kRandom,
  kProgramChoice,
  kYield,
  kLockedUpdate,
  kPermittedUpdate,
  kTryLockedUpdate,
  kCallSoon,
  kBarrier,
  kTaskCancelling,
  kCount_,
};

class Instruction {
 public:
  Instruction(Op what, int on, int with) : op(what), target(on), value(with) {}
  Op op;
  int target;
  int value;
};
using Script = std::vector<std::vector<Instruction>>;

// All that the tasks of a program share, and what each has seen.
class World {
 public:
  World(const Script& of, Ending& ending) : script(of), seen(of.size()) {
    for (int i = 0; i < 2; ++i) futures.push_back(MakeFuture<int>());
    ending.describe = [this] { return Describe(); };
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  // What has not been called by then would set an event that is gone.
  ~World() {
    for (CallbackHandle& callback : callbacks) callback.Cancel();
  }

  std::string Describe() const {
    std::string text =
        absl::StrCat(a.Peek(), ",", b.Peek(), " ", lock.Locked(), event.IsSet(), queue.Size(), " ", semaphore.Value());
    for (const Future<int>& future : futures) {
      const internal::FutureState& state = future.state();
      absl::StrAppend(&text, " f", static_cast<int>(state.status()));
    }
    for (size_t i = 0; i < seen.size(); ++i) absl::StrAppend(&text, " | ", seen[i]);
    return text;
  }

  // One task.
  Coro<> Work(size_t me) {
    for (const Instruction& instruction : script[me]) {
      Outcome<> outcome = co_await Catch(Do(me, instruction));
      if (outcome.ok()) continue;
      seen[me] += outcome.cancelled() ? "!" : "x";
    }
    seen[me] += ".";
  }

  const Script& script;
  std::vector<CallbackHandle> callbacks;
  Shared<int> a{0}, b{0};
  Lock lock;
  Event event;
  Queue<int> queue{1};
  Semaphore semaphore{1};
  Condition condition;
  Barrier barrier{2};
  std::vector<Future<int>> futures;
  std::vector<Task<>> tasks;
  std::vector<std::string> seen;

 private:
  void See(size_t me, int64_t what) { absl::StrAppend(&seen[me], what); }

  Coro<> Do(size_t me, Instruction instruction) {
    Shared<int>& variable = instruction.target == 0 ? a : b;
    const Future<int>& future = futures[static_cast<size_t>(instruction.target)];
    const Task<>& task = tasks[static_cast<size_t>(instruction.value) % tasks.size()];
    const int value = instruction.value;
    switch (instruction.op) {
      case Op::kLoad:
        See(me, co_await variable.Load());
        break;
      case Op::kStore:
        co_await variable.Store(value);
        break;
      case Op::kUpdate:
        co_await variable.Update([value](int old) { return old * 2 + value; });
        break;
      case Op::kPeek:
        See(me, variable.Peek());
        break;
      case Op::kAcquire:
        co_await lock.Acquire();
        break;
      case Op::kRelease:
        lock.Release();
        break;
      case Op::kLocked:
        See(me, lock.Locked());
        break;
      case Op::kEventWait:
        co_await event.Wait();
        break;
      case Op::kEventSet:
        event.Set();
        break;
      case Op::kEventClear:
        event.Clear();
        break;
      case Op::kEventIsSet:
        See(me, event.IsSet());
        break;
      case Op::kPut:
        co_await queue.Put(value);
        break;
      case Op::kGet:
        See(me, co_await queue.Get());
        break;
      case Op::kPutNowait:
        queue.PutNowait(value);
        break;
      case Op::kGetNowait:
        See(me, queue.GetNowait());
        break;
      case Op::kQueueSize:
        See(me, static_cast<int64_t>(queue.Size()));
        break;
      case Op::kSemaphoreAcquire:
        co_await semaphore.Acquire();
        break;
      case Op::kSemaphoreRelease:
        semaphore.Release();
        break;
      case Op::kSemaphoreValue:
        See(me, semaphore.Value());
        break;
      case Op::kFutureSet:
        future.SetResult(value);
        break;
      case Op::kFutureAwait:
        See(me, co_await future);
        break;
      case Op::kFutureDone:
        See(me, future.Done());
        break;
      case Op::kFutureCancel:
        See(me, future.Cancel());
        break;
      case Op::kTaskCancel:
        See(me, task.Cancel());
        break;
      case Op::kTaskUncancel:
        See(me, task.Uncancel());
        break;
      case Op::kTaskDone:
        See(me, task.Done());
        break;
      case Op::kTaskAwait:
        co_await task;
        break;
      case Op::kShieldAwait:
        See(me, co_await Shield(future));
        break;
      case Op::kWaitFirst: {
        std::vector<Future<int>> both(futures);
        const WaitResult<Future<int>> result = co_await Wait(std::move(both), ReturnWhen::kFirstCompleted);
        See(me, static_cast<int64_t>(result.done.size()));
        break;
      }
      case Op::kGatherFutures: {
        std::vector<Future<int>> both(futures);
        const std::vector<int> results = co_await Gather(std::move(both));
        See(me, results[0] + results[1]);
        break;
      }
      case Op::kConditionWait: {
        auto held = co_await condition.Hold();
        co_await condition.Wait();
        break;
      }
      case Op::kConditionNotify: {
        auto held = co_await condition.Hold();
        condition.Notify(1);
        break;
      }
      case Op::kSleep:
        co_await Sleep(absl::Milliseconds(value));
        break;
      case Op::kSpawnGroup:
        co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
          group.Spawn([&]() -> Coro<> { co_await variable.Store(7); });
          group.Spawn([&]() -> Coro<> { See(me, co_await variable.Load()); });
          co_return;
        });
        break;
      case Op::kTimeout:
        co_await WithTimeout(absl::Milliseconds(value), [&](Timeout&) -> Coro<> { co_await event.Wait(); });
        break;
      case Op::kRandom:
        See(me, static_cast<int64_t>(EventLoop::Current().Random().Below(10)));
        break;
      case Op::kProgramChoice:
        if (Choose(2) == 1) co_await variable.Store(value + 5);
        break;
      case Op::kYield:
        co_await Yield();
        break;
      case Op::kLockedUpdate: {
        auto held = co_await lock.Hold();
        const int old = co_await variable.Load();
        co_await variable.Store(old * 2 + value);
        break;
      }
      case Op::kPermittedUpdate: {
        auto held = co_await semaphore.Hold();
        co_await variable.Update([value](int old) { return old * 2 + value; });
        break;
      }
      case Op::kTryLockedUpdate:
        if (lock.Locked()) break;
        co_await lock.Acquire();
        co_await variable.Update([value](int old) { return old * 2 + value; });
        lock.Release();
        break;
      case Op::kCallSoon:
        callbacks.push_back(EventLoop::Current().CallSoon([this] { event.Set(); }));
        break;
      case Op::kBarrier:
        See(me, co_await barrier.Wait());
        break;
      case Op::kTaskCancelling:
        See(me, tasks[me].Cancelling());
        break;
      case Op::kCount_:
        break;
    }
  }
};

Coro<> RunScript(const Script& script, Ending& ending) {
  World world(script, ending);
  for (size_t i = 0; i < script.size(); ++i) world.tasks.push_back(Spawn(world.Work(i)));
  co_await GatherSettled(std::vector<Task<>>(world.tasks));
  ending.describe = [text = world.Describe()] { return text; };
}

Script RandomScript(uint64_t seed) {
  RandomGenerator random(seed);
  // Few kinds of operation in one program, so that they meet.
  std::vector<Op> ops;
  const uint64_t kinds = 2 + random.Below(4);
  for (uint64_t i = 0; i < kinds; ++i) ops.push_back(static_cast<Op>(random.Below(static_cast<uint64_t>(Op::kCount_))));
  Script script(2 + random.Below(2));
  for (auto& task : script) {
    const uint64_t length = 1 + random.Below(script.size() == 2 ? 3 : 2);
    for (uint64_t i = 0; i < length; ++i) {
      task.push_back(Instruction(ops[random.Below(ops.size())], static_cast<int>(random.Below(2)),
                                 static_cast<int>(random.Below(3))));
    }
  }
  return script;
}

std::string ToString(const Script& script) {
  std::string text;
  for (const auto& task : script) {
    absl::StrAppend(&text, " [");
    for (const Instruction& i : task) absl::StrAppend(&text, " ", static_cast<int>(i.op), ":", i.target, ":", i.value);
    absl::StrAppend(&text, " ]");
  }
  return text;
}

uint64_t NumberFromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(ExhaustiveRandomTest, ReductionReachesTheSameFinalStates) {
  const uint64_t first = NumberFromEnvironment("EXHAUSTIVE_FIRST_PROGRAM", 0);
  const uint64_t count = NumberFromEnvironment("EXHAUSTIVE_PROGRAMS", 800);
  constexpr uint64_t kRunsMax = 3'000;  // More than that takes too long without reduction: another program then.
  uint64_t compared = 0, plain_runs = 0, reduced_runs = 0, abandoned = 0;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const Script script = RandomScript(seed);
    const SearchedProgram program = [&](Ending& ending) { return RunScript(script, ending); };
    const SearchResult plain = SearchAll(FootprintRule::kAnything, program, kRunsMax);
    if (!plain.complete) continue;
    const SearchResult reduced = SearchAll(kDeclaredOnly, program);
    ++compared;
    plain_runs += plain.runs;
    reduced_runs += reduced.runs;
    abandoned += reduced.abandoned;
    ASSERT_EQ(plain.states, reduced.states) << "program " << seed << ToString(script);
    EXPECT_LE(reduced.visited(), plain.runs) << "program " << seed << ToString(script);
  }
  EXPECT_GE(compared, count / 2);
  std::printf("%d programs: %d runs without reduction, %d with, and %d abandoned\n", static_cast<int>(compared),
              static_cast<int>(plain_runs), static_cast<int>(reduced_runs), static_cast<int>(abandoned));
}

}  // namespace
}  // namespace detent::sim
