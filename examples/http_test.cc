// SPDX-License-Identifier: Apache-2.0
//
// A crawler with real requests: at most so many under way, each with a time-out. On the simulated network the
// page's thirty seconds take no time at all.
#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "detent/examples/http_server.h"
#include "detent/examples/transcript.h"
#include "detent/runtime/core.h"
#include "detent/runtime/io/server.h"
#include "detent/testing/testing.h"

namespace {

using detent::Connect;
using detent::Connection;
using detent::Coro;
using detent::EventLoop;
using detent::Gather;
using detent::LoopTime;
using detent::Semaphore;
using detent::Server;

// The page's second: a real one in simulated time, a millisecond on the real loop.
absl::Duration Second() { return detent_examples::IsSimulated() ? absl::Seconds(1) : absl::Milliseconds(1); }

class Reply {
 public:
  Reply() {}
  int status = 0;
  std::string body;
};

Coro<Reply> Get(int port, std::string path) {
  Connection connection = co_await Connect("127.0.0.1", port);
  co_await connection.Write("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const std::string head = co_await connection.ReadUntil("\r\n\r\n");
  Reply reply;
  EXPECT_TRUE(absl::SimpleAtoi(head.substr(head.find(' ') + 1, 3), &reply.status)) << head;
  while (true) {
    const std::string bytes = co_await connection.Read(4096);
    if (bytes.empty()) co_return reply;
    reply.body += bytes;
  }
}

template <typename F>
Coro<> WithServer(F clients) {
  Server server = co_await detent_examples::StartHttp("127.0.0.1", 0, Second());
  co_await clients(server.Port());
  server.Close();
  server.AbortClients();
  co_await server.WaitClosed();
}

// --- One request ---

Coro<> GetOne(int port) {
  const LoopTime start = EventLoop::Current().Time();
  const Reply reply = co_await Get(port, "/aio");
  const absl::Duration elapsed = EventLoop::Current().Time() - start;
  EXPECT_EQ(reply.status, 200);
  int delay = 0;
  EXPECT_EQ(std::sscanf(reply.body.c_str(), "{\"delay\": %d}", &delay), 1) << reply.body;
  EXPECT_GE(elapsed, delay * Second());
  if (detent_examples::IsSimulated()) {
    EXPECT_LT(elapsed, (delay + 1) * Second());
  }
}

LOOP_TEST(HttpTest, PageTakesAsLongAsItSays) { co_await WithServer(GetOne); }

Coro<> GetNothing(int port) { EXPECT_EQ((co_await Get(port, "/favicon.ico")).status, 404); }

LOOP_TEST(HttpTest, HasOnePageOnly) { co_await WithServer(GetNothing); }

// --- Twenty requests, five at a time, none for longer than twenty seconds ---

class Crawl {
 public:
  Crawl() {}
  Semaphore concurrency{5, "concurrency"};
  int under_way = 0;
  int under_way_most = 0;
  int answered = 0;
  int timed_out = 0;
};

Coro<> GetInTime(Crawl& crawl, int port) {
  const auto permit = co_await crawl.concurrency.Hold();
  crawl.under_way_most = std::max(crawl.under_way_most, ++crawl.under_way);
  try {
    const Reply reply = co_await detent::WaitFor(Get(port, "/aio"), 20 * Second());
    EXPECT_EQ(reply.status, 200);
    ++crawl.answered;
  } catch (const detent::TimeoutError&) {
    ++crawl.timed_out;
  }
  --crawl.under_way;
}

Coro<> CrawlWithLimits(int port) {
  Crawl crawl;
  std::vector<Coro<>> requests;
  for (int i = 0; i < 20; ++i) requests.push_back(GetInTime(crawl, port));
  const LoopTime start = EventLoop::Current().Time();
  co_await Gather(std::move(requests));
  EXPECT_EQ(crawl.answered + crawl.timed_out, 20);
  EXPECT_EQ(crawl.under_way_most, 5);
  if (detent_examples::IsSimulated()) {
    EXPECT_LE(EventLoop::Current().Time() - start, 100 * Second())
        << "twenty requests of twenty seconds at most, five at a time";
  }
}

LOOP_TEST(HttpTest, CrawlsFiveAtATimeAndGivesUpInTime) { co_await WithServer(CrawlWithLimits); }

}  // namespace
