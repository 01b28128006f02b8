// SPDX-License-Identifier: Apache-2.0
//
// `count_primes 1000000` prints how many primes are below it. The workers are this program again, started by exec: a
// process with threads cannot go on after a fork() alone.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "detent/examples/primes.h"
#include "detent/runtime/io/process_worker.h"
#include "detent/runtime/runtime.h"

namespace {

detent::Coro<> Main(long long end) {
  detent::ProcessPool pool(detent::Command("/proc/self/exe", "--worker"));
  const long long count = co_await detent_examples::CountPrimesBelow(end, pool);
  std::printf("%lld\n", count);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "--worker") {
    return detent::RunProcessWorker(detent_examples::CountPrimes);
  }
  detent::Run(Main(argc > 1 ? std::atoll(argv[1]) : 1'000'000));
}
