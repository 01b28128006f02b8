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
    0x9892e36c10124f46, 0xa7505acc821698b6, 0xdf296e62211c9ee5, 0xa9f6ea427381a2b9,
    0x0cbcd9c2c4f3bec9, 0x5d8266ea900b8015, 0x4e84675680be32b3, 0xaaee5f062a46c27b,
    0xc5a2a4ba8e61d01a, 0x3d48c727f7694b42, 0xf14aed85e6dde432, 0x9beffbdeed51e59d,
    0xc60a0cfc3f3ce623, 0xe378862c01d562ed, 0x22e797803b6f563f, 0x90841745850bd294,
    0xd5b003356be32182, 0xc4e6b285aa94f866, 0xedb02581fcfe0bc8, 0xb7d64af03518fe3b,
    0x49da7f9a0834acd1, 0xbf238726e173f6d6, 0x30098d10250d79d9, 0x26b0e1fe906a3df2,
    0xc5c7ee36266bd2ee, 0x3eba4d28314f6806, 0x68fae84baf8d09c8, 0x58b8bc0d77b71d05,
    0xb7cc86781309aec9, 0x83dd25e76df0ee18, 0x565158be942fbfd4, 0x0dced171058a33d7,
    0x14e9bca59208a620, 0x0684ebf1b747cfaf, 0xb81b7fef15a13755, 0x0f22112a16782864,
    0xf47b0c1875dbdda9, 0xa30650e06827d225, 0x3df2474b780f22a0, 0xad15a617947ce1f3,
    0xb946af695c8fd0a5, 0xbb4f7d49ff7c2852, 0x7fc144ab9091e086, 0xaafd48085fba9e99,
    0x4054b78cceee8451, 0xf0f7b250e8019084, 0x7b4f431110188594, 0xb8d706376ed48ed2,
    0x0863597eb400501e, 0x45b4c22bf3e662c5,
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
