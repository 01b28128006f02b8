// SPDX-License-Identifier: Apache-2.0
//
// SIGTERM at every step: the servers stop in good order wherever they are. What has been read is answered, who is there
// is told the end, nothing hangs.
#include <csignal>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "detent/examples/echo_server.h"
#include "detent/examples/redis_server.h"
#include "detent/examples/redis_test_client.h"
#include "detent/examples/serve_until_stopped.h"
#include "detent/runtime/core.h"
#include "detent/runtime/io/stop_signals.h"
#include "detent/sim/sim.h"
#include "detent/sim/world/signals.h"
#include "detent/testing/testing.h"
#include "gtest/gtest.h"

namespace detent_examples {
namespace {

using detent::Connect;
using detent::Connection;
using detent::Coro;
using detent::EventLoop;
using detent::Gather;
using detent::Server;
using detent::SignalSet;
using detent::Spawn;
using detent::Task;
using detent::internal::StopSignals;
using detent_testing::Sometimes;

// Serves until SIGTERM comes, which may be at any step, or, if it never does, until all clients have ended. A server
// that hangs is killed after a minute, which fails the test.
Coro<> ServeUntilSigterm(Server server, Coro<> clients) {
  StopSignals stop(EventLoop::Current(), {.stop_signals = SignalSet(SIGTERM), .grace = absl::Minutes(1)});
  Task<> main = Spawn(ServeUntilStopped(std::move(server)));
  stop.Watch(main);
  detent::sim::RaiseSignalAtAnyStep(SIGTERM, detent::Choose(2) == 0 ? 0.05 : 0.01);
  co_await std::move(clients);
  detent::sim::RaiseSignalAtAnyStep(SIGTERM, 0);
  Sometimes<"it was stopped">(stop.signal() == SIGTERM);
  Sometimes<"it was not stopped">(stop.signal() == 0);
  if (stop.signal() == 0) main.Cancel();
  (void)co_await detent::Settle(main);
  EXPECT_TRUE(main.Cancelled());
}

Coro<> All(std::vector<Coro<>> clients) { co_await Gather(std::move(clients)); }

// --- Redis ---

// How many requests of how many were answered. A server that stops may end the connection, or be gone.
Coro<> CountUp(int port, int batches, int batch, int& answered) {
  try {
    Connection client = co_await Connect("127.0.0.1", port);
    std::string requests;
    for (int i = 0; i < batch; ++i) requests += RedisRequest("INCR", "n");
    for (int i = 0; i < batches; ++i) {
      // Half of a batch may be answered, by a server that takes no more: what has come can still be read.
      (void)co_await detent::Settle(client.Write(requests));
      for (int k = 0; k < batch; ++k) {
        (void)co_await ReadRedisReply(client);
        ++answered;
      }
    }
  } catch (const std::system_error&) {
  } catch (const detent::IncompleteReadError& e) {
    EXPECT_EQ(e.partial(), "") << "an answer was cut off";
  }
}

// Somebody who has nothing to ask is told the end.
Coro<> WaitForTheEnd(int port, bool& stopped) {
  try {
    Connection client = co_await Connect("127.0.0.1", port);
    EXPECT_EQ(co_await client.Read(1), "");
    stopped = true;
  } catch (const std::system_error&) {
    stopped = true;
  }
}

SIM_TEST(StopTest, WhoAsksNothingIsToldTheEnd, {.schedules = 200}) {
  RedisStore store;
  Server server = co_await StartRedis(store, "127.0.0.1", 0);
  const int port = server.Port();
  bool told = false;
  Task<> idle = Spawn(WaitForTheEnd(port, told));
  int answered = 0;
  co_await ServeUntilSigterm(std::move(server), CountUp(port, /*batches=*/2, /*batch=*/1, answered));
  co_await idle;
  EXPECT_TRUE(told);
}

SIM_TEST(StopTest, RedisAnswersEverythingItHasDone, {.schedules = 500}) {
  RedisStore store;
  Server server = co_await StartRedis(store, "127.0.0.1", 0);
  const int port = server.Port();
  int answered = 0;
  std::vector<Coro<>> clients;
  clients.push_back(CountUp(port, /*batches=*/4, /*batch=*/1, answered));
  clients.push_back(CountUp(port, /*batches=*/2, /*batch=*/3, answered));
  co_await ServeUntilSigterm(std::move(server), All(std::move(clients)));
  Sometimes<"in the middle">(answered > 0 && answered < 10);
  Sometimes<"not in the middle">(answered == 10);
  const std::string kept = store.Text("n");
  EXPECT_EQ(answered, kept.empty() ? 0 : std::stoi(kept));
}

// --- Echo ---

Coro<> TalkToTheEnd(int port, std::string message, int& whole, uint64_t& heard_by_all) {
  try {
    Connection client = co_await Connect("127.0.0.1", port);
    for (int i = 0; i < 4; ++i) {
      (void)co_await detent::Settle(client.Write(message));  // What has come can still be read.
      std::string heard;
      while (heard.size() < message.size()) {
        const std::string bytes = co_await client.Read(message.size());
        if (bytes.empty()) co_return;
        heard += bytes;
        heard_by_all += bytes.size();
        EXPECT_EQ(heard, message.substr(0, heard.size()));
      }
      ++whole;
    }
  } catch (const std::system_error&) {
  }
}

// What the server had read came back: its clients have read as much. (It reads nothing else, and nor do they.)
SIM_TEST(StopTest, EchoEndsWithEverybodyTold, {.schedules = 500}) {
  EventLoop::Current().SetMeasuring(true);
  Server server = co_await detent::StartServer(Echo, "127.0.0.1", 0);
  const int port = server.Port();
  int whole = 0;
  uint64_t heard = 0;
  std::vector<Coro<>> clients;
  clients.push_back(TalkToTheEnd(port, "one", whole, heard));
  clients.push_back(TalkToTheEnd(port, "another", whole, heard));
  co_await ServeUntilSigterm(std::move(server), All(std::move(clients)));
  const uint64_t read_by_server = EventLoop::Current().Metrics().bytes_read - heard;
  EXPECT_EQ(read_by_server, heard);
  EXPECT_GE(heard, 3u * static_cast<uint64_t>(whole));
  Sometimes<"echo in the middle">(whole > 0 && whole < 8);
  Sometimes<"echo to the end">(whole == 8);
}

}  // namespace
}  // namespace detent_examples
