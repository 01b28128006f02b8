// SPDX-License-Identifier: Apache-2.0
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

}  // namespace detent_bench::ours
