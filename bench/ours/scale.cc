// SPDX-License-Identifier: Apache-2.0
//
// Timers, and many tasks at once.
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "detent/bench/harness/workload.h"
#include "detent/bench/ours/ours.h"
#include "detent/runtime/runtime.h"
#include "detent/sim/sim.h"

namespace detent_bench::ours {
namespace {

using detent::CallbackHandle;
using detent::Coro;
using detent::EpollLoop;
using detent::Event;
using detent::EventLoop;
using detent::LoopTime;
using detent::Sleep;
using detent::Spawn;
using detent::Yield;
using detent::sim::SimLoop;

constexpr int64_t kHour = 3'600'000'000'000;
constexpr int64_t kSecond = 1'000'000'000;

Coro<> SleepOnce(int64_t duration, LoopTime& latest, uint64_t& in_order) {
  co_await Sleep(absl::Nanoseconds(duration));
  const LoopTime now = EventLoop::Current().core().now;
  if (now >= latest) ++in_order;
  latest = now;
}
Coro<> SleepMain(uint64_t ops, int64_t longest, uint64_t& in_order) {
  Numbers numbers(1);
  LoopTime latest;
  for (uint64_t i = 0; i < ops; ++i) {
    Spawn(SleepOnce(static_cast<int64_t>(numbers.Below(static_cast<uint64_t>(longest))), latest, in_order));
  }
  // The sleepers began a little later than this, by the real clock.
  co_await Sleep(absl::Nanoseconds(longest));
  while (in_order < ops) co_await Sleep(absl::Milliseconds(10));
}

// Steps, until it is told to stop.
Coro<> StepForever(const bool& stop, uint64_t& steps) {
  while (!stop) {
    co_await Yield();
    ++steps;
  }
}

Coro<> SleepForever(uint64_t seed, const bool& stop, uint64_t& sleeps) {
  Numbers numbers(seed);
  while (!stop) {
    co_await Sleep(absl::Nanoseconds(kSecond / 2 + static_cast<int64_t>(numbers.Below(kSecond))));
    ++sleeps;
  }
}

Coro<> Idle(Event& end, uint64_t& waiting) {
  ++waiting;
  co_await end.Wait();
  --waiting;
}

detent::sim::Options VirtualClock() {
  detent::sim::Options options;
  options.strategy = detent::sim::Fifo();
  options.steps_max = ~uint64_t{0};
  return options;
}

}  // namespace

void SleepVirtually(uint64_t ops) {
  uint64_t in_order = 0;
  SimLoop loop(VirtualClock());
  loop.Run(SleepMain(ops, kHour, in_order));
  Require(in_order == ops, "the order of virtual sleeps");
}

void SleepReally(uint64_t ops) {
  uint64_t in_order = 0;
  EpollLoop loop;
  loop.Run(SleepMain(ops, kSecond / 2, in_order));
  Require(in_order == ops, "the order of real sleeps");
}

void ArmAndCancel(uint64_t ops) {
  Numbers numbers(2);
  uint64_t fired = 0;
  EpollLoop loop;
  const LoopTime now = loop.Time();
  std::vector<CallbackHandle> handles;
  handles.reserve(ops);
  for (uint64_t i = 0; i < ops; ++i) {
    handles.push_back(loop.CallAt(now + absl::Nanoseconds(static_cast<int64_t>(numbers.Below(kHour)) + kHour),
                                  [&fired] { ++fired; }));
  }
  Require(loop.core().timers.size() == ops, "the armed timers");
  for (CallbackHandle& handle : handles) handle.Cancel();
  Require(loop.core().timers.empty() && fired == 0, "the cancelled timers");
}

double IdleTasks(uint64_t ops) {
  EpollLoop loop;
  double used = 0;
  uint64_t waiting = 0;
  loop.Run([&]() -> Coro<> {
    Event end;
    const double before = ResidentBytes();
    for (uint64_t i = 0; i < ops; ++i) Spawn(Idle(end, waiting));
    co_await Yield();
    used = ResidentBytes() - before;
    Require(waiting == ops, "the idle tasks");
    end.Set();
    while (waiting > 0) co_await Yield();
  });
  return used;
}

template <uint64_t kTasks>
double StepsAmong(uint64_t ops) {
  const uint64_t others = kTasks - 1;
  const uint64_t rounds = ops / kTasks + 1;
  double nanoseconds = 0;
  EpollLoop loop;
  loop.Run([&]() -> Coro<> {
    bool stop = false;
    uint64_t steps = 0;
    for (uint64_t i = 0; i < others; ++i) Spawn(StepForever(stop, steps));
    co_await Yield();
    steps = 0;
    const int64_t start = CpuNanoseconds();
    for (uint64_t round = 0; round < rounds; ++round) co_await Yield();
    nanoseconds = static_cast<double>(CpuNanoseconds() - start);
    Require(steps == rounds * others, "the steps");
    stop = true;
    co_await Yield();
    co_await Yield();
  });
  return nanoseconds / static_cast<double>(rounds * kTasks) * static_cast<double>(ops);
}
template double StepsAmong<10>(uint64_t ops);
template double StepsAmong<10'000>(uint64_t ops);
template double StepsAmong<1'000'000>(uint64_t ops);

template <uint64_t kTasks>
double TimersAmong(uint64_t ops) {
  const uint64_t others = kTasks - 1;
  const uint64_t rounds = ops / kTasks + 1;
  double nanoseconds_each = 0;
  SimLoop loop(VirtualClock());
  loop.Run([&]() -> Coro<> {
    bool stop = false;
    uint64_t sleeps = 0;
    for (uint64_t i = 0; i < others; ++i) Spawn(SleepForever(i, stop, sleeps));
    co_await Sleep(absl::Seconds(1));
    sleeps = 0;
    const int64_t start = CpuNanoseconds();
    co_await Sleep(absl::Seconds(static_cast<int64_t>(rounds)));
    nanoseconds_each = static_cast<double>(CpuNanoseconds() - start) / static_cast<double>(sleeps);
    Require(sleeps > others * rounds / 2, "the sleeps");
    stop = true;
    co_await Sleep(absl::Seconds(2));
  });
  return nanoseconds_each * static_cast<double>(ops);
}
template double TimersAmong<10>(uint64_t ops);
template double TimersAmong<10'000>(uint64_t ops);
template double TimersAmong<1'000'000>(uint64_t ops);

}  // namespace detent_bench::ours
