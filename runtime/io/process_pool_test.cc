// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/process_pool.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/io/process_pool_test.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr char kProgram[] = "/proc/self/exe";

class ProcessPoolTest : public ::testing::Test {
 protected:
  ProcessPoolTest() {
    EXPECT_TRUE(kIsNoWorker);
    sim::AddProgram(kProgram, SimulatedWorker);
  }

  static Command Worker() { return std::move(Command(kProgram).Environment(kWorkerVariable, "1")); }
};

LOOP_TEST_F(ProcessPoolTest, GivesTheResult) {
  ProcessPool pool(Worker());
  EXPECT_EQ(co_await pool.Run("a job"), "done: a job");
  EXPECT_EQ(co_await pool.Run(""), "done: ");
  EXPECT_EQ((co_await pool.Run(std::string(300'000, 'y'))).size(), 300'006u);
  EXPECT_EQ(pool.WorkerCount(), 1u);
  EXPECT_EQ(pool.BusyCount(), 0u);
}

LOOP_TEST_F(ProcessPoolTest, HasNoMoreWorkersThanItMay) {
  ProcessPool pool(Worker(), {.workers_max = 2});
  size_t workers_most = 0;
  std::vector<std::string> results;
  std::vector<Coro<>> jobs;
  for (int i = 0; i < 7; ++i) {
    jobs.push_back(
        [](ProcessPool& its_pool, int number, size_t& most, std::vector<std::string>& its_results) -> Coro<> {
          its_results.push_back(co_await its_pool.Run(std::to_string(number)));
          most = std::max(most, its_pool.WorkerCount());
        }(pool, i, workers_most, results));
  }
  co_await Gather(std::move(jobs));
  EXPECT_LE(workers_most, 2u);
  EXPECT_THAT(results,
              UnorderedElementsAre("done: 0", "done: 1", "done: 2", "done: 3", "done: 4", "done: 5", "done: 6"));
}

LOOP_TEST_F(ProcessPoolTest, WhatAJobThrowsIsItsError) {
  ProcessPool pool(Worker());
  EXPECT_EQ(co_await EndOf(pool.Run("throw")), "the job does not like it");
  EXPECT_EQ(co_await pool.Run("next"), "done: next");
  EXPECT_EQ(pool.WorkerCount(), 1u);
  CO_ASSERT_THROW((void)co_await pool.Run("throw"), ProcessJobError);
}

LOOP_TEST_F(ProcessPoolTest, AWorkerThatDiesFailsItsJobAndIsReplaced) {
  ProcessPool pool(Worker(), {.workers_max = 1});
  EXPECT_EQ(
      co_await EndOf(pool.Run("die")),
      "ProcessPool::Run(): the worker /proc/self/exe did not answer: ended by SIGABRT; the job may have been done, and "
      "the next one gets another worker");
  EXPECT_EQ(pool.WorkerCount(), 0u);
  EXPECT_EQ(co_await pool.Run("next"), "done: next");
  EXPECT_THAT(co_await EndOf(pool.Run("leave")), HasSubstr("did not answer: exit code 3; the job"));
  EXPECT_EQ(co_await pool.Run("next"), "done: next");
  CO_ASSERT_THROW((void)co_await pool.Run("die"), ProcessWorkerError);
}

// Whether its end was seen already or not: the job had not begun there.
LOOP_TEST_F(ProcessPoolTest, AWorkerThatEndedWithoutAJobFailsNobody) {
  ProcessPool pool(Worker(), {.workers_max = 1});
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(co_await pool.Run("last"), "done: last");
    EXPECT_EQ(co_await pool.Run("next"), "done: next");
  }
}

// A computation cannot be stopped otherwise; and whoever waits for a worker gets one.
LOOP_TEST_F(ProcessPoolTest, ACancelledJobFreesItsWorker) {
  ProcessPool pool(Worker(), {.workers_max = 1});
  EXPECT_EQ(co_await pool.Run("first"), "done: first");
  Task<std::string> endless = Spawn(pool.Run("never"));
  Task<std::string> waits = Spawn(pool.Run("waits"));
  Task<std::string> gives_up = Spawn(pool.Run("gives up"));
  while (pool.BusyCount() == 0) co_await Yield();
  gives_up.Cancel();
  EXPECT_EQ(co_await EndOf(gives_up), "cancelled");
  endless.Cancel();
  EXPECT_EQ(co_await EndOf(endless), "cancelled");
  EXPECT_EQ(co_await waits, "done: waits");
  EXPECT_EQ(pool.WorkerCount(), 1u);
}

// Wherever it strikes, in starting, sending, computing or answering: the next job is done.
LOOP_TEST_F(ProcessPoolTest, AJobMayBeCancelledAnywhere, {.schedules = 300}) {
  ProcessPool pool(Worker(), {.workers_max = 1});
  for (int steps = 0; steps < 12; ++steps) {
    Task<std::string> cancelled = Spawn(pool.Run("large"));
    for (int i = 0; i < steps && !cancelled.Done(); ++i) co_await Yield();
    cancelled.Cancel();
    const std::string end = co_await EndOf(cancelled);
    EXPECT_THAT(end, AnyOf("cancelled", "value"));
    EXPECT_EQ(co_await pool.Run("next"), "done: next");
  }
  EXPECT_EQ(pool.WorkerCount(), 1u);
}

LOOP_TEST_F(ProcessPoolTest, APoolThatGoesLeavesAJobThatRunsAlone) {
  std::vector<Task<std::string>> jobs;
  {
    ProcessPool pool(Worker(), {.workers_max = 1});
    jobs.push_back(Spawn(pool.Run("a")));
    jobs.push_back(Spawn(pool.Run("b")));
    while (pool.BusyCount() == 0) co_await Yield();
  }
  std::vector<std::string> ends;
  for (const Task<std::string>& job : jobs) ends.push_back(co_await EndOf(job));
  EXPECT_THAT(ends, UnorderedElementsAre("value",
                                         "ProcessPool::Run(): the pool was destroyed before a worker was free; "
                                         "let it live until its jobs have ended"));
}

LOOP_TEST_F(ProcessPoolTest, AResultMayBeTooLarge) {
  ProcessPool pool(Worker(), {.result_max = 100'000});
  EXPECT_EQ(co_await EndOf(pool.Run("large")),
            "ProcessPool::Run(): /proc/self/exe has a result of 300000 bytes, and result_max is 100000");
  EXPECT_EQ(co_await pool.Run("next"), "done: next");
}

LOOP_TEST_F(ProcessPoolTest, AProgramThatIsNoWorkerIsTold) {
  sim::AddProgram("echo", [](sim::ProcessContext& process) -> Coro<int> {
    co_await process.Out().Write("hello, world\n");
    co_await Sleep(absl::InfiniteDuration());
    co_return 0;
  });
  ProcessPool pool(Command("echo", "hello, world"));
  EXPECT_THAT(co_await EndOf(pool.Run("a")),
              AnyOf(HasSubstr("echo 'hello, world' answered is no answer"), HasSubstr("did not answer")));
  ProcessPool nothing(Command("there-is-no-such-program"));
  EXPECT_EQ(co_await EndOf(nothing.Run("a")), "start there-is-no-such-program: No such file or directory");
  EXPECT_EQ(nothing.WorkerCount(), 0u);
}

TEST(ProcessPoolMisuseTest, APoolWithoutWorkers) {
  try {
    ProcessPool pool(Command("true"), {.workers_max = 0});
    ADD_FAILURE() << "was made";
  } catch (const std::invalid_argument& e) {
    EXPECT_STREQ(e.what(), "ProcessPool(): workers_max is 0; without a worker no job would ever begin: give 1 or more");
  }
}

}  // namespace
}  // namespace detent
