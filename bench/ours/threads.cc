// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <thread>

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

}  // namespace detent_bench::ours
