// SPDX-License-Identifier: Apache-2.0
//
// What the clocks of the C library show in a step of a simulated loop, and elsewhere.
#include "absl/time/clock.h"

#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <ctime>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using detent::Coro;

constexpr time_t kYear2000 = 946'684'800;

// All the clocks, in whole seconds: those of the wall first.
std::vector<int64_t> Clocks() {
  std::vector<int64_t> seconds;
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  seconds.push_back(now.tv_sec);
  timeval day;
  gettimeofday(&day, nullptr);
  seconds.push_back(day.tv_sec);
  seconds.push_back(time(nullptr));
  seconds.push_back(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
  seconds.push_back(absl::ToTimeT(absl::Now()));
  for (const clockid_t clock : {CLOCK_REALTIME_COARSE, CLOCK_TAI}) {
    clock_gettime(clock, &now);
    seconds.push_back(now.tv_sec);
  }
  time_t also;
  time(&also);
  seconds.push_back(also);
  for (const clockid_t clock : {CLOCK_MONOTONIC, CLOCK_MONOTONIC_COARSE, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME}) {
    clock_gettime(clock, &now);
    seconds.push_back(kYear2000 + now.tv_sec);
  }
  const auto steady = std::chrono::steady_clock::now().time_since_epoch();
  seconds.push_back(kYear2000 + std::chrono::duration_cast<std::chrono::seconds>(steady).count());
  return seconds;
}

SIM_TEST(ClockTest, TheClocksAreVirtual, {.schedules = 1}) {
  EXPECT_THAT(Clocks(), ::testing::Each(kYear2000));
  co_await detent::Sleep(absl::Hours(1));
  EXPECT_THAT(Clocks(), ::testing::Each(kYear2000 + 3600));
}

SIM_TEST(ClockTest, SoTheyAreInACallback, {.schedules = 1}) {
  detent::Future<> done = detent::MakeFuture<>();
  detent::EventLoop::Current().CallLater(absl::Hours(1), [&] {
    EXPECT_THAT(Clocks(), ::testing::Each(kYear2000 + 3600));
    done.SetResult();
  });
  co_await done;
}

SIM_TEST(ClockTest, ToSleepLetsVirtualTimePassAndNobodyElseRun, {.schedules = 1}) {
  bool ran = false;
  detent::Task<> other = detent::Spawn([](bool& it_ran) -> Coro<> {
    it_ran = true;
    co_return;
  }(ran));
  const detent::LoopTime begin = detent::EventLoop::Current().Time();
  const auto passed = [&] { return detent::EventLoop::Current().Time() - begin; };
  const timespec second = {.tv_sec = 1, .tv_nsec = 0};
  CO_ASSERT_EQ(nanosleep(&second, nullptr), 0);
  EXPECT_EQ(passed(), absl::Seconds(1));
  usleep(500'000);
  EXPECT_EQ(passed(), absl::Milliseconds(1500));
  sleep(2);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_EQ(passed(), absl::Seconds(4));
  timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += 6;
  EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr), 0);
  EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr), 0);  // It is past.
  EXPECT_EQ(passed(), absl::Seconds(10));
  until.tv_sec -= 5;
  EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr), 0);
  EXPECT_EQ(passed(), absl::Seconds(10));
  const timespec bad = {.tv_sec = 0, .tv_nsec = -1};
  EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, nullptr), EINVAL);
  EXPECT_EQ(nanosleep(&bad, nullptr), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_FALSE(ran);
  co_await other;
}

TEST(ClockTest, ATimerIsDueAfterAStepThatSlept) {
  detent::sim::SimLoop loop;
  loop.Run([]() -> Coro<> {
    bool timed_out = false;
    try {
      co_await detent::WaitFor(
          []() -> Coro<> {
            sleep(2);
            co_await detent::Sleep(absl::Seconds(1));
          }(),
          absl::Seconds(1));
    } catch (const detent::TimeoutError&) {
      timed_out = true;
    }
    EXPECT_TRUE(timed_out);
    EXPECT_EQ(detent::EventLoop::Current().Time(), detent::LoopTime() + absl::Seconds(2));
  });
}

TEST(ClockTest, ElsewhereNothingChanges) {
  for (const int64_t seconds : Clocks()) EXPECT_NE(seconds, kYear2000);
  detent::EpollLoop real;
  real.Run([]() -> Coro<> {
    for (const int64_t seconds : Clocks()) EXPECT_NE(seconds, kYear2000);
    co_return;
  });
  // Beside a simulated step, on another thread: what its own thread does is the loop's, what others do is theirs.
  std::mutex mutex;
  std::condition_variable changed;
  int turn = 0;
  std::vector<int64_t> seen;
  std::thread other([&] {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return turn == 1; });
    seen = Clocks();
    turn = 2;
    changed.notify_all();
  });
  detent::sim::SimLoop loop;
  std::vector<std::string> said;
  loop.SetExceptionHandler([&](const detent::ExceptionContext& context) { said.push_back(context.message); });
  loop.Run([&]() -> Coro<> {
    std::unique_lock lock(mutex);
    turn = 1;
    changed.notify_all();
    changed.wait(lock, [&] { return turn == 2; });
    co_return;
  });
  other.join();
  // That it waits for a thread, once for each call in which it did.
  EXPECT_THAT(said, ::testing::Contains(::testing::HasSubstr("pthread_cond_wait() in a simulated step")));
  for (const int64_t seconds : seen) EXPECT_NE(seconds, kYear2000);
}

}  // namespace
}  // namespace detent_testing
