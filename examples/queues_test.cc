// SPDX-License-Identifier: Apache-2.0
//
// Queues: producers put items in, consumers take them out, and neither knows how many of the other there are.
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "detent/examples/transcript.h"
#include "detent/runtime/core.h"
#include "detent/testing/testing.h"

namespace {

using detent::Coro;
using detent::EventLoop;
using detent::Gather;
using detent::LoopTime;
using detent::Queue;
using detent::ReturnWhen;
using detent::Sleep;
using detent::Spawn;
using detent::Task;
using detent::Wait;
using detent_examples::Elsewhere;
using detent_examples::ExpectTranscript;
using detent_examples::kSecond;
using detent_examples::Print;
using detent_examples::Record;
using detent_examples::Transcript;

// --- A bounded queue, and a stop mark for each consumer ---

using Item = std::optional<int>;  // Nothing: stop.

Coro<> Consumer(int n, Queue<Item>& queue) {
  while (true) {
    Print("consumer ", n, ": waiting for item");
    const Item item = co_await queue.Get();
    Print("consumer ", n, ": has item ", item ? std::to_string(*item) : "None");
    if (!item) {
      queue.TaskDone();
      break;
    }
    co_await Sleep(0.1 * *item * kSecond);
    queue.TaskDone();
  }
  Print("consumer ", n, ": ending");
}

Coro<> Producer(Queue<Item>& queue, int workers) {
  Print("producer: starting");

  for (int i = 0; i < workers * 3; ++i) {
    co_await queue.Put(i);
    Print("producer: add task ", i, " to queue");
  }

  Print("producer: adding stop signals to the queue");
  for (int i = 0; i < workers; ++i) co_await queue.Put(std::nullopt);
  Print("producer: waiting for queue to empty");
  co_await queue.Join();
  Print("producer: ending");
}

Coro<> ProduceAndConsume(int consumer_count) {
  Queue<Item> queue(/*maxsize=*/consumer_count, "queue");
  std::vector<Task<>> tasks;
  for (int i = 0; i < consumer_count; ++i) tasks.push_back(Spawn(Consumer(i, queue)));
  tasks.push_back(Spawn(Producer(queue, consumer_count)));
  co_await Wait(std::move(tasks), ReturnWhen::kAllCompleted);
}

LOOP_TEST(QueueTest, EndsWithStopMarks) {
  auto program = [] { return ProduceAndConsume(2); };
  const Transcript printed = co_await ExpectTranscript<Elsewhere::kAnyLines>(program, R"(
consumer 0: waiting for item
consumer 1: waiting for item
producer: starting
producer: add task 0 to queue
producer: add task 1 to queue
consumer 0: has item 0
consumer 1: has item 1
producer: add task 2 to queue
producer: add task 3 to queue
consumer 0: waiting for item
consumer 0: has item 2
producer: add task 4 to queue
consumer 1: waiting for item
consumer 1: has item 3
producer: add task 5 to queue
producer: adding stop signals to the queue
consumer 0: waiting for item
consumer 0: has item 4
consumer 1: waiting for item
consumer 1: has item 5
producer: waiting for queue to empty
consumer 0: waiting for item
consumer 0: has item None
consumer 0: ending
consumer 1: waiting for item
consumer 1: has item None
consumer 1: ending
producer: ending
)");
  // Which consumer has which item is a matter of the order. That each item is had once, and both end, is not.
  for (int i = 0; i < 6; ++i) {
    const std::string item = std::to_string(i);
    EXPECT_EQ(printed.Count("consumer 0: has item " + item) + printed.Count("consumer 1: has item " + item), 1u);
  }
  EXPECT_EQ(printed.Count("consumer 0: ending") + printed.Count("consumer 1: ending"), 2u);
  EXPECT_EQ(printed.Count("producer: ending"), 1u);
}

// --- Several producers and consumers; join() instead of stop marks ---

// The tutorial sleeps for up to ten seconds at a time. Ten milliseconds will do.
constexpr absl::Duration kTick = absl::Milliseconds(1);

int RandomUpTo(int most) { return static_cast<int>(EventLoop::Current().Random().Below(most + 1)); }

Coro<std::string> MakeItem() {
  const uint64_t bytes = EventLoop::Current().Random().Below(uint64_t{1} << 40);
  co_return absl::StrFormat("%010x", bytes);
}

Coro<> RandomSleep(std::string caller) {
  const int i = RandomUpTo(10);
  Print(caller, " sleeping for ", i, " seconds.");
  co_await Sleep(i * kTick);
}

using TimedItem = std::pair<std::string, LoopTime>;

Coro<> Produce(int name, Queue<TimedItem>& queue) {
  const int n = RandomUpTo(10);
  for (int k = 0; k < n; ++k) {
    co_await RandomSleep(absl::StrFormat("Producer %d", name));
    const std::string item = co_await MakeItem();
    const LoopTime now = EventLoop::Current().Time();
    const TimedItem timed(item, now);
    co_await queue.Put(timed);
    Print("Producer ", name, " added <", item, "> to queue.");
  }
}

Coro<> Consume(int name, Queue<TimedItem>& queue) {
  while (true) {
    co_await RandomSleep(absl::StrFormat("Consumer %d", name));
    const auto [item, since] = co_await queue.Get();
    const absl::Duration waited = EventLoop::Current().Time() - since;
    Print("Consumer ", name, " got element <", item, "> in ", absl::ToDoubleSeconds(waited), " seconds.");
    queue.TaskDone();
  }
}

Coro<> ProducersAndConsumers(int producer_count, int consumer_count) {
  Queue<TimedItem> queue;
  std::vector<Task<>> producers, consumers;
  for (int n = 0; n < producer_count; ++n) producers.push_back(Spawn(Produce(n, queue)));
  for (int n = 0; n < consumer_count; ++n) consumers.push_back(Spawn(Consume(n, queue)));
  co_await Gather(std::move(producers));
  co_await queue.Join();  // Waits for the consumers, too.
  EXPECT_TRUE(queue.Empty());
  // The tutorial cancels them and goes. They have references to the queue, so this function waits until they
  // have ended.
  for (const Task<>& consumer : consumers) consumer.Cancel();
  co_await Wait(std::move(consumers), ReturnWhen::kAllCompleted);
}

LOOP_TEST(QueueTest, EveryItemThatIsAddedIsGotOnce) {
  const Transcript printed = co_await Record([] { return ProducersAndConsumers(5, 10); });
  size_t added = 0;
  for (const std::string& line : printed.lines()) {
    const size_t start = line.find(" added <");
    if (start == std::string::npos) continue;
    ++added;
    const std::string item = line.substr(line.find('<'), 12);
    size_t got = 0;
    for (const std::string& other : printed.lines()) {
      got += other.find("got element " + item) != std::string::npos;
    }
    EXPECT_EQ(got, 1u) << item;
  }
  EXPECT_EQ(printed.Count("Producer"), 2 * added) << "a producer sleeps before each item that it adds";
}

// --- A bound for what is read but not yet dealt with: a few lines of a large file at a time ---

Coro<> ProcessEachLine(Queue<std::string>& lines, std::vector<std::string>& processed) {
  while (true) {
    std::string line = co_await lines.Get();
    processed.push_back(std::move(line));
    lines.TaskDone();
  }
}

LOOP_TEST(QueueTest, BoundsWhatIsReadAhead) {
  std::istringstream file("first\nsecond\nthird\nfourth\nfifth\n");
  Queue<std::string> lines(/*maxsize=*/2, "lines");
  std::vector<std::string> processed;
  const Task<> worker = Spawn(ProcessEachLine(lines, processed), {.name = "worker"});
  for (std::string line; std::getline(file, line);) {
    co_await lines.Put(line);
    EXPECT_LE(lines.Size(), 2u);
  }
  co_await lines.Join();
  EXPECT_THAT(processed, testing::ElementsAre("first", "second", "third", "fourth", "fifth"));
  worker.Cancel();
  co_await Wait(ReturnWhen::kAllCompleted, worker);  // It has references to this function's variables.
}

// --- Work that is added while the loop runs: whoever takes an item from the queue starts a task for it ---

Coro<> DoSomeWork(int seconds) {
  Print("waiting ", seconds);
  co_await Sleep(seconds * kTick);
  Print("done after ", seconds, "s");
}

Coro<> StartWhatComes(Queue<int>& jobs) {
  while (true) {
    const int seconds = co_await jobs.Get();
    Spawn(DoSomeWork, seconds).AddDoneCallback([&jobs](const Task<>&) { jobs.TaskDone(); });
  }
}

Coro<> AddWorkAsItComes() {
  Queue<int> jobs;
  const Task<> starter = Spawn(StartWhatComes(jobs), {.name = "starter"});
  for (const int seconds : std::vector<int>{6, 4}) {
    co_await jobs.Put(seconds);
    co_await Sleep(kTick);
  }
  co_await jobs.Join();
  starter.Cancel();
  co_await Wait(ReturnWhen::kAllCompleted, starter);
}

LOOP_TEST(QueueTest, TakesWorkWhileOtherWorkIsGoingOn) {
  co_await ExpectTranscript([] { return AddWorkAsItComes(); }, R"(
waiting 6
waiting 4
done after 4s
done after 6s
)");
}

}  // namespace
