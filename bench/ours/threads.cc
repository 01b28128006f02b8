// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "detent/bench/harness/workload.h"
#include "detent/bench/ours/ours.h"
#include "detent/runtime/runtime.h"

namespace detent_bench::ours {

void CallFromThread(uint64_t ops) {
  detent::EpollLoop loop;
  uint64_t ran = 0;
  std::thread caller([&] {
    for (uint64_t i = 0; i < ops; ++i) loop.CallSoonThreadsafe([&ran] { ++ran; });
    loop.CallSoonThreadsafe([&loop] { loop.Stop(); });
  });
  loop.RunForever();
  caller.join();
  Require(ran == ops, "every call runs once");
}

void ChannelBetweenLoops(uint64_t ops) {
  detent::Channel<uint64_t> channel(/*capacity=*/64);
  uint64_t sum = 0;
  detent::RunThreads(2, [&](int index) -> detent::Coro<> {
    if (index == 0) {
      for (uint64_t i = 0; i < ops; ++i) co_await channel.Send(1);
      channel.Close();
    } else {
      while (const std::optional<uint64_t> one = co_await channel.Receive()) sum += *one;
    }
  });
  Require(sum == ops, "every message comes once");
}

namespace {

double CancelBeside(int others, uint64_t ops) {
  detent::EpollLoop loop;
  detent::Event never;
  double took = 0;
  loop.Run([&]() -> detent::Coro<> {
    std::vector<detent::Task<>> waiting;
    for (int i = 0; i < others; ++i) waiting.push_back(detent::Spawn(never.Wait()));
    std::vector<detent::ThreadFuture<>> futures;
    const int64_t before = CpuNanoseconds();
    co_await loop.RunInExecutor([&] {
      for (uint64_t i = 0; i < ops; ++i) {
        futures.push_back(detent::RunCoroutineThreadsafe(loop, [&]() -> detent::Coro<> { co_await never.Wait(); }));
        futures.back().Cancel();
      }
    });
    for (const detent::ThreadFuture<>& future : futures) {
      while (!future.Done()) co_await detent::Yield();
    }
    took = static_cast<double>(CpuNanoseconds() - before);
    never.Set();
    for (const detent::Task<>& each : waiting) co_await each;
  });
  return took;
}

}  // namespace

double CancelFromThread(uint64_t ops) { return CancelBeside(0, ops); }

double CancelFromThreadAmongMany(uint64_t ops) { return CancelBeside(100'000, ops); }

}  // namespace detent_bench::ours
