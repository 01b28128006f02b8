// SPDX-License-Identifier: Apache-2.0
//
// What is left of a run goes without a trace.
#include <memory>
#include <utility>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

using ::testing::IsEmpty;

class DiscardTest : public detent_testing::TestLoop {};

class CancelsWhenItGoes {
 public:
  CancelsWhenItGoes() {}
  CancelsWhenItGoes(const CancelsWhenItGoes&) = delete;
  ~CancelsWhenItGoes() { callback.Cancel(); }
  CallbackHandle callback;
};

TEST_F(DiscardTest, ACallbackThatGoesMayTakeOthersBack) {
  auto guard = std::make_shared<CancelsWhenItGoes>();
  auto last = std::make_shared<int>();
  loop_->CallSoon([&] {
    loop_->Stop();
    loop_->CallSoon([kept = guard] {});
    guard->callback = loop_->CallSoon([] {});
    loop_->CallSoon([last] {});
    guard = nullptr;
  });
  loop_->RunForever();
  DestroyLoop();
  EXPECT_EQ(last.use_count(), 1);
}

// Schedules itself again and again.
class Again {
 public:
  Again(EventLoop& loop, std::shared_ptr<int> kept) : loop_(&loop), kept_(std::move(kept)) {}
  void operator()() { loop_->CallSoon(Again(*loop_, kept_)); }

 private:
  EventLoop* loop_;
  std::shared_ptr<int> kept_;
};

TEST_F(DiscardTest, ACallbackWhoseStepPassesTheLimitIsDropped) {
  auto kept = std::make_shared<int>();
  SimLoop loop({.strategy = Fifo(), .steps_max = 100});
  loop.CallSoon(Again(loop, kept));
  EXPECT_THROW(loop.RunForever(), LimitError);
  loop.Discard();
  EXPECT_EQ(kept.use_count(), 1);
}

TEST_F(DiscardTest, AHeldWhoseLockWasGivenBackForAWaitSaysNothing) {
  Condition condition("c");
  Run([&]() -> Coro<> {
    Spawn([&]() -> Coro<> {
      const auto held = co_await condition.Hold();
      co_await condition.Wait();
    });
    co_await Yield();
  });
  loop_->Discard();
  EXPECT_THAT(reports_, IsEmpty());
}

}  // namespace
}  // namespace detent::sim
