// SPDX-License-Identifier: Apache-2.0
//
// ManualClock: virtual time that stands still until the test moves it.
//
//   SIM_TEST(CacheTest, AnEntryLivesForAMinute) {
//     sim::ManualClock clock;
//     Cache cache(/*lifetime=*/absl::Minutes(1));
//     cache.Put("a", 1);
//     co_await clock.AdvanceBy(absl::Seconds(59));
//     EXPECT_TRUE(cache.Has("a"));
//     co_await clock.AdvanceBy(absl::Seconds(1));
//     EXPECT_FALSE(cache.Has("a"));
//   }
//
// The clock of a simulated loop jumps to the next timer as soon as nothing is ready. While its ManualClock exists it
// does so only inside AdvanceBy() and AdvanceTo(). What is due on the way fires at its own instant, in order: timers,
// messages of the network, functions in the executor; and what they make ready runs. The call goes on when the time has
// come and everything else waits. Everything is chosen as ever: each schedule of a SIM_TEST has its own order.
//
// Suspension.    AdvanceBy() and AdvanceTo() always; zero lets everything run that needs no time.
// Cancellation.  Time stays where it is.
// Errors.        InvalidStateError where no simulated loop runs, for a second ManualClock of a loop and for a second
//                advance at a time; std::invalid_argument for a way back. If every task waits and nobody moves the
//                clock, the run ends with a DeadlockError.
// Ownership.     Should outlive the tasks that await it; those that do not get an InvalidStateError.
// Threads.       The loop's own thread only.
#ifndef DETENT_SIM_MANUAL_CLOCK_H_
#define DETENT_SIM_MANUAL_CLOCK_H_

#include <exception>
#include <string>

#include "detent/runtime/any_duration.h"
#include "detent/runtime/internal/awaiting.h"
#include "detent/runtime/internal/wait_node.h"
#include "detent/runtime/loop_time.h"
#include "detent/sim/sim_loop.h"

namespace detent::sim {

class ManualAdvance;

class ManualClock final : private TimeHolder {
 public:
  // Of the running loop.
  ManualClock();
  ManualClock(const ManualClock&) = delete;
  ManualClock& operator=(const ManualClock&) = delete;
  ~ManualClock();

  // `co_await clock.AdvanceBy(duration)`, zero or more, from the loop's time at the await; or up to a point of it.
  ManualAdvance AdvanceBy(AnyDuration duration);
  ManualAdvance AdvanceTo(LoopTime when);

 private:
  friend class ManualAdvance;

  LoopTime Stop() const override { return stop_; }
  bool EverybodyWaits() override;
  std::string DescribeHold(LoopTime next) const override;

  SimLoop& loop_;
  LoopTime stop_;
  ManualAdvance* advance_ = nullptr;  // Until its task goes on.
};

// --------------------------------------------------------------------------------------------------------------------

class [[nodiscard("does nothing until awaited: write co_await")]] ManualAdvance final : public internal::WaitNode {
 public:
  ManualAdvance(ManualClock& clock, absl::Duration duration)
      : clock_(&clock), duration_(duration), is_absolute_(false) {}
  ManualAdvance(ManualClock& clock, LoopTime until) : clock_(&clock), until_(until), is_absolute_(true) {}

  static constexpr bool kTakesTurns = true;

  // Only with an error.
  bool Ready(internal::TaskState& task);
  void GiveBack(internal::TaskState&) const {}
  WaitNode* Suspend(internal::TaskState& task);
  internal::Ending End(internal::TaskState& task);
  std::exception_ptr TakeError() const { return misuse_ != nullptr ? misuse_ : OrphanError(); }
  void Take() const {}

  void Abandon() noexcept override;
  internal::WaitKind Kind() const override { return internal::WaitKind::kNone; }
  void Describe(internal::WaitText& text) const override;

  bool TimeHasCome() { return Wake(); }
  void ClockIsGone() { Orphan(); }

 private:
  ManualClock* clock_;
  absl::Duration duration_;
  LoopTime until_;  // Of a duration, from Ready() on.
  bool is_absolute_;
  std::exception_ptr misuse_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_MANUAL_CLOCK_H_
