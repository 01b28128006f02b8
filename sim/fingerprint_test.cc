// SPDX-License-Identifier: Apache-2.0
//
// Rule R3: a run is the same on every compiler, at every optimisation level, with and without sanitizers. One program
// that uses a bit of everything is run under 50 seeds, and its fingerprints are compared with the values below.
#include "detent/sim/fingerprint.h"

#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>

#include "detent/runtime/core.h"
#include "detent/runtime/net.h"
#include "detent/sim/sim.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

Coro<> EchoLines(Connection connection) {
  while (true) {
    Outcome<std::string> line = co_await Settle(connection.ReadUntil("\n"));
    if (!line.ok()) co_return;
    co_await connection.Write(line.value());
  }
}

Coro<> Serve(Listener* listener) {
  while (true) Spawn(EchoLines, co_await listener->Accept());
}

Coro<size_t> Ask(int port, int questions) {
  Connection connection = co_await Connect("127.0.0.1", port);
  size_t bytes = 0;
  for (int i = 0; i < questions; ++i) {
    co_await Sleep(absl::Microseconds(Choose(4) * 100));
    const std::string question = "question " + std::to_string(i) + "\n";
    co_await connection.Write(question);
    bytes += (co_await connection.ReadUntil("\n")).size();
  }
  co_return bytes;
}

Coro<> Produce(Queue<int>* queue, Lock* lock, int items) {
  for (int i = 0; i < items; ++i) {
    auto held = co_await lock->Hold();
    if (Fault("slow", 0.3)) co_await Sleep(absl::Milliseconds(2));
    co_await queue->Put(i);
  }
}

Coro<> Consume(Queue<int>* queue) {
  while (true) {
    const int item = co_await queue->Get();
    if (item % 3 == 0) co_await Yield();
    queue->TaskDone();
  }
}

Coro<> Program() {
  Listener listener = co_await Listen("127.0.0.1", 0);
  Task<> server = Spawn(Serve, &listener);

  Lock lock("lock");
  Queue<int> queue(/*maxsize=*/2, "queue");
  Semaphore semaphore(1);
  Event done;
  std::vector<Task<>> workers;
  for (int i = 0; i < 2; ++i) workers.push_back(Spawn(Consume, &queue));
  workers.push_back(Spawn([&]() -> Coro<> {
    auto permit = co_await semaphore.Hold();
    co_await done.Wait();
  }));

  auto talk = Gather(Ask(listener.Port(), 3), Ask(listener.Port(), 2));
  co_await Gather(Produce(&queue, &lock, 5), Produce(&queue, &lock, 4));
  // A deadline that strikes now and then.
  (void)co_await AsStatus(WithTimeout(absl::Milliseconds(3), [&](Timeout&) -> Coro<> { co_await queue.Join(); }));
  const int computed = co_await EventLoop::Current().RunInExecutor([] { return 6 * 7; });
  EXPECT_EQ(computed, 42);
  const auto [first, second] = co_await std::move(talk);
  EXPECT_EQ(first, 33u);
  EXPECT_EQ(second, 22u);
  (void)co_await Race(Sleep(absl::Milliseconds(1)), Invoke([&]() -> Coro<> { co_await done.Wait(); }));
  done.Set();
  for (const Task<>& worker : workers) worker.Cancel();
  server.Cancel();
  (void)co_await Wait(workers, ReturnWhen::kAllCompleted);
  (void)co_await Settle(server);
}

constexpr std::array<uint64_t, 50> kFingerprints = {
    0x3b7f8bc3f5056e27,
    0x5090682df3159a55,
    0xf9e6176bdb3cc301,
    0x21408ebbb8ec0389,
    0x257ee11003714c10,
    0x07fc562c671701d2,
    0x9e409853ab7422bf,
    0xc16e7aa80c8bf89c,
    0x234ee08f23efe219,
    0xb20f1bb15e2e5aa0,
    0xa32e4e70b6f3d211,
    0x3e1bd83da4337498,
    0xe68a9ace49f3b92e,
    0xb29a64116601c7b7,
    0xdeddaee7363b52a7,
    0xf7aa7978fa9eba96,
    0xc0a93b07d299297b,
    0xeed3592ae9cf942e,
    0x85242c8bb507f335,
    0xd0d8cce2a3e5a98b,
    0x123b429b25845721,
    0x9de7c92e8889255f,
    0x2bd63fdff1dc7375,
    0xc1a1a1e70cc37e92,
    0xa9a804a58c986867,
    0x7001a954eea9043f,
    0x4121765586696cb6,
    0x1f69823c70af2e31,
    0xc6dbb2443eeeb0b6,
    0x7b73a8e7fbde9c80,
    0x1b70309305b281c0,
    0xcb095f56d3fd9d89,
    0x638fbbe2798ad34d,
    0x5d1fe0b09305f5c2,
    0xafd4281d97c87a5c,
    0xe977808d2683fbd1,
    0x459eb159b12b64a7,
    0x57d566ea0f0d5590,
    0xe8acfb7eaa8fa32c,
    0x90ca1d85cb0df6b6,
    0x3dd029c08b78c457,
    0x36c2d8ce9deaba7e,
    0x493d27a70b71fe0b,
    0x14047e2d225a05b7,
    0x7892e2de2c0a19f0,
    0xaf3ceed0037f4247,
    0xef48b17398827324,
    0x2d8493bcb8ffe06e,
    0xcace77c4ada719d2,
    0x2783cb54169aeed8,
};

TEST(FingerprintTest, IsTheSameOnEveryCompilerAndAtEveryOptimisationLevel) {
  SimLoop loop;
  bool same = true;
  std::string table;
  for (uint64_t seed = 0; seed < kFingerprints.size(); ++seed) {
    loop.Reset(seed);
    loop.Run(Program());
    same &= loop.fingerprint() == kFingerprints[seed];
    char line[32];
    std::snprintf(line, sizeof(line), "    0x%016" PRIx64 ",\n", loop.fingerprint());
    table += line;
  }
  EXPECT_TRUE(same) << "the fingerprints have changed. If a change of the library's behaviour is the reason, replace "
                       "the table with this one; if not, something depends on the compiler or on chance:\n"
                    << table;
}

TEST(FingerprintTest, TellsRunsApart) {
  SimLoop a({.seed = 1}), b({.seed = 2});
  a.Run(Program());
  b.Run(Program());
  EXPECT_NE(a.fingerprint(), b.fingerprint());
}

TEST(FingerprintTest, DoesNotDependOnWhatRanBefore) {
  SimLoop fresh({.seed = 3}), used({.seed = 9});
  used.Run(Program());
  used.Run(Program());
  used.Reset(3);
  fresh.Run(Program());
  used.Run(Program());
  EXPECT_EQ(fresh.fingerprint(), used.fingerprint());
}

TEST(FingerprintTest, NamesAreNoPartOfIt) {
  auto run = [](const char* name) {
    SimLoop loop({.seed = 1});
    loop.Run([name]() -> Coro<> {
      Lock lock(name);
      auto body = [&]() -> Coro<> {
        auto held = co_await lock.Hold();
        co_await Yield();
      };
      Task<> a = Spawn(body, {.name = name});
      Task<> b = Spawn(body);
      co_await Gather(a, b);
    });
    return loop.fingerprint();
  };
  EXPECT_EQ(run("short"), run("a much longer name"));
}

}  // namespace
}  // namespace detent::sim
