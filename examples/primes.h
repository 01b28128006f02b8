// SPDX-License-Identifier: Apache-2.0
//
// Counting primes in worker processes: a computation that would keep a loop's thread, cut into jobs. count_primes.cc is
// it as a program, which is also its own worker.
//
//   ProcessPool pool(Command("/proc/self/exe", "--worker"));
//   int64_t count = co_await CountPrimesBelow(1'000'000, pool);
#ifndef DETENT_EXAMPLES_PRIMES_H_
#define DETENT_EXAMPLES_PRIMES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "detent/runtime/coro.h"
#include "detent/runtime/io/process_pool.h"

namespace detent_examples {

// The worker's function: how many primes are in "from to", without `to`.
std::string CountPrimes(std::string_view job);

// The sum of what the workers of `pool` find.
detent::Coro<int64_t> CountPrimesBelow(int64_t end, detent::ProcessPool& pool);

}  // namespace detent_examples

#endif  // DETENT_EXAMPLES_PRIMES_H_
