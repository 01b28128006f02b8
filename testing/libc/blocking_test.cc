// SPDX-License-Identifier: Apache-2.0
//
// The calls that no simulated loop can wait for are told of.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

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

TEST(BlockingTest, WhatDoesNotWaitIsNot) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  char bytes[2];
  EXPECT_EQ(Said([&] { EXPECT_EQ(read(ends[0], bytes, 1), -1); }), "");
  EXPECT_EQ(Said([&] { EXPECT_EQ(recv(ends[0], bytes, 1, MSG_DONTWAIT), -1); }), "");
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
