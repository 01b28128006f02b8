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
    0x61c5b791c2423c61,
    0x2532645a92387036,
    0xe7ac906ef329a5d3,
    0x9deba10d35e79ee4,
    0x6820c2ca0a1892fd,
    0x3692e4d99f490c9b,
    0x33277c0a5c5f0731,
    0x239c109c4ce5d397,
    0x97e3d0b73ba65aac,
    0xb488c54abe49c5ee,
    0x0df93867a11ccbe2,
    0x7d61cd25cf988b9b,
    0xf2b5aee71c9db1b8,
    0x4a8b34874c325ec4,
    0x98b37370b03d39e0,
    0xf11a8ca560846846,
    0xa39c8dab2ab44e7b,
    0xaab94f4c43ae87fd,
    0x3c98f4cd841c75c6,
    0x750da1ba1285900e,
    0xe5d494a413298117,
    0xf3f5f20f0342007b,
    0x55031ff48b8abcc9,
    0xc36ec8275cf03778,
    0x28d38520cddd01df,
    0x9b2364ce36771aab,
    0x4c8c11f947a527d9,
    0x70e813e705250faf,
    0xcb4b8ab3705f4be0,
    0x03cc33f74817ef08,
    0xf062e6c7f01e0342,
    0xa8e38187fd816942,
    0x6f3d22a695cf0928,
    0xb5f6ecbb9241f616,
    0x4d44d27cf212261b,
    0x0d4d906e8193512d,
    0xa087e115ac67f957,
    0xa0e711280a551f88,
    0xee17630115f6a23c,
    0x91cf2e58b058e46a,
    0xaa1f017b3ef8df8b,
    0x5dcfdc97faeefa50,
    0xc25944d639233d83,
    0x31d49c1c7f1a7819,
    0xd88e33d3d72af36a,
    0xae20b7eae1a184c6,
    0xf94a26aeed4b8867,
    0x083c7c1554f2c741,
    0xfa305e9230f5d7de,
    0x6c66ec2538329a30,
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
