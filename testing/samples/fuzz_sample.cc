// SPDX-License-Identifier: Apache-2.0
//
// A bug for a fuzzer to find; fuzz_main_test.cc runs it. It fails by design, in one schedule of half a million.
#include <cstdlib>

#include "detent/runtime/core.h"
#include "detent/testing/testing.h"

namespace {

using detent::Coro;

// Whether task `who` of three is the first to write.
Coro<bool> IsFirst(int who) {
  detent::Shared<int> winner(-1);
  auto write = [&](int self) -> Coro<> {
    (void)co_await winner.Update([self](int value) { return value < 0 ? self : value; });
  };
  co_await detent::Gather(write(0), write(1), write(2));
  co_return co_await winner.Load() == who;
}

Coro<bool> IsUnlucky() {
  for (int round = 0; round < 12; ++round) {
    if (!co_await IsFirst(1 + round % 2)) co_return false;
  }
  co_return true;
}

SIM_TEST(Fuzz, NeedsTwelveHandOffs) {
  const bool is_unlucky = co_await IsUnlucky();
  EXPECT_FALSE(is_unlucky);
}

SIM_TEST(Fuzz, AbortsAfterTwelveHandOffs) {
  if (co_await IsUnlucky()) std::abort();
}

SIM_TEST(Fuzz, Passes) { (void)co_await IsFirst(1); }

}  // namespace
