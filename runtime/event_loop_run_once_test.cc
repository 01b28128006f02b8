// SPDX-License-Identifier: Apache-2.0
//
// RunOnce(), and what a foreign loop needs beside it.
#include <poll.h>

#include <string>
#include <thread>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/sim/sim.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;

template <typename L>
class RunOnceTest : public ::testing::Test {
 protected:
  L loop_;
};
using Loops = ::testing::Types<EpollLoop, sim::SimLoop>;
TYPED_TEST_SUITE(RunOnceTest, Loops);

TYPED_TEST(RunOnceTest, RunsWhatIsReadyAndNotWhatThatMakesReady) {
  std::vector<std::string> log;
  EventLoop& loop = this->loop_;
  loop.CallSoon([&] {
    log.push_back("first");
    loop.CallSoon([&] { log.push_back("second"); });
  });
  loop.RunOnce();
  EXPECT_THAT(log, ElementsAre("first"));
  loop.RunOnce();
  EXPECT_THAT(log, ElementsAre("first", "second"));
  loop.RunOnce();  // Nothing is ready: it does not wait.
}

TYPED_TEST(RunOnceTest, WaitsNoLongerThanAskedFor) {
  EventLoop& loop = this->loop_;
  bool late = false;
  loop.CallLater(absl::Hours(1), [&] { late = true; });
  const LoopTime before = loop.Time();
  loop.RunOnce(absl::Milliseconds(1));
  EXPECT_FALSE(late);
  EXPECT_GE(loop.Time() - before, absl::Milliseconds(1));
}

TYPED_TEST(RunOnceTest, WaitsForATimer) {
  EventLoop& loop = this->loop_;
  bool ran = false;
  loop.CallLater(absl::Milliseconds(1), [&] { ran = true; });
  while (!ran) loop.RunOnce(absl::Hours(1));
}

TYPED_TEST(RunOnceTest, InsideARunIsRefused) {
  this->loop_.Run([]() -> Coro<> {
    EXPECT_THROW(EventLoop::Current().RunOnce(), InvalidStateError);
    co_return;
  });
}

TEST(ForeignLoopTest, NextTimeoutSaysWhenTheLoopHasToRun) {
  EpollLoop loop;
  EXPECT_EQ(loop.NextTimeout(), absl::InfiniteDuration());
  const CallbackHandle timer = loop.CallLater(absl::Hours(1), [] {});
  EXPECT_LE(loop.NextTimeout(), absl::Hours(1));
  EXPECT_GT(loop.NextTimeout(), absl::Minutes(50));
  loop.CallSoon([] {});
  EXPECT_EQ(loop.NextTimeout(), absl::ZeroDuration());
  loop.RunOnce();
  EXPECT_GT(loop.NextTimeout(), absl::ZeroDuration());
}

bool CanBeRead(int fd) {
  pollfd entry = {.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&entry, 1, 0) == 1;
}

TEST(ForeignLoopTest, TheDescriptorCanBeReadWhenThereIsSomethingToDo) {
  EpollLoop loop;
  EXPECT_FALSE(CanBeRead(loop.Fd()));
  bool ran = false;
  std::thread([&] { loop.CallSoonThreadsafe([&] { ran = true; }); }).join();
  EXPECT_TRUE(CanBeRead(loop.Fd()));
  EXPECT_EQ(loop.NextTimeout(), absl::ZeroDuration());
  loop.RunOnce();
  EXPECT_TRUE(ran);
  EXPECT_FALSE(CanBeRead(loop.Fd()));
}

}  // namespace
}  // namespace detent
