// SPDX-License-Identifier: Apache-2.0
//
// How long the others wait while one task, or a few, could go on and on: the worst of what a sleeper of one millisecond
// comes late. Only what the loop's own thread did meanwhile counts, so that a busy machine makes no figure worse.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "detent/bench/harness/workload.h"
#include "detent/bench/ours/ours.h"
#include "detent/runtime/runtime.h"

namespace detent_bench::ours {
namespace {

using detent::Connection;
using detent::Coro;
using detent::EventLoop;
using detent::Spawn;
using detent::Task;

int64_t ThreadNanoseconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// A client in blocking calls, so that it takes nothing of the loop's time.
class Client {
 public:
  explicit Client(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Require(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0, "connecting");
  }
  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Client& operator=(Client&&) = delete;
  ~Client() {
    if (fd_ >= 0) close(fd_);
  }

  void Send(const std::string& data, uint64_t times) const {
    for (uint64_t i = 0; i < times; ++i) {
      for (size_t done = 0; done < data.size();) {
        const ssize_t sent = send(fd_, data.data() + done, data.size() - done, MSG_NOSIGNAL);
        if (sent <= 0) return;
        done += static_cast<size_t>(sent);
      }
    }
  }

 private:
  int fd_;
};

class Pairs {
 public:
  Pairs() {}
  std::vector<Client> clients;
  std::vector<Connection> servers;
};

Coro<> Connect(int count, Pairs& pairs) {
  detent::Listener listener = co_await detent::Listen("127.0.0.1", 0);
  for (int i = 0; i < count; ++i) {
    pairs.clients.emplace_back(listener.Port());
    pairs.servers.push_back(co_await listener.Accept());
  }
}

Coro<> SleepAgainAndAgain(int64_t& worst) {
  while (true) {
    const int64_t before = ThreadNanoseconds();
    const detent::LoopTime due = EventLoop::Current().Time() + absl::Milliseconds(1);
    co_await detent::Sleep(absl::Milliseconds(1));
    const int64_t late = (EventLoop::Current().Time() - due) / absl::Nanoseconds(1);
    worst = std::max(worst, std::min(late, ThreadNanoseconds() - before));
  }
}

// Runs `work()` beside the sleeper, and gives the worst wait for each of `ops`, of which the caller makes one.
template <typename F>
Coro<double> WorstWait(uint64_t ops, F work) {
  int64_t worst = 0;
  const Task<> sleeper = Spawn(SleepAgainAndAgain(worst));
  for (int i = 0; i < 3; ++i) co_await detent::Sleep(absl::Milliseconds(1));
  worst = 0;
  const int64_t before = ThreadNanoseconds();
  co_await work();
  const int64_t took = ThreadNanoseconds() - before;
  co_await detent::Sleep(absl::Milliseconds(2));
  co_await detent::CancelAndWait(sleeper);
  Note("ns_each", static_cast<double>(took) / static_cast<double>(ops));
  co_return static_cast<double>(worst) * static_cast<double>(ops);
}

void AllowManyDescriptors() {
  rlimit limit;
  Require(getrlimit(RLIMIT_NOFILE, &limit) == 0, "the limit of descriptors");
  limit.rlim_cur = limit.rlim_max;
  Require(setrlimit(RLIMIT_NOFILE, &limit) == 0, "the limit of descriptors");
}

}  // namespace

// One task writes to each of 2,000 connections, one after the other.
double WaitBesideWrites(uint64_t ops) {
  return detent::Run([ops]() -> Coro<double> {
    AllowManyDescriptors();
    Pairs pairs;
    co_await Connect(2'000, pairs);
    const std::string message(64, 'x');
    auto work = [&]() -> Coro<> {
      for (uint64_t i = 0; i < ops; ++i) co_await pairs.servers[i % pairs.servers.size()].Write(message);
    };
    co_return co_await WorstWait(ops, work);
  });
}

// Sixteen tasks take what sixteen clients send as fast as they can, `ops` kilobytes.
double WaitBesideUploads(uint64_t ops) {
  return detent::Run([ops]() -> Coro<double> {
    Pairs pairs;
    co_await Connect(16, pairs);
    const uint64_t each = std::max<uint64_t>(ops / 16, 1);
    auto take = [each](Connection& connection) -> Coro<> {
      for (uint64_t left = each * 1024; left > 0;) left -= (co_await connection.Read(left)).size();
    };
    auto work = [&]() -> Coro<> {
      std::vector<std::jthread> senders;
      std::vector<Task<>> takers;
      for (size_t i = 0; i < pairs.clients.size(); ++i) {
        senders.emplace_back([&, i] { pairs.clients[i].Send(std::string(1024, 'x'), each); });
        takers.push_back(Spawn(take(pairs.servers[i])));
      }
      for (const Task<>& taker : takers) co_await taker;
    };
    co_return co_await WorstWait(ops, work);
  });
}

// A client sends lines of two bytes as fast as it can.
double WaitBesideLines(uint64_t ops) {
  return detent::Run([ops]() -> Coro<double> {
    Pairs pairs;
    co_await Connect(1, pairs);
    auto work = [&]() -> Coro<> {
      std::string lines;
      for (int i = 0; i < 1'000; ++i) lines += "x\n";
      const std::jthread sender([&] { pairs.clients[0].Send(lines, ops / 1'000 + 1); });
      for (uint64_t i = 0; i < ops; ++i) Require((co_await pairs.servers[0].ReadLine()).size() == 2, "a line");
    };
    co_return co_await WorstWait(ops, work);
  });
}

// A task reads on at the end of a stream.
double WaitBesideReadsAtEnd(uint64_t ops) {
  return detent::Run([ops]() -> Coro<double> {
    Pairs pairs;
    co_await Connect(1, pairs);
    pairs.clients.clear();
    auto work = [&]() -> Coro<> {
      for (uint64_t i = 0; i < ops; ++i) Require((co_await pairs.servers[0].Read(100)).empty(), "the end");
    };
    co_return co_await WorstWait(ops, work);
  });
}

}  // namespace detent_bench::ours
