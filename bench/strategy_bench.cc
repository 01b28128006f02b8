// SPDX-License-Identifier: Apache-2.0
//
// What a step costs under each strategy: `items_per_second` are steps. None should be slower than 0.6 times
// RandomWalk.
//
//   bazel run -c opt //bench:strategy_bench
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "detent/runtime/choice.h"
#include "detent/runtime/core.h"
#include "detent/sim/sim.h"

namespace detent_bench {
namespace {

using detent::Coro;
using detent::Gather;
using detent::Lock;
using detent::Shared;
using detent::Yield;

// Each task reads, gives way, and writes what it read and one more.
Coro<> AddThrice(int& x) {
  for (int i = 0; i < 3; ++i) {
    const int seen = x;
    co_await Yield();
    x = seen + 1;
  }
}
Coro<> Plain() {
  int x = 0;
  co_await Gather(AddThrice(x), AddThrice(x), AddThrice(x));
}

Coro<> AddShared(Shared<int>& x, int times) {
  for (int i = 0; i < times; ++i) {
    const int seen = co_await x.Load();
    co_await x.Store(seen + 1);
  }
}
Coro<> Variables() {
  Shared<int> x(0), y(0);
  co_await Gather(AddShared(x, 10), AddShared(y, 10), AddShared(x, 10), AddShared(y, 10));
}

Coro<> AddLocked(int& c, Lock& m) {
  for (int i = 0; i < 5; ++i) {
    auto held = co_await m.Hold();
    const int seen = c;
    co_await Yield();
    c = seen + 1;
  }
}
Coro<> Locks() {
  int c = 0;
  Lock m;
  co_await Gather(AddLocked(c, m), AddLocked(c, m), AddLocked(c, m));
}

Coro<> ManyTasks() {
  Shared<int> x(0), y(0);
  std::vector<Coro<>> tasks;
  for (int i = 0; i < 50; ++i) tasks.push_back(AddShared(i % 2 == 0 ? x : y, 10));
  co_await Gather(std::move(tasks));
}

void Run(benchmark::State& state, const std::string& strategy, Coro<> (*program)()) {
  detent::sim::SimLoop calibration({.strategy = detent::sim::Fifo()});
  detent::sim::RunProfile profile;
  calibration.SetObserver(&profile);
  calibration.Run(program);

  detent::sim::SimLoop loop({.strategy = *detent::sim::StrategyByName(strategy)});
  loop.strategy().SetProfile(profile);
  uint64_t seed = 0;
  uint64_t steps = 0;
  for (auto iteration : state) {
    (void)iteration;
    loop.strategy().BeginSchedule(seed);
    loop.Reset(seed++);
    loop.Run(program);
    steps += loop.steps();
  }
  state.SetItemsProcessed(static_cast<int64_t>(steps));
}

class Program {
 public:
  const char* name;
  Coro<> (*body)();
};

void RegisterAll() {
  const Program programs[] = {{"plain", Plain}, {"variables", Variables}, {"locks", Locks}, {"many_tasks", ManyTasks}};
  for (const Program& program : programs) {
    for (const char* strategy : {"fifo", "random", "pct", "pos", "surw", "portfolio", "round-robin", "delay"}) {
      benchmark::RegisterBenchmark(
          (std::string(program.name) + "/" + strategy).c_str(),
          [strategy, body = program.body](benchmark::State& state) { Run(state, strategy, body); });
    }
  }
}

}  // namespace
}  // namespace detent_bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  detent_bench::RegisterAll();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
