// SPDX-License-Identifier: Apache-2.0
//
// Rule R3: a replay does what the run did, whatever the process did before, and whatever strategy made the choices.
// Random programs with sockets, time-outs, groups, cancellations, faults and things that were made outside the run.
//
//   REPLAY_PROGRAMS=20000 bazel-bin/rules/r03_replay_test       # the long form
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "detent/runtime/runtime.h"
#include "detent/sim/sim.h"
#include "detent/sim/strategy/profile.h"
#include "detent/sim/strategy/strategy_by_name.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

constexpr int kOps = 16;
constexpr absl::Duration kTick = absl::Microseconds(500);

// What a program's actors share, made outside the run.
class World {
 public:
  Lock lock;
  Queue<int> queue{2};
  Shared<int> value{0};
};

class Program {
 public:
  explicit Program(uint64_t seed) : random_(seed) {}

  const std::string& log() const { return log_; }

  Coro<> Run() {
    Listener listener = co_await Listen("127.0.0.1", 0);
    port_ = listener.Port();
    inside_.emplace();
    lock_ = random_.Below(2) == 0 ? &*inside_ : &outside_.lock;
    Task<> server = Spawn(Serve(&listener));
    std::vector<Coro<>> actors;
    for (uint64_t i = 0, n = 2 + random_.Below(2); i < n; ++i) actors.push_back(Actor(random_.Next(), 2));
    for (Coro<>& actor : actors) tasks_.push_back(Spawn(std::move(actor)));
    while (!tasks_.empty()) {
      const Task<> task = tasks_.back();
      tasks_.pop_back();
      Log(co_await Settle(task));
    }
    server.Cancel();
    (void)co_await Settle(server);
  }

 private:
  template <typename T>
  void Log(const Outcome<T>& outcome) {
    absl::StrAppend(&log_, outcome.ok() ? "v" : "e", EventLoop::Current().Time().nanoseconds(), " ");
  }

  static Coro<> Echo(Connection connection) {
    while (true) {
      const std::string line = co_await connection.ReadUntil("\n");
      co_await connection.Write(line);
    }
  }
  static Coro<> Serve(Listener* listener) {
    (void)co_await Settle(TaskGroup::Run([listener](TaskGroup& group) -> Coro<> {
      while (true) group.Spawn(Settled(Echo(co_await listener->Accept())));
    }));
  }
  static Coro<> Settled(Coro<> coro) { (void)co_await Settle(std::move(coro)); }

  Coro<> Ask(RandomGenerator random) {
    Connection connection = co_await Connect("127.0.0.1", port_);
    for (uint64_t i = 0, n = 1 + random.Below(2); i < n; ++i) {
      co_await connection.Write("x\n");
      Log(co_await Settle(WaitFor(connection.ReadUntil("\n"), kTick * static_cast<int>(random.Below(4)))));
    }
  }

  Coro<> Actor(uint64_t seed, int depth) {
    RandomGenerator random(seed);
    for (uint64_t i = 0, n = 1 + random.Below(4); i < n; ++i) {
      co_await Do(random.Below(depth > 0 ? kOps : kOps - 6), random.Next(), depth);
    }
  }

