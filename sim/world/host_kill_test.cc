// SPDX-License-Identifier: Apache-2.0
//
// A host that is killed at each step of a program that uses all there is (W1).
#include <set>
#include <string>
#include <vector>

#include "detent/runtime/runtime.h"
#include "detent/sim/sim.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::IsEmpty;

// How many of them there are shows what was destroyed.
class Counted {
 public:
  Counted() { ++count; }
  Counted(const Counted&) { ++count; }
  Counted& operator=(const Counted&) = default;
  ~Counted() { --count; }

  static inline int count = 0;
};
// How often the program has done something, from the mark on too.
int acts = 0;
int acts_of_destructors = 0;

// In its destructor it does what it should not.
class Talks {
 public:
  explicit Talks(Connection& connection) : connection_(connection) {}
  ~Talks() {
    if (has_ended) return;
    ++acts_of_destructors;
    (void)Choose(2);
    (void)Fault("in a destructor", 0.5);
    Spawn([counted = Counted()]() -> Coro<> {
      ++acts;
      co_return;
    });
    EventLoop::Current().CallSoon([counted = Counted()] { ++acts; });
    EventLoop::Current().CallLater(absl::Milliseconds(1), [counted = Counted()] { ++acts; });
    (void)EventLoop::Current().RunInExecutor([counted = Counted()] { ++acts; });
    EventLoop::Current().CallExceptionHandler(ExceptionContext("said by a destructor", nullptr));
    if (connection_) connection_.CloseWrite();
    connection_.Close();
  }
  bool has_ended = false;

 private:
  Connection& connection_;
};

class Value {
 public:
  Counted counted;
  int value = 0;
};
LoopLocal<Value> local;

Coro<> Echo(Connection client) {
  const Counted counted;
  while (true) {
    const std::string line = co_await client.ReadUntil("\n");
    co_await client.Write(line + "\n");
  }
}

Coro<> TalkOverTcp() {
  const Counted counted;
  Server server = co_await StartServer(Echo, "127.0.0.1", 7000);
  Connection connection = co_await Connect("localhost", 7000);
  Talks talks(connection);
  for (int i = 0; i < 2; ++i) {
    co_await connection.Write("hello\n");
    (void)co_await connection.ReadUntil("\n");
    ++acts;
  }
  server.Close();
  server.CloseClients();
  co_await server.WaitClosed();
  talks.has_ended = true;
}

Coro<> TalkLocally() {
  const Counted counted;
  Listener listener = co_await ListenUnix("kill.sock");
  Task<> client = Spawn([]() -> Coro<> {
    Connection connection = co_await ConnectUnix("kill.sock");
    co_await connection.Write("x");
    (void)co_await connection.Read(10);
  });
  Connection server = co_await listener.Accept();
  (void)co_await server.Read(10);
  co_await server.Write("y");
  co_await client;
  DatagramSocket from = co_await OpenDatagram({.local_host = "127.0.0.1"});
  DatagramSocket to = co_await OpenDatagram({.local_host = "127.0.0.1"});
  co_await from.SendTo("ping", to.LocalAddress());
  (void)co_await to.Receive();
}

Coro<> UsePrimitives() {
  const Counted counted;
  Lock lock("ledger");
  Queue<int> queue(1);
  Event done;
  Condition condition(lock);
  std::vector<Task<>> tasks;
  for (int i = 0; i < 3; ++i) {
    tasks.push_back(Spawn([&, i]() -> Coro<> {
      const Counted inner;
      auto held = co_await lock.Hold();
      co_await Sleep(absl::Milliseconds(i));
      condition.NotifyAll();
      held.Release();
      co_await queue.Put(i);
      co_await done.Wait();
    }));
  }
  Task<> getter = Spawn([&]() -> Coro<> {
    for (int i = 0; i < 3; ++i) (void)co_await queue.Get();
    done.Set();
  });
  co_await Gather(tasks);
  co_await Shield(getter);
  co_await Race(Sleep(absl::Milliseconds(1)), Sleep(absl::Milliseconds(2)));
  try {
    co_await WaitFor(Sleep(absl::Seconds(1)), absl::Milliseconds(1));
  } catch (const TimeoutError&) {
    ++acts;
  }
  co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
    group.Spawn(Sleep(absl::Milliseconds(1)));
    group.Spawn(Sleep(absl::Milliseconds(2)));
    co_return;
  });
}

