// SPDX-License-Identifier: Apache-2.0
//
// What accept(2) may answer, and a server without descriptors.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "detent/runtime/runtime.h"
#include "detent/testing/test_loop.h"
#include "gtest/gtest.h"
#include "runtime/epoll/descriptors_test.h"

namespace {

// What the next accept4() fails with; 0 for nothing.
int next_error = 0;
// Whether all of them do.
bool fails_for_ever = false;
// Called when the kernel has no descriptor for one.
std::function<void()> on_shortage;

}  // namespace

// Instead of the system's.
extern "C" int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  if (next_error != 0) {
    errno = next_error;
    if (!fails_for_ever) next_error = 0;
    return -1;
  }
  const int accepted = static_cast<int>(syscall(SYS_accept4, fd, address, size, flags));
  if (accepted < 0 && errno == EMFILE && on_shortage) {
    on_shortage();
    errno = EMFILE;
  }
  return accepted;
}

namespace detent {
namespace {

using detent_testing::EndOf;

TEST(AcceptTest, AnErrorOfOneConnectionIsNotTheListeners) {
  detent::Run([]() -> Coro<> {
    Listener listener = co_await Listen("127.0.0.1", 0);
    for (const int error :
         {EINTR, ECONNABORTED, ECONNRESET, EPROTO, ENOPROTOOPT, EPROTONOSUPPORT, ENETDOWN, ENETUNREACH, EHOSTDOWN,
          EHOSTUNREACH, ESOCKTNOSUPPORT, ENONET, EOPNOTSUPP, ETIMEDOUT, ENOSR, EPERM}) {
      next_error = error;
      Connection client = co_await Connect("127.0.0.1", listener.Port());
      EXPECT_EQ(co_await EndOf(listener.Accept()), "value");
      EXPECT_EQ(next_error, 0);
    }
  });
}

TEST(AcceptTest, AnErrorThatComesForEverIsTold) {
  detent::Run([]() -> Coro<> {
    Listener listener = co_await Listen("127.0.0.1", 0);
    next_error = EPERM;
    fails_for_ever = true;
    EXPECT_EQ(co_await EndOf(listener.Accept()), "accept at " + listener.Address() + ": Operation not permitted");
    next_error = 0;
    fails_for_ever = false;
  });
}

constexpr int kClients = 200;
constexpr int kDescriptors = 64;
constexpr int kTries = 5;  // In vain, while the parent lets nobody go: the pauses between them are 1.5 seconds.

// What the server writes when it listens, when it has tried so often in vain, and at its end.
class Message {
 public:
  char what = ' ';
  uint16_t port = 0;
  int reports = 0;
  int served = 0;
  int64_t cpu_ns = 0;   // Of the time between the first and the last of those tries.
  int64_t wall_ns = 0;  // That time.
};

int64_t Nanoseconds(clockid_t clock) {
  timespec time = {};
  clock_gettime(clock, &time);
  return time.tv_sec * int64_t{1'000'000'000} + time.tv_nsec;
}

void Tell(int fd, Message& message, char what) {
  message.what = what;
  if (write(fd, &message, sizeof(message)) != sizeof(message)) _exit(3);
}

Message Hear(int fd) {
  Message message;
  size_t heard = 0;
  while (heard < sizeof(message)) {
    const ssize_t some = read(fd, reinterpret_cast<char*>(&message) + heard, sizeof(message) - heard);
    if (some <= 0) return Message();
    heard += static_cast<size_t>(some);
  }
  return message;
}

// A server that may have few descriptors.
[[noreturn]] void ServeInChild(int fd) {
  alarm(60);  // Should the parent be gone.
  const rlimit limit = {kDescriptors, kDescriptors};
  setrlimit(RLIMIT_NOFILE, &limit);
  Message message;
  int tries = 0;
  on_shortage = [&] {
    const int64_t cpu = Nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    const int64_t wall = Nanoseconds(CLOCK_MONOTONIC);
    if (++tries == 1) {
      message.cpu_ns = cpu;
      message.wall_ns = wall;
    } else if (tries == kTries) {
      message.cpu_ns = cpu - message.cpu_ns;
      message.wall_ns = wall - message.wall_ns;
      Tell(fd, message, 'w');
    }
  };
  EpollLoop loop;
  loop.SetExceptionHandler([&](const ExceptionContext&) { ++message.reports; });
  loop.Run([&]() -> Coro<> {
    Event all_served;
    auto serve = [&](Connection client) -> Coro<> {
      while (true) {
        const std::string bytes = co_await client.Read(100);
        if (bytes.empty()) break;
        co_await client.Write(bytes);
      }
      if (++message.served == kClients) all_served.Set();
    };
    Server server = co_await StartServer(serve, "127.0.0.1", 0);
    message.port = server.Port();
    Tell(fd, message, 'p');
    co_await all_served.Wait();
    Tell(fd, message, 'e');
  });
  _exit(0);
}

Coro<> AskOnce(Connection& client) {
  co_await client.Write("?");
  EXPECT_EQ(co_await client.ReadExactly(1), "?");
}

TEST(AcceptTest, AServerOutOfDescriptorsServesEverybodyInTheEnd) {
  SKIP_IF_A_SANITIZER_NEEDS_DESCRIPTORS();
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) ServeInChild(ends[1]);
  close(ends[1]);
  const Message listening = Hear(ends[0]);
  EXPECT_EQ(listening.what, 'p');
  detent::Run([&]() -> Coro<> {
    std::vector<Connection> clients;
    for (int i = 0; i < kClients; ++i) clients.push_back(co_await Connect("127.0.0.1", listening.port));
    co_await AskOnce(clients.front());
    const Message waited = Hear(ends[0]);
    EXPECT_EQ(waited.what, 'w');
    EXPECT_LT(waited.cpu_ns * 100, waited.wall_ns) << "more than 1 per cent of a core";
    co_await AskOnce(clients.front());  // Who is there is served.
    for (Connection& client : clients) {
      co_await AskOnce(client);
      client.Close();
    }
  });
  const Message at_end = Hear(ends[0]);
  EXPECT_EQ(at_end.what, 'e');
  EXPECT_EQ(at_end.served, kClients);
  EXPECT_EQ(at_end.reports, 1);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  close(ends[0]);
}

}  // namespace
}  // namespace detent
