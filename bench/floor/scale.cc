// SPDX-License-Identifier: Apache-2.0
//
// Timers, and many tasks at once.
#include <memory>
#include <vector>

#include "detent/bench/floor/floor.h"
#include "detent/bench/floor/timers.h"
#include "detent/bench/harness/workload.h"

namespace detent_bench::floor {
namespace {

constexpr int64_t kHour = 3'600'000'000'000;
constexpr int64_t kSecond = 1'000'000'000;

// Starts a coroutine that nobody waits for.
Coro& Start(std::vector<Coro>& tasks, Coro task) {
  tasks.push_back(std::move(task));
  tasks.back().Start();
  return tasks.back();
}

Coro SleepOnce(int64_t duration, int64_t& latest, uint64_t& in_order) {
  co_await Sleep(duration);
  if (timer_heap.now >= latest) ++in_order;
  latest = timer_heap.now;
  co_return 0;
}
Coro SleepMain(uint64_t ops, uint64_t& in_order) {
  Numbers numbers(1);
  int64_t latest = 0;
  std::vector<Coro> tasks;
  tasks.reserve(ops);
  for (uint64_t i = 0; i < ops; ++i) {
    Start(tasks, SleepOnce(static_cast<int64_t>(numbers.Below(kHour)), latest, in_order));
  }
  co_await Sleep(kHour);
  co_return 0;
}

// Steps, until it is told to stop.
Coro StepForever(const bool& stop, uint64_t& steps) {
  while (!stop) {
    co_await Yield();
    ++steps;
  }
  co_return 0;
}
Coro StepMain(uint64_t others, uint64_t rounds, double& nanoseconds) {
  bool stop = false;
  uint64_t steps = 0;
  std::vector<Coro> tasks;
  tasks.reserve(others);
  for (uint64_t i = 0; i < others; ++i) Start(tasks, StepForever(stop, steps));
  co_await Yield();
  steps = 0;
  const int64_t start = CpuNanoseconds();
  for (uint64_t round = 0; round < rounds; ++round) co_await Yield();
  nanoseconds = static_cast<double>(CpuNanoseconds() - start);
  Require(steps == rounds * others, "the floor's steps");
  stop = true;
  co_await Yield();
  co_return 0;
}

Coro SleepForever(uint64_t seed, const bool& stop, uint64_t& sleeps) {
  Numbers numbers(seed);
  while (!stop) {
    co_await Sleep(kSecond / 2 + static_cast<int64_t>(numbers.Below(kSecond)));
    ++sleeps;
  }
  co_return 0;
}
Coro TimerMain(uint64_t others, int64_t rounds, double& nanoseconds_each) {
  bool stop = false;
  uint64_t sleeps = 0;
  std::vector<Coro> tasks;
  tasks.reserve(others);
  for (uint64_t i = 0; i < others; ++i) Start(tasks, SleepForever(i, stop, sleeps));
  co_await Sleep(kSecond);
  sleeps = 0;
  const int64_t start = CpuNanoseconds();
  co_await Sleep(rounds * kSecond);
  nanoseconds_each = static_cast<double>(CpuNanoseconds() - start) / static_cast<double>(sleeps);
  Require(sleeps > others * static_cast<uint64_t>(rounds) / 2, "the floor's sleeps");
  stop = true;
  co_await Sleep(2 * kSecond);
  co_return 0;
}

Coro Idle(Join& never) {
  never.left = 1;
  // Parks without a list: that a task can wait at all needs its frame and no more.
  co_await never;
  co_return 0;
}

}  // namespace

void SleepVirtually(uint64_t ops) {
  uint64_t in_order = 0;
  RunVirtually(SleepMain(ops, in_order));
  Require(in_order == ops, "the floor's sleeps");
}

void ArmAndCancel(uint64_t ops) {
  Numbers numbers(2);
  const std::unique_ptr<Timer[]> timers = std::make_unique<Timer[]>(ops);
  TimerHeap heap;
  for (uint64_t i = 0; i < ops; ++i) heap.Add(static_cast<int64_t>(numbers.Below(kHour)), &timers[i]);
  Require(heap.live() == ops, "the floor's armed timers");
  for (uint64_t i = 0; i < ops; ++i) heap.Cancel(&timers[i]);
  Require(heap.live() == 0, "the floor's cancelled timers");
}

double IdleTasks(uint64_t ops) {
  std::vector<Coro> tasks(ops);
  Join never(1);
  for (Coro& task : tasks) task = Coro();
  const double before = ResidentBytes();
  for (Coro& task : tasks) {
    task = Idle(never);
    task.Start();
  }
  run_queue.RunAll();
  const double used = ResidentBytes() - before;
  Require(!tasks.back().done(), "the floor's idle tasks");
  return used;
}

template <uint64_t kTasks>
double StepsAmong(uint64_t ops) {
  double nanoseconds = 0;
  const uint64_t rounds = ops / kTasks + 1;
  Run(StepMain(kTasks - 1, rounds, nanoseconds));
  return nanoseconds / static_cast<double>(rounds * kTasks) * static_cast<double>(ops);
}
template double StepsAmong<10>(uint64_t ops);
template double StepsAmong<10'000>(uint64_t ops);
template double StepsAmong<1'000'000>(uint64_t ops);

template <uint64_t kTasks>
double TimersAmong(uint64_t ops) {
  double nanoseconds_each = 0;
  RunVirtually(TimerMain(kTasks - 1, static_cast<int64_t>(ops / kTasks + 1), nanoseconds_each));
  return nanoseconds_each * static_cast<double>(ops);
}
template double TimersAmong<10>(uint64_t ops);
template double TimersAmong<10'000>(uint64_t ops);
template double TimersAmong<1'000'000>(uint64_t ops);

}  // namespace detent_bench::floor