  Coro<> Do(uint64_t op, uint64_t seed, int depth) {
    RandomGenerator random(seed);
    const absl::Duration wait = kTick * static_cast<int>(random.Below(4));
    switch (op) {
      case 0:
        co_await Yield();
        break;
      case 1:
        co_await Sleep(wait);
        break;
      case 2: {
        auto held = co_await lock_->Hold();
        co_await Yield();
        break;
      }
      case 3:
        Log(co_await Settle(WaitFor(outside_.queue.Put(1), wait)));
        break;
      case 4:
        Log(co_await Settle(WaitFor(outside_.queue.Get(), wait)));
        break;
      case 5:
        co_await outside_.value.Store(co_await outside_.value.Load() + 1);
        break;
      case 6:
        if (Fault("broken", 0.3)) throw std::runtime_error("broken");
        break;
      case 7:
        co_await Sleep(kTick * static_cast<int>(Choose(3)));
        break;
      case 8:
        Log(co_await Settle(Ask(random)));
        break;
      case 9:
        (void)co_await EventLoop::Current().RunInExecutor([] { return 1; });
        break;
      case 10:
        Log(co_await Settle(TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
          group.Spawn(Actor(random.Next(), depth - 1));
          group.Spawn(Actor(random.Next(), depth - 1));
          co_await Sleep(wait);
        })));
        break;
      case 11:
        Log(co_await Settle(WithTimeout(wait, [&](Timeout&) -> Coro<> { co_await Actor(random.Next(), depth - 1); })));
        break;
      case 12: {
        Task<> task = Spawn(Actor(random.Next(), depth - 1));
        co_await Sleep(wait);
        task.Cancel();
        Log(co_await Settle(task));
        break;
      }
      case 13:
        Log(co_await Settle(Gather(Actor(random.Next(), depth - 1), Actor(random.Next(), depth - 1))));
        break;
      case 14:
        Log(co_await Settle(Race(Actor(random.Next(), depth - 1), Sleep(wait))));
        break;
      default:
        tasks_.push_back(Spawn(Actor(random.Next(), depth - 1)));
        if (random.Below(2) == 0) tasks_.back().Cancel();
    }
  }

  RandomGenerator random_;
  World outside_;
  std::optional<Lock> inside_;  // Made in the run; tasks that a failed Gather() left may still want it after Run().
  Lock* lock_ = nullptr;
  int port_ = 0;
  std::vector<Task<>> tasks_;
  std::string log_;
};

class Execution {
 public:
  Execution(SimLoop& loop, uint64_t program_seed) {
    loop.SetExceptionHandler([this](const ExceptionContext& context) { reports += context.message; });
    Program program(program_seed);
    try {
      loop.Run(program.Run());
    } catch (const std::exception& error) {
      end = error.what();
    }
    log = program.log();
    fingerprint = loop.fingerprint();
    loop.CancelAllTasks();
    loop.Discard();
  }
  std::string log;
  std::string end;
  std::string reports;
  uint64_t fingerprint;
};

uint64_t Programs() {
  uint64_t programs = 60;
  const char* value = std::getenv("REPLAY_PROGRAMS");
  if (value != nullptr) EXPECT_TRUE(absl::SimpleAtoi(value, &programs)) << value;
  return programs;
}

TEST(ReplayTest, DoesWhatTheRunDidInAnyHistoryOfTheProcess) {
  uint64_t schedules = 0;
  uint64_t with_end = 0;
  for (const char* name : {"random", "portfolio", "pct", "pos", "surw", "delay", "round-robin", "fifo"}) {
    for (const absl::Duration slip_max : {absl::ZeroDuration(), absl::Seconds(1)}) {
      const StrategyOption strategy = StrategyByName(name).value();
      SimLoop used({.strategy = strategy, .slip_max = slip_max});
      for (uint64_t seed = 0, n = Programs(); seed < n; ++seed) {
        SCOPED_TRACE(
            absl::StrCat("program ", seed, " under ", name, slip_max > absl::ZeroDuration() ? " with slip" : ""));
        used.Reset(seed);
        const Execution run(used, seed);
        const Tape tape = used.tape();
        SimLoop fresh({.seed = tape.seed(), .strategy = Replay(tape), .slip_max = slip_max});
        const Execution replay(fresh, seed);
        ASSERT_EQ(fresh.divergence(), "");
        ASSERT_EQ(replay.log, run.log);
        ASSERT_EQ(replay.end, run.end);
        ASSERT_EQ(replay.reports, run.reports);
        ASSERT_EQ(replay.fingerprint, run.fingerprint);
        // And its own schedule again, on a loop that has not run before.
        SimLoop again({.seed = seed, .strategy = strategy, .slip_max = slip_max});
        again.Reset(seed);
        const Execution second(again, seed);
        if (std::string(name) != "portfolio") ASSERT_EQ(second.fingerprint, run.fingerprint);
        ++schedules;
        with_end += run.end.empty() ? 0 : 1;
      }
    }
  }
  std::printf("%d schedules, %d ended with an exception\n", static_cast<int>(schedules), static_cast<int>(with_end));
}

}  // namespace
}  // namespace detent::sim
