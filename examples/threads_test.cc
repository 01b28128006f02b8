// SPDX-License-Identifier: Apache-2.0
//
// Threads: a function that blocks runs in the loop's executor, so that the loop goes on; and another thread
// hands work to a loop with CallSoonThreadsafe() and RunCoroutineThreadsafe(), the two calls that it may
// make.
#include <chrono>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "detent/examples/transcript.h"
#include "detent/runtime/runtime.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"

namespace {

using detent::Coro;
using detent::EpollLoop;
using detent::EventLoop;
using detent::Future;
using detent::Gather;
using detent::RunCoroutineThreadsafe;
using detent::Sleep;
using detent::Spawn;
using detent::ThreadFuture;
using detent_examples::ExpectTranscript;
using detent_examples::kSecond;
using detent_examples::Print;

void Block(absl::Duration duration) { std::this_thread::sleep_for(absl::ToChronoNanoseconds(duration)); }

// --- A function that blocks ---

std::string SomethingBlocking() {
  Block(0.5 * kSecond);
  return "blocked long enough";
}

Coro<> DoNotBlockTheLoop() {
  const Future<std::string> blocking = EventLoop::Current().RunInExecutor(SomethingBlocking);
  Print("the loop goes on");
  const std::string result = co_await blocking;
  Print(result);
}

// On a simulated loop the function runs on the loop's own thread, as a step of its own; how long it takes in
// virtual time is one of the schedule's choices. It should not really block there, so this one blocks on the
// real loop only.
TEST(ExecutorTest, RunsABlockingFunction) {
  detent::Run([]() -> Coro<> {
    co_await ExpectTranscript([] { return DoNotBlockTheLoop(); }, R"(
the loop goes on
blocked long enough
)");
  });
}

// --- Functions that compute ---

uint64_t SumOfSquares(uint64_t n) {
  uint64_t sum = 0;
  for (uint64_t i = 1; i <= n; ++i) sum += i * i;
  return sum;
}

Coro<> ComputeInParallel() {
  EventLoop& loop = EventLoop::Current();
  std::vector<Future<uint64_t>> sums;
  for (const uint64_t n : std::vector<uint64_t>{1000, 10, 100}) {
    sums.push_back(loop.RunInExecutor([n] { return SumOfSquares(n); }));
  }
  Print(co_await Gather(std::move(sums)));
}

LOOP_TEST(ExecutorTest, ComputesInParallel) {
  co_await ExpectTranscript([] { return ComputeInParallel(); }, R"(
[333833500, 385, 338350]
)");
}

LOOP_TEST(ExecutorTest, PassesErrorsOn) {
  const Future<int> failing = EventLoop::Current().RunInExecutor([]() -> int { throw std::runtime_error("no disk"); });
  try {
    co_await failing;
    ADD_FAILURE() << "no error";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "no disk");
  }
}

// --- A loop for each core: threads that run loops of their own (in the tutorial: processes) ---

Coro<int> CoroutineDemo(int i) {
  co_await Sleep(0.1 * kSecond);
  const int square = i * i;
  co_return square;
}

TEST(LoopPerThreadTest, EachThreadHasItsOwnLoop) {
  detent::Run([]() -> Coro<> {
    EventLoop& loop = EventLoop::Current();
    std::vector<Future<int>> runners;
    for (int i = 0; i < 7; ++i) {
      runners.push_back(loop.RunInExecutor([i] { return detent::Run(CoroutineDemo(i)); }));
    }
    EXPECT_THAT(co_await Gather(std::move(runners)), testing::ElementsAre(0, 1, 4, 9, 16, 25, 36));
  });
}

// --- Work that is added from another thread while the loop runs ---

// A thread that does nothing but run a loop. A loop belongs to the thread that made it, so it makes it.
class LoopThread {
 public:
  LoopThread() : thread_([this] { RunLoop(); }), loop_(started_.get_future().get()) {}
  ~LoopThread() {
    loop_->CallSoonThreadsafe([this] { loop_->Stop(); });
    thread_.join();
  }

  EventLoop& loop() const { return *loop_; }

 private:
  void RunLoop() {
    EpollLoop loop;
    started_.set_value(&loop);
    loop.RunForever();
    loop.CancelAllTasks();
  }

  std::promise<EventLoop*> started_;
  std::thread thread_;
  EventLoop* loop_;
};

using Lines = std::vector<std::string>;  // Touched on the loop's thread only, until that has ended.

// Blocks the loop, as in the tutorial: the second call has to wait for the first.
void MoreWork(Lines& lines, int seconds) {
  lines.push_back("More work " + std::to_string(seconds));
  Block(0.01 * seconds * kSecond);
  lines.push_back("Finished more work " + std::to_string(seconds));
}

TEST(LoopThreadTest, CallsFunctionsOneAfterTheOther) {
  Lines lines;
  {
    const LoopThread thread;
    thread.loop().CallSoonThreadsafe([&] { MoreWork(lines, 6); });
    thread.loop().CallSoonThreadsafe([&] { MoreWork(lines, 3); });
    // Stops after them: what other threads add keeps its order.
  }
  EXPECT_THAT(lines,
              testing::ElementsAre("More work 6", "Finished more work 6", "More work 3", "Finished more work 3"));
}

// Does not block the loop: both are under way at the same time.
Coro<int> DoSomeWork(Lines& lines, int seconds) {
  lines.push_back("Waiting " + std::to_string(seconds));
  co_await Sleep(0.1 * seconds * kSecond);
  lines.push_back("Done after " + std::to_string(seconds) + "s");
  co_return seconds;
}

TEST(LoopThreadTest, RunsCoroutinesAtTheSameTime) {
  Lines lines;
  {
    const LoopThread thread;
    const ThreadFuture<int> slow = RunCoroutineThreadsafe(thread.loop(), DoSomeWork, std::ref(lines), 6);
    const ThreadFuture<int> quick = RunCoroutineThreadsafe(thread.loop(), DoSomeWork, std::ref(lines), 1);
    EXPECT_EQ(slow.Get() + quick.Get(), 7);  // Get() blocks this thread, not the loop.
  }
  EXPECT_THAT(lines, testing::UnorderedElementsAre("Waiting 6", "Waiting 1", "Done after 1s", "Done after 6s"));
  EXPECT_EQ(lines.front(), "Waiting 6");
}

TEST(LoopThreadTest, CancelsFromTheOtherThread) {
  Lines lines;
  const LoopThread thread;
  const ThreadFuture<int> work = RunCoroutineThreadsafe(thread.loop(), DoSomeWork, std::ref(lines), 1000);
  work.Cancel();
  EXPECT_THROW(work.Get(), detent::CancelledError);
}

// --- A simulated loop refuses such calls: when another thread makes them is not on the tape ---

TEST(LoopThreadTest, SimulatedLoopTakesNoCallsFromOtherThreads) {
  detent::sim::SimLoop loop;
  std::thread([&] { EXPECT_THROW(loop.CallSoonThreadsafe([] {}), detent::InvalidStateError); }).join();
}

}  // namespace
