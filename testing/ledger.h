// SPDX-License-Identifier: Apache-2.0
//
// Ledger: what a run took it has given back: no socket is left open, no task, future or coroutine is left behind, and
// timers armed = fired + cancelled + pending.
//
//   Ledger ledger(loop, Ledger::Blocks::kCounted);
//   ...                                    // the run
//   ledger.CountTimers();
//   ...                                    // the end of whatever it left
//   ledger.Balance(failure);
//
// Whatever is still there then is held by something that outlives the run: a static object, a cycle of shared_ptr, or a
// fault of this library's. That futures, tasks and sockets are left is seen in every run; which ones, and coroutines
// that nobody runs, only in one whose blocks are counted, which takes longer.
//
// Internal.
#ifndef DETENT_TESTING_LEDGER_H_
#define DETENT_TESTING_LEDGER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/pool_census.h"
#include "detent/testing/failure.h"

namespace detent_testing::internal {

// The kind of a failure by what is left behind.
inline constexpr std::string_view kLeftBehind = "left behind";
// That of a failure by a timer that the library has lost.
inline constexpr std::string_view kLostTimer = "lost timer";

class Ledger {
 public:
  enum class Blocks { kCounted, kNotCounted };

  // Begins before the run.
  Ledger(detent::EventLoop& loop, Blocks blocks);
  ~Ledger() { core_.DropReference(); }
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // After the run, whose tasks have all ended: timers that are pending now are of callbacks, or nobody will wait for
  // them. REQUIRES: the loop lives, and what it has has not been discarded.
  void CountTimers();

  // Adds what is left to `failure`, and what CountTimers() found. REQUIRES: what the loop had has been discarded; the
  // loop may be gone.
  void Balance(Failure& failure) const;

 private:
  // Where the sums do not say at once that all is well, as they do for nearly every schedule.
  void CountEachTimer();
  void DescribeWhatIsLeft(Failure& failure) const;
  // The loop has a reference while it lives, and so has this.
  uint64_t ExpectedReferences() const { return core_.IsClosed() ? 1 : references_ + 1; }

  detent::internal::LoopCore& core_;
  const uint64_t references_;
  const size_t armed_;
  const size_t fired_;
  const size_t cancelled_;
  const size_t pending_;
  std::optional<detent::internal::PoolCensus> census_;
  std::vector<std::string> timers_;  // Those that are left behind.
  std::string timer_fault_;          // Of this library; empty for none.
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_LEDGER_H_
