// SPDX-License-Identifier: Apache-2.0
//
// Rule R3: a run is the same on every compiler, at every optimisation level, with and without sanitizers. One program
// that uses a bit of everything is run under 50 seeds, and its fingerprints are compared with the values below.
#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>

#include "detent/runtime/core.h"
#include "detent/runtime/io/net.h"
#include "detent/sim/fingerprint.h"
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
    0x4cce1da534a70eb6, 0x29594ddff9c32a07, 0x03de0351d1e26d97, 0x5713e7cadf50097e, 0x634afa80cf7a03a2,
    0x029941b779b830a8, 0x8b4cae1815148666, 0x291ce43dbab7276a, 0xf1692066e910c7b4, 0xb269b520f0747142,
    0x165b585b5d7db92b, 0xf2375a64c91fa32e, 0x6c471739c5822455, 0x3b9812471c359434, 0x34b05d4f13915b37,
    0x55c8bc1daed9d681, 0x85f9b8a8c49a9684, 0xb6fb8ddd838e9fd2, 0x4eaf48cfa1b7b8cf, 0xfc166c4c13b6a9b4,
    0x170ecea88edfe51d, 0x9f6d7322d245d5e8, 0xed613be241d42703, 0xb61b5b60f5897f49, 0x24d7d29bd0439407,
    0xceb2beaa3a891b1e, 0xa2a52c1f738bf5fc, 0x5d37f4d02e420541, 0xa2e50e60839d8afd, 0xee099f5b60369952,
    0x647e5c305f9921b1, 0xe7a816a6c2be0e61, 0xe052912b8fea9307, 0xfbf1817a6a652029, 0x47f8e21e996073df,
    0x38b6e474724dc50f, 0xa8618a6391ec1057, 0xc93ede942a731ab1, 0x59f9359fdcd6c8d3, 0xca02999e3ce9bda6,
    0x9e8c5cbd69add3bb, 0x3ab76fe12cb0b10e, 0x1dbe4aac0e039260, 0xfd4d8d5412a36df2, 0x186d8515807afe21,
    0x2d77150ec6c792da, 0x733f2bf0eadfd958, 0xd51f6e77e022e244, 0x9790467a2f16f47a, 0xa2583b4c117e8dba,
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
