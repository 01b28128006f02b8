// SPDX-License-Identifier: Apache-2.0
//
// Connections on which nothing happens: what they take, and that they cost no CPU time.
#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
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

// A process that makes `first` connections to the port that it is told, `second` more when it is told again, and waits
// to be killed.
class Clients {
 public:
  Clients(uint64_t first, uint64_t second) {
    int ends[2];
    Require(pipe(ends) == 0, "pipe()");
    tell_ = ends[1];
    process_ = fork();
    Require(process_ >= 0, "fork()");
    if (process_ > 0) {
      close(ends[0]);
      return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (const uint64_t count : {first, second}) ConnectAsTold(ends[0], count);
    while (true) pause();
  }
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;
  ~Clients() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    close(tell_);
  }

  void Connect(uint16_t port) const { Require(write(tell_, &port, sizeof(port)) == sizeof(port), "write()"); }

 private:
  static void ConnectAsTold(int told, uint64_t count) {
    uint16_t port = 0;
    if (read(told, &port, sizeof(port)) != sizeof(port)) _exit(1);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    for (uint64_t i = 0; i < count; ++i) {
      const int connection = socket(AF_INET, SOCK_STREAM, 0);
      if (connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) _exit(1);
    }
  }

  pid_t process_;
  int tell_;
};

Coro<> ReadForever(Connection client) { (void)co_await client.Read(1); }

void RaiseDescriptorLimit() {
  rlimit limit;
  Require(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit()");
  limit.rlim_cur = limit.rlim_max;
  Require(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit()");
}

// So many come first, so that what is needed once is there.
constexpr uint64_t kFirst = 256;

// What the others take now, once nothing happens any more.
Coro<double> Used(double before) {
  const double used = ResidentBytes() - before;
  const int64_t start = CpuNanoseconds();
  co_await detent::Sleep(absl::Milliseconds(500));
  Note("idle_cpu_us_a_second", static_cast<double>(CpuNanoseconds() - start) * 2e-3);
  co_return std::max(used, 0.0);
}

double Measured(uint64_t count, Coro<double> (*measure)(const Clients&, uint64_t)) {
  RaiseDescriptorLimit();
  const Clients clients(kFirst, count);
  detent::EpollLoop loop;
  return loop.Run(measure(clients, count));
}

Coro<double> MeasureTasks(const Clients& clients, uint64_t count) {
  detent::Listener listener = co_await detent::Listen("127.0.0.1", 0);
  std::vector<detent::Task<>> tasks;
  tasks.reserve(kFirst + count);
  const auto accept = [&](uint64_t most) -> Coro<> {
    clients.Connect(listener.Port());
    while (tasks.size() < most) {
      Connection client = co_await listener.Accept();
      tasks.push_back(detent::Spawn(ReadForever, std::move(client)));
    }
    co_await detent::Sleep(absl::Milliseconds(1));
  };
  co_await accept(kFirst);
  const double before = ResidentBytes();
  co_await accept(kFirst + count);
  const double used = co_await Used(before);
  for (const detent::Task<>& task : tasks) task.Cancel();
  for (const detent::Task<>& task : tasks) (void)co_await detent::Settle(task);
  co_return used;
}

Coro<double> MeasureClients(const Clients& clients, uint64_t count) {
  detent::Server server = co_await detent::StartServer(ReadForever, "127.0.0.1", 0);
  const auto wait_for = [&](uint64_t most) -> Coro<> {
    clients.Connect(server.Port());
    while (server.ClientCount() < most) co_await detent::Sleep(absl::Milliseconds(1));
  };
  co_await wait_for(kFirst);
  const double before = ResidentBytes();
  co_await wait_for(kFirst + count);
  const double used = co_await Used(before);
  server.Close();
  server.AbortClients();
  co_await server.WaitClosed();
  co_return used;
}

}  // namespace

double IdleConnections(uint64_t ops) { return Measured(ops, MeasureTasks); }

double IdleClients(uint64_t ops) { return Measured(ops, MeasureClients); }

}  // namespace detent_bench::ours
