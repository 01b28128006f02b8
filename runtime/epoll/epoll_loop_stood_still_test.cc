// SPDX-License-Identifier: Apache-2.0
//
// A loop that stood still for long: what came meanwhile goes before the time-outs that should have struck meanwhile.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

// Blocks this thread, and with it its loop.
void BlockUntil(LoopTime time) {
  while (EventLoop::Current().Time() < time) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// The end of a connection that no loop has.
class Peer {
 public:
  explicit Peer(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  Peer(const Peer&) = delete;
  ~Peer() { close(fd_); }
  int fd() const { return fd_; }

 private:
  int fd_;
};

// The task that reads is another than the one that has a time-out: news of its end takes an iteration.
TEST(StoodStillTest, BytesThatCameDuringALongStepWinOverATimeOut) {
  detent::Run([]() -> Coro<> {
    Listener listener = co_await Listen("127.0.0.1", 0);
    Connection client = co_await Connect("127.0.0.1", listener.Port());
    Connection server = co_await listener.Accept();
    const Task<std::string> reader = Spawn([&]() -> Coro<std::string> { co_return co_await server.Read(100); });
    const LoopTime deadline = EventLoop::Current().Time() + absl::Milliseconds(20);
    const Task<std::string> waiter = Spawn([&]() -> Coro<std::string> {
      co_return co_await WithTimeoutAt(deadline, [&](Timeout&) -> Coro<std::string> { co_return co_await reader; });
    });
    for (int i = 0; i < 3; ++i) co_await Yield();
    co_await client.Write("in time");
    BlockUntil(deadline + absl::Milliseconds(20));
    EXPECT_EQ(co_await waiter, "in time");
  });
}

// Nothing came: a time-out strikes all the same.
TEST(StoodStillTest, WithoutBytesTheTimeOutStrikes) {
  detent::Run([]() -> Coro<> {
    Event never;
    const LoopTime deadline = EventLoop::Current().Time() + absl::Milliseconds(20);
    const Task<> waiter = Spawn([&]() -> Coro<> { co_await WaitFor(never.Wait(), absl::Milliseconds(20)); });
    co_await Yield();
    BlockUntil(deadline + absl::Milliseconds(20));
    EXPECT_THROW(co_await waiter, TimeoutError);
  });
}

// Bytes that come without an end postpone no time-out for long.
TEST(StoodStillTest, ATimeOutStrikesWhileMoreAndMoreComes) {
  detent::Run([]() -> Coro<> {
    auto [client, server] = SocketPair();  // What is written has come at once.
    int reads = 0;
    const Task<> echo = Spawn([&]() -> Coro<> {
      while (true) {
        co_await client.Write(co_await server.Read(100));
        ++reads;
      }
    });
    bool struck = false;
    co_await client.Write("round and round");
    EventLoop::Current().CallAt(EventLoop::Current().Time() + absl::Milliseconds(1), [&] { struck = true; });
    BlockUntil(EventLoop::Current().Time() + absl::Milliseconds(30));
    const int before = reads;
    while (!struck) co_await Yield();
    EXPECT_LE(reads, before + 5);
    co_await CancelAndWait(echo);
  });
}

// What SIGSTOP and SIGCONT do to a loop that sleeps: the wait ends early, without events, long after the deadline.
std::atomic<int> peer_fd = -1;
std::atomic<int64_t> blocks_until = 0;
int64_t Now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}
void StandStill(int) {
  const int error = errno;
  if (write(peer_fd, "in time", 7) != 7) _exit(1);
  while (Now() < blocks_until) {
  }
  errno = error;
}

TEST(StoodStillTest, BytesThatCameDuringAStopWinOverATimeOut) {
  struct sigaction action = {}, before = {};
  action.sa_handler = StandStill;
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  const pthread_t here = pthread_self();
  std::thread stopper;
  detent::Run([&]() -> Coro<> {
    Listener listener = co_await Listen("127.0.0.1", 0);
    const Peer peer(listener.Port());
    Connection server = co_await listener.Accept();
    peer_fd = peer.fd();
    const LoopTime deadline = EventLoop::Current().Time() + absl::Milliseconds(500);
    blocks_until = (deadline + absl::Milliseconds(20)).nanoseconds();
    stopper = std::thread([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));  // So that the loop sleeps, most of the time.
      pthread_kill(here, SIGUSR1);
    });
    EXPECT_EQ(co_await WaitFor(server.Read(100), absl::Milliseconds(500)), "in time");
  });
  stopper.join();
  sigaction(SIGUSR1, &before, nullptr);
}

}  // namespace
}  // namespace detent
