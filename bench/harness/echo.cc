// SPDX-License-Identifier: Apache-2.0
#include "detent/bench/harness/echo.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <vector>

#include "detent/bench/harness/workload.h"

namespace detent_bench {
namespace {

constexpr size_t kMessageSize = 64;

// A server in a process of its own, killed with this object.
class Server {
 public:
  template <typename F>
  explicit Server(F serve) {
    int output[2];
    Require(pipe(output) == 0, "pipe()");
    std::fflush(nullptr);
    process_ = fork();
    Require(process_ >= 0, "fork()");
    if (process_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(output[1], STDOUT_FILENO);
      close(output[0]);
      close(output[1]);
      try {
        serve();
      } catch (const std::exception& error) {
        std::fprintf(stderr, "the echo server ended: %s\n", error.what());
      }
      _exit(1);
    }
    close(output[1]);
    FILE* const lines = fdopen(output[0], "r");
    const bool told = std::fscanf(lines, "port %d", &port_) == 1;
    std::fclose(lines);
    if (!told) Stop();
    Require(told, "the echo server's port");
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() { Stop(); }

  int port() const { return port_; }
  double CpuNanoseconds() const {
    clockid_t clock;
    timespec time;
    Require(clock_getcpuclockid(process_, &clock) == 0 && clock_gettime(clock, &time) == 0, "the server's CPU clock");
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
  }

 private:
  void Stop() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }

  pid_t process_;
  int port_ = 0;
};

class Client {
 public:
  Client(int port, const EchoLoad& load) : load_(load), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    for (int i = 0; i < load.connections; ++i) {
      const int connection = Connect(port);
      const int on = 1;
      if (load.kind == EchoLoad::Kind::kStreams) setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      epoll_event event = {};
      event.events = EPOLLIN;
      event.data.u32 = static_cast<uint32_t>(connections_.size());
      Require(epoll_ctl(epoll_, EPOLL_CTL_ADD, connection, &event) == 0, "epoll_ctl()");
      connections_.push_back(connection);
    }
    std::memset(buffer_, 'x', sizeof(buffer_));
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() {
    for (const int connection : connections_) close(connection);
    close(epoll_);
  }

  // Sends `requests` and takes as many answers.
  void Exchange(uint64_t requests) {
    const size_t total = requests * kMessageSize;
    size_t sent = 0, received = 0;
    const size_t window = static_cast<size_t>(load_.in_flight) * kMessageSize;
    for (const int connection : connections_) sent += Send(connection, std::min(window, total - sent));
    while (received < total) {
      epoll_event events[64];
      const int ready = epoll_wait(epoll_, events, 64, -1);
      for (int i = 0; i < ready; ++i) {
        const int connection = connections_[events[i].data.u32];
        const ssize_t size = read(connection, buffer_, sizeof(buffer_));
        Require(size > 0 && buffer_[0] == 'x', "the echo");
        received += static_cast<size_t>(size);
        sent += Send(connection, std::min(static_cast<size_t>(size), total - sent));
      }
    }
    Require(received == total, "the number of bytes in the echo");
  }

 private:
  int Connect(int port) const {
    const bool is_unix = load_.kind == EchoLoad::Kind::kUnix;
    const int type = load_.kind == EchoLoad::Kind::kDatagrams ? SOCK_DGRAM : SOCK_STREAM;
    const int connection = socket(is_unix ? AF_UNIX : AF_INET, type | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    sockaddr_un path = {};
    path.sun_family = AF_UNIX;
    const std::string name = UnixName(port);
    std::memcpy(path.sun_path + 1, name.data(), name.size());
    const void* const to = is_unix ? static_cast<const void*>(&path) : &address;
    const size_t size = is_unix ? offsetof(sockaddr_un, sun_path) + 1 + name.size() : sizeof(address);
    Require(connect(connection, static_cast<const sockaddr*>(to), static_cast<socklen_t>(size)) == 0, "connect()");
    return connection;
  }
  size_t Send(int connection, size_t size) {
    const bool is_stream = load_.kind != EchoLoad::Kind::kDatagrams;
    const size_t part = is_stream ? size : std::min(size, kMessageSize);
    for (size_t sent = 0; sent < size; sent += part) {
      Require(write(connection, buffer_, part) == static_cast<ssize_t>(part), "write()");
    }
    return size;
  }

  const EchoLoad& load_;
  const int epoll_;
  std::vector<int> connections_;
  char buffer_[8 * 1024];
};

double Measure(const Server& server, const EchoLoad& load) {
  Client client(server.port(), load);
  client.Exchange(std::max<uint64_t>(load.requests / 10, static_cast<uint64_t>(load.connections)));
  const double start = server.CpuNanoseconds();
  client.Exchange(load.requests);
  return server.CpuNanoseconds() - start;
}

}  // namespace

std::string UnixName(int number) { return "detent-echo-" + std::to_string(number); }

double EchoNanoseconds(void (*serve)(), const EchoLoad& load) { return Measure(Server(serve), load); }

double EchoNanoseconds(const std::string& command, const EchoLoad& load) {
  return Measure(Server([&] { execl("/bin/sh", "sh", "-c", ("exec " + command).c_str(), nullptr); }), load);
}

}  // namespace detent_bench
