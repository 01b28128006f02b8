// SPDX-License-Identifier: Apache-2.0
//
// What a ProcessPool leaves: no process and no descriptor, whichever way its workers end.
#include <dirent.h>
#include <sys/wait.h>

#include <cerrno>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/io/adopt_test.h"
#include "runtime/io/process_pool_test.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using ::testing::HasSubstr;

constexpr char kProgram[] = "/proc/self/exe";

size_t CountDescriptors() {
  if (!HasKernel()) return EventLoop::Current().Metrics().descriptors;
  DIR* const directory = opendir("/proc/self/fd");
  size_t count = 0;
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

bool HasNoChildren() {
  siginfo_t info;
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

class ProcessPoolEndTest : public ::testing::Test {
 protected:
  ProcessPoolEndTest() {
    EXPECT_TRUE(kIsNoWorker);
    sim::AddProgram(kProgram, [this](sim::ProcessContext& process) { return RunCounted(process); });
  }

  static Command Worker() { return std::move(Command(kProgram).Environment(kWorkerVariable, "1")); }

  // Whether no worker runs or has still to be waited for.
  bool NobodyIsLeft() const { return HasKernel() ? HasNoChildren() : simulated_ == 0; }
  Coro<> UntilNobodyIsLeft() const {
    while (!NobodyIsLeft()) co_await Sleep(absl::Milliseconds(1));
  }
  // So that what is opened once is open.
  Coro<> UseOnce() const {
    {
      ProcessPool pool(Worker());
      EXPECT_EQ(co_await pool.Run("a"), "done: a");
    }
    co_await UntilNobodyIsLeft();
  }

 private:
  Coro<int> RunCounted(sim::ProcessContext& process) {
    ++simulated_;
    const absl::Cleanup has_ended = [this] { --simulated_; };
    co_return co_await SimulatedWorker(process);
  }

  int simulated_ = 0;
};

LOOP_TEST_F(ProcessPoolEndTest, APoolThatGoesTakesItsWorkersAlong) {
  co_await UseOnce();
  const size_t before = CountDescriptors();
  {
    ProcessPool pool(Worker(), {.workers_max = 3});
    co_await Gather(pool.Run("a"), pool.Run("b"), pool.Run("c"));
    EXPECT_EQ(pool.WorkerCount(), 3u);
    EXPECT_FALSE(NobodyIsLeft());
    EXPECT_GT(CountDescriptors(), before);
  }
  co_await UntilNobodyIsLeft();
  EXPECT_EQ(CountDescriptors(), before);
}

LOOP_TEST_F(ProcessPoolEndTest, AWorkerThatASignalEndedLeavesNothingInThePool) {
  co_await UseOnce();
  const size_t before = CountDescriptors();
  ProcessPool pool(Worker(), {.workers_max = 1});
  EXPECT_THAT(co_await EndOf(pool.Run("die")), HasSubstr("ended by SIGABRT"));
  co_await UntilNobodyIsLeft();
  EXPECT_EQ(CountDescriptors(), before);
}

// One that gives no answer any more, and goes on.
SIM_TEST_F(ProcessPoolEndTest, AWorkerThatOnlyClosesItsOutputIsKilled) {
  ProcessPool pool(Worker(), {.workers_max = 1});
  EXPECT_THAT(co_await EndOf(pool.Run("mute")), HasSubstr("did not answer: ended by SIGKILL"));
  EXPECT_EQ(co_await pool.Run("next"), "done: next");
}

// A child of its own has its pipes, so that a job could still be sent.
TEST(ProcessPoolRealTest, AWorkerThatHasEndedIsGivenNoJobThoughItsPipesAreOpen) {
  detent::Run([]() -> Coro<> {
    Command worker(kProgram);
    worker.Environment(kWorkerVariable, "1");
    ProcessPool pool(worker, {.workers_max = 1});
    EXPECT_EQ(co_await pool.Run("leave a child"), "done: leave a child");
    while (!HasNoChildren()) co_await Sleep(absl::Milliseconds(1));
    EXPECT_EQ(co_await pool.Run("next"), "done: next");
  });
}

TEST(ProcessPoolRealTest, AWorkerThatDiesFailsItsJobThoughItsPipesAreOpen) {
  detent::Run([]() -> Coro<> {
    Command worker(kProgram);
    worker.Environment(kWorkerVariable, "1");
    ProcessPool pool(worker, {.workers_max = 1});
    EXPECT_THAT(co_await EndOf(pool.Run("die with a child")), HasSubstr("did not answer: ended by SIGABRT"));
    EXPECT_EQ(co_await pool.Run("next"), "done: next");
  });
}

LOOP_TEST_F(ProcessPoolEndTest, ACancelledJobLeavesNothingInThePool) {
  co_await UseOnce();
  const size_t before = CountDescriptors();
  ProcessPool pool(Worker(), {.workers_max = 1});
  Task<std::string> endless = Spawn(pool.Run("never"));
  while (NobodyIsLeft()) co_await Yield();
  endless.Cancel();
  EXPECT_EQ(co_await EndOf(endless), "cancelled");
  co_await UntilNobodyIsLeft();
  EXPECT_EQ(CountDescriptors(), before);
}

LOOP_TEST_F(ProcessPoolEndTest, APoolThatGoesDuringAJobTakesThoseAlongThatHaveNone) {
  Task<std::string> endless;
  size_t with_one;
  {
    ProcessPool pool(Worker(), {.workers_max = 2});
    EXPECT_EQ(co_await pool.Run("a"), "done: a");
    with_one = CountDescriptors();
    co_await Gather(pool.Run("b"), pool.Run("c"));
    EXPECT_EQ(pool.WorkerCount(), 2u);
    endless = Spawn(pool.Run("never"));
    while (pool.BusyCount() == 0) co_await Yield();
  }
  while (CountDescriptors() > with_one) co_await Sleep(absl::Milliseconds(1));
  EXPECT_FALSE(NobodyIsLeft());
  endless.Cancel();
  EXPECT_EQ(co_await EndOf(endless), "cancelled");
  co_await UntilNobodyIsLeft();
}

// It does not wait for a job that another worker has.
LOOP_TEST_F(ProcessPoolEndTest, AWorkerOfAPoolThatIsGoneEndsWithItsOwnJob) {
  co_await UseOnce();
  const size_t before = CountDescriptors();
  Task<std::string> endless;
  Task<std::string> last;
  size_t with_both;
  {
    ProcessPool pool(Worker(), {.workers_max = 2});
    co_await Gather(pool.Run("a"), pool.Run("b"));
    with_both = CountDescriptors();
    endless = Spawn(pool.Run("never"));
    last = Spawn(pool.Run("large"));
    while (pool.BusyCount() < 2) co_await Yield();
  }
  EXPECT_EQ(co_await EndOf(last), "value");
  while (CountDescriptors() >= with_both) co_await Sleep(absl::Milliseconds(1));
  endless.Cancel();
  EXPECT_EQ(co_await EndOf(endless), "cancelled");
  co_await UntilNobodyIsLeft();
  EXPECT_EQ(CountDescriptors(), before);
}

// Once it has answered.
LOOP_TEST_F(ProcessPoolEndTest, AJobOfAPoolThatIsGoneEndsItsWorker) {
  co_await UseOnce();
  const size_t before = CountDescriptors();
  Task<std::string> last;
  {
    ProcessPool pool(Worker(), {.workers_max = 1});
    last = Spawn(pool.Run("large"));
    while (pool.BusyCount() == 0) co_await Yield();
  }
  EXPECT_EQ(co_await EndOf(last), "value");
  co_await UntilNobodyIsLeft();
  EXPECT_EQ(CountDescriptors(), before);
}

}  // namespace
}  // namespace detent
