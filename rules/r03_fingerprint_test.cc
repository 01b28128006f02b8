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
    0x4cce1da534a70eb6, 0xe001510a9d2c594b, 0x3afc9228bebd5997, 0x7da549e94dfa59ed, 0x18efeeb2473a7307,
    0xbef8a45155fdd929, 0xd65175059cb6c3a1, 0x79584ac44353e44d, 0xe37ec8a8e2cc1308, 0xdfdf2b2ad2e9f8f5,
    0x04f3f18c5216211e, 0xf2375a64c91fa32e, 0x6c471739c5822455, 0x5a7f372d41ce8bf2, 0x4c528ca333be942c,
    0x55c8bc1daed9d681, 0x5f4602f01624aa20, 0xbfa12460181a6c00, 0x41cc2672ccdcf9cd, 0x9884aed537f96db3,
    0xb5862f26dda09b6f, 0xe92cbaf4f5bf4f92, 0x8a981a69d4c371c5, 0xc4e3a17769ea9164, 0x1f735adaf1bde174,
    0x097c4333283790c5, 0x81d184a58f97eb60, 0x402045e71e137337, 0xb65c4e249828aac5, 0x76636e2eabcfa0c7,
    0x6b3a458dd0d2d696, 0x0545e7611a0a4602, 0x8b5db96456be2951, 0x3b4baf737befc5f2, 0x92a6d8c003989d33,
    0x563e8822b73cb54f, 0xe809bace6ee6b3ba, 0x68a38ec77140a106, 0xc833b815439fc1c6, 0x584509fdf73c56ea,
    0xa5c27747603d8436, 0x3f2370f106f0f8ba, 0x8b37a595614adeb9, 0x39bf1230b4d143ef, 0x186d8515807afe21,
    0x2d77150ec6c792da, 0xdaeb442574c6d98e, 0xd51f6e77e022e244, 0x9790467a2f16f47a, 0xaaade18188908de7,
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
