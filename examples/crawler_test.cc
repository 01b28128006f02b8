// SPDX-License-Identifier: Apache-2.0
//
// Crawlers: many requests at once, but not too many. The requests here only sleep, as the tutorial's own
// stand-ins do; http_test.cc makes real ones. The last program is the tutorial's downloader, which has a bug
// that asyncio's order hides.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "detent/examples/transcript.h"
#include "detent/runtime/core.h"
#include "detent/testing/testing.h"

namespace {

using detent::AsCompleted;
using detent::Coro;
using detent::EventLoop;
using detent::Gather;
using detent::LoopTime;
using detent::Queue;
using detent::ReturnWhen;
using detent::Semaphore;
using detent::Sleep;
using detent::Spawn;
using detent::Task;
using detent::Wait;
using detent_examples::ExpectTranscript;
using detent_examples::kSecond;
using detent_examples::Print;
using detent_examples::Transcript;

// A site far away: its pages and how long they take.
const std::map<std::string, absl::Duration>& Site() {
  static const auto* const site = new std::map<std::string, absl::Duration>{
      {"/", 0.5 * kSecond}, {"/get", 0.2 * kSecond}, {"/ip", 0.1 * kSecond}, {"/headers", 0.4 * kSecond}};
  return *site;
}

Coro<std::string> Get(std::string url) {
  const auto page = Site().find(url);
  co_await Sleep(page == Site().end() ? kSecond : page->second);
  if (page == Site().end()) throw std::runtime_error("404 " + url);
  co_return "200 " + url;
}

std::vector<Coro<std::string>> GetAll() {
  std::vector<Coro<std::string>> requests;
  for (const char* url : {"/", "/get", "/ip", "/headers"}) requests.push_back(Get(url));
  return requests;
}

// --- The answers as they come, and all of them at the end ---

Coro<> CrawlAsCompleted() {
  auto completed = AsCompleted(GetAll());
  while (std::optional<Task<std::string>> next = co_await completed.Next()) Print(next->Result());
}

LOOP_TEST(CrawlerTest, PrintsAnswersAsTheyCome) {
  co_await ExpectTranscript([] { return CrawlAsCompleted(); }, R"(
200 /ip
200 /get
200 /headers
200 /
)");
}

Coro<> CrawlThenPrint() {
  const auto waited = co_await Wait(GetAll(), ReturnWhen::kAllCompleted);
  for (const Task<std::string>& request : waited.done) Print(request.Result());
}

LOOP_TEST(CrawlerTest, PrintsAnswersInTheOrderOfTheRequests) {
  const Transcript printed = co_await ExpectTranscript([] { return CrawlThenPrint(); }, R"(
200 /
200 /get
200 /ip
200 /headers
)");
  EXPECT_EQ(printed.lines().front(), "200 /");
}

// --- What it costs: as much as the slowest (the tutorial's gevent program, which prints times) ---

Coro<absl::Duration> CostOf(std::string url) {
  const LoopTime start = EventLoop::Current().Time();
  co_await Get(std::move(url));
  co_return EventLoop::Current().Time() - start;
}

LOOP_TEST(CrawlerTest, CostsAsMuchAsTheSlowestRequest) {
  const LoopTime start = EventLoop::Current().Time();
  std::vector<Coro<absl::Duration>> requests;
  for (const auto& [url, latency] : Site()) requests.push_back(CostOf(url));
  const std::vector<absl::Duration> costs = co_await Gather(std::move(requests));
  const absl::Duration total = EventLoop::Current().Time() - start;
  const absl::Duration slowest = *std::max_element(costs.begin(), costs.end());
  if (detent_examples::IsSimulated()) {
    EXPECT_EQ(total, slowest);
  } else {
    EXPECT_GE(total, slowest);
  }
}

// --- No more than so many at once ---

class Gauge {
 public:
  void Enter() { most_ = std::max(most_, ++now_); }
  void Leave() { --now_; }
  int most() const { return most_; }