Coro<> UseTheSystem() {
  const Counted counted;
  co_await MakeDirectory("/data");
  File file = co_await OpenFile("/data/log", {.write = true, .create = true});
  Task<> reader = Spawn([&]() -> Coro<> { (void)co_await file.Size(); });
  co_await file.Append("one\n");
  co_await file.Sync();
  co_await reader;
  co_await ReplaceFile("/data/manifest", "log\n");
  (void)co_await ReadFile("/data/manifest");
  Future<int> computed = EventLoop::Current().RunInExecutor([held = Counted()] { return 1; });
  acts += co_await computed;
  EventLoop::Current().CallLater(absl::Hours(1), [held = Counted()] { ++acts; });
  CallbackHandle soon = EventLoop::Current().CallSoon([held = Counted()] { ++acts; });
  Task<> slept = Spawn(Sleep(absl::Milliseconds(1)));
  slept.AddDoneCallback([held = Counted()](const Task<>&) { ++acts; });
  co_await slept;
  sim::AddProgram("sort", [](sim::ProcessContext& process) -> Coro<int> {
    const Counted inner;
    co_await process.Out().Write("a\n");
    co_return 0;
  });
  (void)co_await RunProcess(Command("sort"));
  Signals signals(SIGUSR1);
  RaiseSignal(SIGUSR1);
  (void)co_await signals.Next();
}

Coro<> Program() {
  ++local.Get().value;
  const Counted counted;
  std::vector<Task<>> tasks;
  tasks.push_back(Spawn(TalkOverTcp(), {.name = "tcp"}));
  tasks.push_back(Spawn(TalkLocally(), {.name = "local"}));
  tasks.push_back(Spawn(UsePrimitives(), {.name = "primitives"}));
  tasks.push_back(Spawn(UseTheSystem(), {.name = "system"}));
  co_await Gather(tasks);
  ++acts;
}

// Kills the host at one step: in one of its own, before that has done anything, or after any.
class Killer final : public sim::RunObserver {
 public:
  enum class Place : uint8_t { kWithin, kAfter };

  Killer(Place place, uint64_t at) : place_(place), at_(at) {}

  void OnStep(const sim::Candidate&, uint64_t number) override {
    number_ = number;
    const bool is_its_own = EventLoop::CurrentOrNull() != loop;
    if (place_ == Place::kWithin && is_its_own) KillAt(at_);
  }
  void AfterStep() override {
    if (place_ == Place::kAfter) KillAt(at_);
  }
  EventLoop* loop = nullptr;
  sim::Host* host = nullptr;
  bool has_killed = false;

 private:
  void KillAt(uint64_t step) {
    if (host == nullptr || has_killed || number_ < step || !host->IsUp()) return;
    has_killed = true;
    host->Kill();
  }

  const Place place_;
  const uint64_t at_;
  uint64_t number_ = 0;
};

class End {
 public:
  End() {}
  bool was_killed = false;
  std::vector<std::string> reports;
  uint64_t fingerprint = 0;
};

End RunKilled(Killer::Place place, uint64_t step, uint64_t seed) {
  acts = 0;
  End end;
  {
    sim::SimLoop loop({.seed = seed});
    Killer killer(place, step);
    killer.loop = &loop;
    loop.SetExceptionHandler([&](const ExceptionContext& report) { end.reports.push_back(report.ToString()); });
    loop.SetObserver(&killer);
    loop.Run([&]() -> Coro<> {
      sim::World world;
      sim::Host& host = world.AddHost("a", Program);
      killer.host = &host;
      while (host.IsUp()) co_await Sleep(absl::Milliseconds(1));
      EXPECT_EQ(AllTasks().size(), 1u);
      EXPECT_EQ(Counted::count, 0) << "something of the host is left";
      const int acted = acts;
      // Nothing that it has left comes later.
      co_await Sleep(absl::Hours(2));
      EXPECT_EQ(acts, acted);
      killer.host = nullptr;
    });
    end.was_killed = killer.has_killed;
    end.fingerprint = loop.fingerprint();
    EXPECT_EQ(loop.core().task_count, 0u);
  }
  EXPECT_EQ(Counted::count, 0);
  return end;
}

void KillEverywhere(Killer::Place place, uint64_t seed) {
  uint64_t killed = 0;
  for (uint64_t step = 1;; ++step) {
    SCOPED_TRACE(::testing::Message() << "killed at step " << step << ", seed " << seed);
    const End end = RunKilled(place, step, seed);
    EXPECT_THAT(end.reports, IsEmpty());
    if (!end.was_killed || ::testing::Test::HasFailure()) break;
    ++killed;
  }
  EXPECT_GT(killed, 100u);
}

TEST(KillEverywhereTest, BetweenTwoStepsNothingIsLeft) {
  for (uint64_t seed = 0; seed < 3; ++seed) KillEverywhere(Killer::Place::kAfter, seed);
}

TEST(KillEverywhereTest, InAStepOfItsOwnNothingIsLeft) {
  for (uint64_t seed = 0; seed < 3; ++seed) KillEverywhere(Killer::Place::kWithin, seed);
}

TEST(KillEverywhereTest, IsTheSameEachTime) {
  for (uint64_t step = 20; step < 200; step += 20) {
    EXPECT_EQ(RunKilled(Killer::Place::kWithin, step, 7).fingerprint,
              RunKilled(Killer::Place::kWithin, step, 7).fingerprint);
  }
}

}  // namespace
}  // namespace detent
