// SPDX-License-Identifier: Apache-2.0
//
// The speed programs E1, E2 and E3, and what a simulated run costs besides.
#include "detent/sim/sim.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "detent/bench/harness/workload.h"
#include "detent/bench/ours/ours.h"
#include "detent/runtime/core.h"
#include "detent/testing/explore.h"

namespace detent_bench::ours {
namespace {

using detent::Connection;
using detent::Coro;
using detent::Listener;
using detent::Lock;
using detent::Queue;
using detent::Spawn;
using detent::Task;
using detent::Yield;
using detent::sim::SimLoop;

Coro<> TakeSteps(uint64_t times, uint64_t& done) {
  for (uint64_t i = 0; i < times; ++i) {
    co_await Yield();
    ++done;
  }
}

// What the schedules came to.
int least_x, most_x;
uint64_t right_runs;

Coro<> AddThrice(int& x) {
  for (int i = 0; i < 3; ++i) {
    const int seen = x;
    co_await Yield();
    x = seen + 1;
  }
}
Coro<> ProgramE1() {
  int x = 0;
  const Task<> a = Spawn(AddThrice(x)), b = Spawn(AddThrice(x)), c = Spawn(AddThrice(x));
  co_await a;
  co_await b;
  co_await c;
  least_x = std::min(least_x, x);
  most_x = std::max(most_x, x);
  if (x >= 2 && x <= 9) ++right_runs;
}

// "lock m" is a scheduling point and then the lock.
Coro<> AddLocked(int& c, Lock& m) {
  for (int i = 0; i < 5; ++i) {
    co_await Yield(m);
    co_await m.Acquire();
    const int seen = c;
    co_await Yield();
    c = seen + 1;
    m.Release();
  }
}
Coro<> ProgramE2() {
  int c = 0;
  Lock m;
  const Task<> t = Spawn(AddLocked(c, m)), u = Spawn(AddLocked(c, m)), v = Spawn(AddLocked(c, m));
  co_await t;
  co_await u;
  co_await v;
  if (c == 15) ++right_runs;
}

Coro<> PutTen(Queue<uint64_t>& queue, uint64_t from) {
  for (uint64_t i = 0; i < 10; ++i) co_await queue.Put(from + i);
}
Coro<> GetTen(Queue<uint64_t>& queue, uint64_t& sum) {
  for (uint64_t i = 0; i < 10; ++i) sum += co_await queue.Get();
}
Coro<> ProgramE3() {
  Queue<uint64_t> queue(2);
  uint64_t sum = 0;
  const Task<> p = Spawn(PutTen(queue, 0)), q = Spawn(PutTen(queue, 100));
  const Task<> r = Spawn(GetTen(queue, sum)), s = Spawn(GetTen(queue, sum));
  co_await p;
  co_await q;
  co_await r;
  co_await s;
  if (sum == 1'090) ++right_runs;
}

template <int kProgram>
Coro<> Program() {
  if constexpr (kProgram == 1) {
    return ProgramE1();
  } else if constexpr (kProgram == 2) {
    return ProgramE2();
  } else {
    return ProgramE3();
  }
}

template <By kStrategy>
detent::sim::StrategyOption Strategy() {
  if constexpr (kStrategy == By::kPct) {
    return detent::sim::Pct(3);
  } else if constexpr (kStrategy == By::kPos) {
    return detent::sim::Pos();
  } else if constexpr (kStrategy == By::kSurw) {
    return detent::sim::Surw();
  } else {
    return detent::sim::RandomWalk();
  }
}

void NoteStepsAndChoices(Coro<> (*program)()) {
  constexpr uint64_t kRuns = 20;  // Few: they are in the measured time.
  double steps = 0, choices = 0;
  SimLoop loop;
  for (uint64_t seed = 0; seed < kRuns; ++seed) {
    loop.Reset(seed);
    loop.Run(program);
    steps += static_cast<double>(loop.steps());
    choices += static_cast<double>(loop.tape().length());
  }
  Note("steps", steps / kRuns);
  Note("choices", choices / kRuns);
}

constexpr int kClients = 100;

Coro<> Answer(Connection connection) {
  while (true) {
    const std::string request = co_await connection.Read(4096);
    if (request.empty()) co_return;
    co_await detent::Sleep(absl::Milliseconds(1));
    co_await connection.Write(request);
  }
}
Coro<> Serve(Listener listener) {
  while (true) {
    Connection connection = co_await listener.Accept();
    Spawn(Answer, std::move(connection));
  }
}
Coro<> Ask(uint64_t requests, uint64_t& answered) {
  Connection connection = co_await detent::Connect("service", 80);
  const std::string request(64, 'x');
  for (uint64_t i = 0; i < requests; ++i) {
    co_await connection.Write(request);
    const std::string answer = co_await connection.ReadExactly(request.size());
    if (answer == request) ++answered;
    co_await detent::Sleep(absl::Milliseconds(10));
  }
}
Coro<> ServiceMain(uint64_t requests_each, uint64_t& answered) {
  Listener listener = co_await detent::Listen("service", 80);
  const Task<> server = Spawn(Serve(std::move(listener)));
  std::vector<Coro<>> clients;
  for (int i = 0; i < kClients; ++i) clients.push_back(Ask(requests_each, answered));
  co_await detent::Gather(std::move(clients));
  co_await detent::Sleep(absl::Seconds(1));  // The server sees the clients go.
  server.Cancel();
  (void)co_await detent::Settle(server);
}

}  // namespace

void Walk(uint64_t ops) {
  constexpr uint64_t kTasks = 4;
  constexpr uint64_t kRunSteps = 10'000;
  uint64_t done = 0, steps = 0;
  SimLoop loop({.strategy = detent::sim::RandomWalk()});
  for (uint64_t seed = 0; done < ops; ++seed) {
    const uint64_t run_steps = std::min(kRunSteps, ops - done) / kTasks * kTasks;
    if (run_steps == 0) break;
    loop.Reset(seed);
    loop.Run([&]() -> Coro<> {
      std::vector<Coro<>> tasks;
      for (uint64_t i = 0; i < kTasks; ++i) tasks.push_back(TakeSteps(run_steps / kTasks, done));
      co_await detent::Gather(std::move(tasks));
    });
    steps += loop.steps();
    Require(loop.tape().length() > run_steps / 2, "the tape");
  }
  Require(done == ops / kTasks * kTasks && steps > done, "the steps of a random walk");
}

template <int kProgram, By kStrategy>
void Explored(uint64_t ops) {
  least_x = 9;
  most_x = 0;
  right_runs = 0;
  detent_testing::Options options;
  options.schedules = ops;
  options.strategy = Strategy<kStrategy>();
  const detent_testing::Report report = detent_testing::Explore(options, Program<kProgram>);
  // More runs than schedules: some are replayed, to see that the program is deterministic.
  Require(report.ok && report.schedules == ops && right_runs >= ops, "the explored program");
  // Under Pct a task that yields falls below the others, and all take turns.
  if (kProgram == 1 && kStrategy != By::kPct) Require(ops < 100 || least_x < most_x, "the different schedules");
  if (kStrategy == By::kRandomWalk && ops >= 10'000) NoteStepsAndChoices(Program<kProgram>);
}
template void Explored<1, By::kRandomWalk>(uint64_t ops);
template void Explored<2, By::kRandomWalk>(uint64_t ops);
template void Explored<3, By::kRandomWalk>(uint64_t ops);
template void Explored<1, By::kPct>(uint64_t ops);
template void Explored<2, By::kPct>(uint64_t ops);
template void Explored<3, By::kPct>(uint64_t ops);
template void Explored<1, By::kPos>(uint64_t ops);
template void Explored<2, By::kPos>(uint64_t ops);
template void Explored<3, By::kPos>(uint64_t ops);
template void Explored<1, By::kSurw>(uint64_t ops);
template void Explored<2, By::kSurw>(uint64_t ops);
template void Explored<3, By::kSurw>(uint64_t ops);

void ResetAndRun(uint64_t ops) {
  uint64_t runs = 0;
  SimLoop loop;
  for (uint64_t seed = 0; seed < ops; ++seed) {
    loop.Reset(seed);
    loop.Run([](uint64_t& count) -> Coro<> {
      ++count;
      co_return;
    }(runs));
  }
  Require(runs == ops, "the runs of a loop that is reused");
}

void MakeAndRun(uint64_t ops) {
  uint64_t runs = 0;
  for (uint64_t seed = 0; seed < ops; ++seed) {
    SimLoop loop({.seed = seed});
    loop.Run([](uint64_t& count) -> Coro<> {
      ++count;
      co_return;
    }(runs));
  }
  Require(runs == ops, "the runs of a loop that is made for each");
}

void Service(uint64_t ops) {
  uint64_t answered = 0;
  const int64_t start = CpuNanoseconds();
  SimLoop loop;
  loop.Run(ServiceMain(ops / kClients, answered));
  Require(answered == ops / kClients * kClients, "the answers of the simulated service");
  const double virtual_seconds = absl::ToDoubleSeconds(loop.Time() - detent::LoopTime());
  Note("virtual_seconds", virtual_seconds);
  Note("virtual_seconds_per_second", virtual_seconds / (static_cast<double>(CpuNanoseconds() - start) * 1e-9));
}

}  // namespace detent_bench::ours