 private:
  int now_ = 0;
  int most_ = 0;
};

Coro<> LimitedGet(Semaphore& concurrency, Gauge& gauge, std::string url) {
  const auto permit = co_await concurrency.Hold();  // Blocks while 5 requests are under way.
  gauge.Enter();
  const std::string answer = co_await detent::WaitFor(Get(std::move(url)), 10 * kSecond);
  EXPECT_TRUE(answer.starts_with("200 "));
  gauge.Leave();
}

LOOP_TEST(CrawlerTest, HasAtMostFiveRequestsUnderWay) {
  Semaphore concurrency(5, "concurrency");
  Gauge gauge;
  std::vector<Coro<>> requests;
  for (int i = 0; i < 30; ++i) requests.push_back(LimitedGet(concurrency, gauge, "/ip"));
  co_await Gather(std::move(requests));
  EXPECT_EQ(gauge.most(), 5);
  EXPECT_EQ(concurrency.Value(), 5);
}

// --- A pool of workers that take their work from a queue: the other way to the same end ---

Coro<> PoolWorker(Queue<std::string>& urls, Gauge& gauge, int& answers) {
  try {
    while (true) {
      std::string url = co_await urls.Get();
      gauge.Enter();
      co_await Get(std::move(url));
      gauge.Leave();
      ++answers;
    }
  } catch (const detent::QueueShutDown&) {  // No more work, and none will come.
  }
}

LOOP_TEST(CrawlerTest, PoolOfWorkersSharesTheWork) {
  Queue<std::string> urls;
  Gauge gauge;
  int answers = 0;
  std::vector<Task<>> workers;
  for (int i = 0; i < 3; ++i) workers.push_back(Spawn(PoolWorker(urls, gauge, answers)));
  for (int i = 0; i < 10; ++i) urls.PutNowait("/ip");
  urls.Shutdown();
  co_await Gather(std::move(workers));
  EXPECT_EQ(answers, 10);
  EXPECT_LE(gauge.most(), 3);
}

// --- The tutorial's downloader: ten workers, at most a thousand names read ahead ---

class Downloads {
 public:
  std::set<std::string> saved;
  std::vector<std::string> errors;
};

Coro<> DownloadOne(Downloads& downloads, std::string url) {
  const detent::Outcome<std::string> content = co_await detent::Settle(Get(url));
  if (content.ok()) {
    downloads.saved.insert(url);  // save_file()
  } else {
    downloads.errors.push_back("Error for url " + url);
  }
}

Coro<> ProduceUrls(Queue<std::string>& urls) {
  for (const char* url : {"/", "/get", "/gone", "/ip", "/headers"}) {
    const std::string name = url;
    co_await urls.Put(name);
  }
}

// As in the tutorial: a worker works `while not task_q.empty()`.
Coro<> TutorialDownloader(Queue<std::string>& urls, Downloads& downloads) {
  while (!urls.Empty()) {
    const std::string url = co_await urls.Get();
    co_await DownloadOne(downloads, url);
  }
}

// Put right: a worker works until the producer has said that this was all.
Coro<> Downloader(Queue<std::string>& urls, Downloads& downloads) {
  try {
    while (true) {
      const std::string url = co_await urls.Get();
      co_await DownloadOne(downloads, url);
    }
  } catch (const detent::QueueShutDown&) {
  }
}

Coro<> ProduceUrlsAndShutDown(Queue<std::string>& urls) {
  co_await ProduceUrls(urls);
  urls.Shutdown();
}

using Stage = Coro<> (*)(Queue<std::string>&);
using Worker = Coro<> (*)(Queue<std::string>&, Downloads&);

Coro<Downloads> DownloadAll(Stage producer, Worker worker) {
  Queue<std::string> urls(/*maxsize=*/1000, "urls");
  Downloads downloads;
  std::vector<Task<>> tasks;
  tasks.push_back(Spawn(producer(urls), {.name = "producer"}));
  for (int i = 0; i < 10; ++i) tasks.push_back(Spawn(worker(urls, downloads)));
  co_await Wait(std::move(tasks), ReturnWhen::kAllCompleted);
  co_return downloads;
}

LOOP_TEST(DownloaderTest, SavesEveryImageThatIsThere) {
  const Downloads downloads = co_await DownloadAll(ProduceUrlsAndShutDown, Downloader);
  EXPECT_EQ(downloads.saved, (std::set<std::string>{"/", "/get", "/ip", "/headers"}));
  EXPECT_EQ(downloads.errors, (std::vector<std::string>{"Error for url /gone"}));
}

// In asyncio's order the producer, which was started first, fills the queue before a worker looks into it. A
// worker that looks before that finds the queue empty and goes home. Tests that run in asyncio's order never
// see it.
TEST(DownloaderTest, TutorialsWorkersGoHomeTooEarlyInAnotherOrder) {
  auto body = []() -> Coro<> {
    const Downloads downloads = co_await DownloadAll(ProduceUrls, TutorialDownloader);
    if (downloads.saved.size() != 4) throw std::runtime_error("an image is missing");
  };
  const detent_testing::Report asyncio_order = detent_testing::Explore({.schedules = 1}, body);
  EXPECT_TRUE(asyncio_order.ok) << asyncio_order.text;
  const detent_testing::Report report = detent_testing::Explore({.schedules = 1000}, body);
  EXPECT_FALSE(report.ok);
  EXPECT_THAT(report.failure, testing::HasSubstr("an image is missing"));
}

}  // namespace
