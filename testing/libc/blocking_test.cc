// SPDX-License-Identifier: Apache-2.0
//
// The calls that no simulated loop can wait for are told of.
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <condition_variable>
#include <cstddef>
#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using detent::Coro;
using ::testing::HasSubstr;

// What is said of a body that does this.
std::string Said(const std::function<void()>& act) {
  const Report report = Explore({.schedules = 1, .shrink_time = absl::ZeroDuration()}, [&act]() -> Coro<> {
    act();
    act();  // It is said once.
    co_return;
  });
  return report.ok ? "" : report.failure;
}

TEST(BlockingTest, WhatWouldWaitForTheSystemIsToldOf) {
  constexpr char kSentence[] =
      "it waits for the system, for which no simulated loop can wait; use detent's own operation, or give a fake to "
      "the "
      "code under test";
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  char bytes[2];
  const auto read_one = [&] {
    ASSERT_EQ(write(ends[1], "x", 1), 1);
    ASSERT_EQ(read(ends[0], bytes, 1), 1);
  };
  EXPECT_THAT(Said(read_one),
              ::testing::StartsWith("read() in a simulated step, by task \"task-1\", in the step from "));
  EXPECT_THAT(Said(read_one), ::testing::EndsWith(kSentence));
  EXPECT_THAT(Said([&] {
                ASSERT_EQ(write(ends[1], "x", 1), 1);
                ASSERT_EQ(recv(ends[0], bytes, 1, 0), 1);
              }),
              HasSubstr("recv() in a simulated step"));
  EXPECT_THAT(Said([] { poll(nullptr, 0, 1); }), HasSubstr("poll() in a simulated step"));
  close(ends[0]);
  close(ends[1]);
}

TEST(BlockingTest, SoAreOthersThatWait) {
  EXPECT_THAT(Said([] {
                timeval soon = {.tv_sec = 0, .tv_usec = 1};
                select(0, nullptr, nullptr, nullptr, &soon);
              }),
              HasSubstr("select() in a simulated step"));
  const int epoll = epoll_create1(0);
  epoll_event event;
  EXPECT_THAT(Said([&] { epoll_wait(epoll, &event, 1, 1); }), HasSubstr("epoll_wait() in a simulated step"));
  EXPECT_EQ(Said([&] { epoll_wait(epoll, &event, 1, 0); }), "");
  EXPECT_EQ(Said([] {
              timeval now = {.tv_sec = 0, .tv_usec = 0};
              select(0, nullptr, nullptr, nullptr, &now);
            }),
            "");
  close(epoll);
}

TEST(BlockingTest, ConnectAndAcceptAreToldOf) {
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string name = "detent blocking_test " + std::to_string(getpid());
  name.copy(address.sun_path + 1, sizeof(address.sun_path) - 1);  // Abstract.
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const auto* const where = reinterpret_cast<const sockaddr*>(&address);
  ASSERT_EQ(bind(listener, where, size), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  std::vector<int> opened;
  EXPECT_THAT(Said([&] {
                opened.push_back(socket(AF_UNIX, SOCK_STREAM, 0));
                ASSERT_EQ(connect(opened.back(), where, size), 0);
              }),
              HasSubstr("connect() in a simulated step"));
  EXPECT_THAT(Said([&] { opened.push_back(accept(listener, nullptr, nullptr)); }),
              HasSubstr("accept() in a simulated step"));
  for (const int descriptor : opened) close(descriptor);
  close(listener);
}

TEST(BlockingTest, EachIsToldOfOnceARun) {
  std::vector<std::string> said;
  detent::sim::SimLoop loop;
  loop.SetExceptionHandler([&](const detent::ExceptionContext& context) { said.push_back(context.message); });
  for (int run = 0; run < 2; ++run) {
    loop.Run([]() -> Coro<> {
      for (int i = 0; i < 3; ++i) poll(nullptr, 0, 1);
      co_return;
    });
    loop.Reset(1);
  }
  EXPECT_EQ(said.size(), 2u);
}

TEST(BlockingTest, WhatDoesNotWaitIsNot) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  char bytes[2];
  EXPECT_EQ(Said([&] { EXPECT_EQ(read(ends[0], bytes, 1), -1); }), "");
  int waiting[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, waiting), 0);
  EXPECT_EQ(Said([&] { EXPECT_EQ(recv(waiting[0], bytes, 1, MSG_DONTWAIT), -1); }), "");
  close(waiting[0]);
  close(waiting[1]);
  EXPECT_EQ(Said([&] {
              const int zeros = open("/dev/zero", O_RDONLY);
              EXPECT_EQ(read(zeros, bytes, 1), 1);
              close(zeros);
            }),
            "");
  EXPECT_EQ(Said([] { poll(nullptr, 0, 0); }), "");
  std::mutex mutex;
  EXPECT_EQ(Said([&] { const std::lock_guard lock(mutex); }), "");
  EXPECT_EQ(Said([] { std::ofstream("/dev/null") << "x"; }), "");
  close(ends[0]);
  close(ends[1]);
}

TEST(BlockingTest, AThreadIsToldOf) {
  const std::string said = Said([] { std::thread([] {}).join(); });
  EXPECT_THAT(said, ::testing::StartsWith("pthread_create() in a simulated step, by task \"task-1\""));
  EXPECT_THAT(said, ::testing::EndsWith(": a thread runs as the system likes, and its run cannot be replayed; use "
                                        "Spawn(), or RunInExecutor()"));
}

TEST(BlockingTest, AMutexThatAnotherThreadHoldsIsToldOf) {
  std::mutex mutex;
  std::mutex guard;
  std::condition_variable changed;
  bool is_held = false;
  bool may_go = false;
  std::thread holder([&] {
    mutex.lock();
    std::unique_lock lock(guard);
    is_held = true;
    changed.notify_all();
    changed.wait(lock, [&] { return may_go; });
    mutex.unlock();
  });
  std::string said;
  {
    std::unique_lock lock(guard);
    changed.wait(lock, [&] { return is_held; });
  }
  detent::sim::SimLoop loop;
  loop.SetExceptionHandler([&](const detent::ExceptionContext& context) {
    said = context.message;
    const std::lock_guard lock(guard);
    may_go = true;
    changed.notify_all();
  });
  loop.Run([&]() -> Coro<> {
    const std::lock_guard lock(mutex);
    co_return;
  });
  holder.join();
  EXPECT_THAT(said, HasSubstr("pthread_mutex_lock() in a simulated step"));
  EXPECT_THAT(said, HasSubstr("another thread holds it"));
}

TEST(BlockingTest, ThePlaceOfTheStepIsSaid) {
  const Report report = Explore({.schedules = 1, .shrink_time = absl::ZeroDuration()}, []() -> Coro<> {
    co_await detent::Spawn(
        []() -> Coro<> {
          co_await detent::Sleep(absl::Seconds(1));
          poll(nullptr, 0, 1);
        }(),
        {.name = "poller"});
  });
  EXPECT_THAT(report.failure, HasSubstr("poll() in a simulated step, by task \"poller\", in the step from "));
  EXPECT_THAT(report.failure, HasSubstr("blocking_test.cc:"));
}

}  // namespace
}  // namespace detent_testing
