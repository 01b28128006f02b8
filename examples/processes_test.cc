// SPDX-License-Identifier: Apache-2.0
//
// What computes, in processes of its own: run_in_executor() with a process pool. On the real loop the workers are
// count_primes.cc, on the simulated one a coroutine under the same name.
#include <string>

#include "detent/examples/primes.h"
#include "detent/runtime/core.h"
#include "detent/runtime/io/process_worker.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"
#include "gtest/gtest.h"

namespace {

using detent::Command;
using detent::Coro;
using detent::ProcessPool;
using detent_examples::CountPrimes;
using detent_examples::CountPrimesBelow;

constexpr char kProgram[] = "examples/count_primes";

Coro<int> Worker(detent::sim::ProcessContext& process) {
  co_await detent::ServeProcessJobs(process.In(), process.Out(), CountPrimes);
  co_return 0;
}

class ProcessesTest : public ::testing::Test {
 protected:
  ProcessesTest() { detent::sim::AddProgram(kProgram, Worker); }
};

LOOP_TEST_F(ProcessesTest, WorkersShareTheWork) {
  ProcessPool pool(Command(kProgram, "--worker"), {.workers_max = 3});
  EXPECT_EQ(co_await CountPrimesBelow(20'000, pool), 2262);
  EXPECT_LE(pool.WorkerCount(), 3u);
  EXPECT_EQ(pool.BusyCount(), 0u);
}

LOOP_TEST_F(ProcessesTest, AJobThatIsNoneSaysSo) {
  ProcessPool pool(Command(kProgram, "--worker"));
  try {
    (void)co_await pool.Run("all of them");
    ADD_FAILURE() << "it was done";
  } catch (const detent::ProcessJobError& e) {
    EXPECT_STREQ(e.what(), "\"all of them\" is not two numbers");
  }
}

}  // namespace
