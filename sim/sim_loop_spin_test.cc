// SPDX-License-Identifier: Apache-2.0
//
// A loop around awaits that go on at once never comes back to the event loop: the limit of steps ends it all the same.
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class Spin {
 public:
  Spin(std::string its_name, std::string its_wait, std::function<Coro<>()> its_body)
      : name(std::move(its_name)), wait(std::move(its_wait)), body(std::move(its_body)) {}
  std::string name;
  std::string wait;  // What the report says of it.
  std::function<Coro<>()> body;
};
void PrintTo(const Spin& spin, std::ostream* out) { *out << spin.name; }

class Pair {
 public:
  Pair() {}
  Listener listener;
  Connection client;
  Connection server;
};

// The client has said "x" and closed.
Coro<Pair> AtTheEnd() {
  Pair pair;
  pair.listener = co_await Listen("server", 80);
  pair.client = co_await Connect("server", 80);
  pair.server = co_await pair.listener.Accept();
  co_await pair.client.Write("x");
  pair.client.CloseWrite();
  EXPECT_EQ(co_await pair.server.Read(1), "x");
  co_return std::move(pair);
}

// Awaits what `make` gives, for ever, whatever comes of it.
template <typename F>
Coro<> Again(F make) {
  while (true) {
    try {
      (void)co_await make();
    } catch (const std::exception&) {
    }
  }
}

#define SPIN_WITH_SOCKETS(name, wait, call) \
  Spin(name, wait, []() -> Coro<> {         \
    Pair pair = co_await AtTheEnd();        \
    co_await Again([&] { return call; });   \
  })

std::vector<Spin> SpinsWithSockets() {
  return {
      SPIN_WITH_SOCKETS("ReadAtTheEnd", "Connection::Read on", pair.server.Read(100)),
      SPIN_WITH_SOCKETS("ReadExactlyAtTheEnd", "Connection::ReadExactly on", pair.server.ReadExactly(100)),
      SPIN_WITH_SOCKETS("ReadUntilAtTheEnd", "Connection::ReadUntil on", pair.server.ReadUntil("\n")),
      SPIN_WITH_SOCKETS("ReadOfNothing", "Connection::Read on", pair.server.Read(0)),
      SPIN_WITH_SOCKETS("WriteOfNothing", "Connection::Write on", pair.server.Write("")),
      SPIN_WITH_SOCKETS("WriteAfterCloseWrite", "Connection::Write on", pair.client.Write("x")),
      SPIN_WITH_SOCKETS("SettledRead", "Connection::Read on", Settle(pair.server.Read(100))),
      Spin("ClosedConnection", "Connection::Read on",
           []() -> Coro<> {
             Pair pair = co_await AtTheEnd();
             pair.server.Close();
             co_await Again([&] { return pair.server.Read(1); });
           }),
      Spin("ClosedListener", "Listener::Accept on",
           []() -> Coro<> {
             Listener listener = co_await Listen("server", 80);
             listener.Close();
             co_await Again([&] { return listener.Accept(); });
           }),
      Spin("AcceptWithoutDescriptors", "Listener::Accept on",
           []() -> Coro<> {
             Listener listener = co_await Listen("server", 80);
             Connection client = co_await Connect("server", 80);
             sim::SetNetworkFaults({.no_descriptors = 1});
             co_await Again([&] { return listener.Accept(); });
           }),
  };
}

std::vector<Spin> OtherSpins() {
  return {
      Spin("FreeLock", "Lock::Acquire on",
           []() -> Coro<> {
             Lock lock;
             while (true) auto held = co_await lock.Hold();
           }),
      Spin("FreeSemaphore", "Semaphore::Acquire on",
           []() -> Coro<> {
             Semaphore semaphore(1);
             while (true) auto held = co_await semaphore.Hold();
           }),
      Spin("SetEvent", "Event::Wait on",
           []() -> Coro<> {
             Event event;
             event.Set();
             co_await Again([&] { return event.Wait(); });
           }),
      Spin("QueueWithItems", "Queue::",
           []() -> Coro<> {
             Queue<int> queue;
             while (true) {
               co_await queue.Put(1);
               (void)co_await queue.Get();
             }
           }),
      Spin("JoinOfAnEmptyQueue", "Queue::Join on",
           []() -> Coro<> {
             Queue<int> queue;
             co_await Again([&] { return queue.Join(); });
           }),
      Spin("BarrierOfOne", "task \"task-1\"",
           []() -> Coro<> {
             Barrier barrier(1);
             while (true) (void)co_await barrier.Wait();
           }),
      Spin("DoneFuture", "task \"task-1\"",
           []() -> Coro<> {
             Future<int> future = MakeFuture<int>();
             future.SetResult(1);
             while (true) (void)co_await future;
           }),
      Spin("DoneTask", "task \"task-1\"",
           []() -> Coro<> {
             Task<> task = Spawn(Yield());
             co_await task;
             while (true) (void)co_await Catch(task);
           }),
      // Those that are steps anyway.
      Spin("Yield", "task \"task-1\"",
           []() -> Coro<> {
             while (true) co_await Yield();
           }),
      Spin("SleepOfNoTime", "task \"task-1\"",
           []() -> Coro<> {
             while (true) co_await Sleep(absl::ZeroDuration());
           }),
      Spin("WaitForWhatIsDone", "task \"task-1\"",
           []() -> Coro<> {
             std::vector<Task<>> tasks;
             tasks.push_back(Spawn(Yield()));
             co_await tasks[0];
             while (true) (void)co_await Wait(tasks, ReturnWhen::kAllCompleted);
           }),
  };
}

class SpinTest : public ::testing::TestWithParam<Spin> {};

TEST_P(SpinTest, EndsAtTheLimitOfSteps) {
  sim::SimLoop loop({.steps_max = 1000});
  loop.SetExceptionHandler([](const ExceptionContext&) {});
  std::string report;
  try {
    loop.Run(GetParam().body);
  } catch (const sim::LimitError& e) {
    EXPECT_EQ(e.limit(), sim::LimitError::Limit::kSteps);
    report = e.what();
  }
  EXPECT_THAT(report, StartsWith("the run passed its limit of 1000 steps at "));
  EXPECT_THAT(report, HasSubstr("raise Options::steps_max, or look for a loop that never ends; the tasks are"));
  EXPECT_THAT(report, HasSubstr(GetParam().wait));
}

// What was counted is forgotten with its run, and few are no loop.
TEST_P(SpinTest, TheNextRunCountsAnew) {
  sim::SimLoop loop({.steps_max = 1000});
  loop.SetExceptionHandler([](const ExceptionContext&) {});
  EXPECT_THROW(loop.Run(GetParam().body), sim::LimitError);
  for (uint64_t seed = 0; seed < 3; ++seed) {
    loop.Reset(seed);
    loop.Run([]() -> Coro<> {
      Lock lock;
      for (int i = 0; i < 990; ++i) auto held = co_await lock.Hold();
    });
  }
}

std::string NameOf(const ::testing::TestParamInfo<Spin>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Sockets, SpinTest, ::testing::ValuesIn(SpinsWithSockets()), NameOf);
INSTANTIATE_TEST_SUITE_P(Others, SpinTest, ::testing::ValuesIn(OtherSpins()), NameOf);

}  // namespace
}  // namespace detent
