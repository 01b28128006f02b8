// SPDX-License-Identifier: Apache-2.0
//
// CancelPoints: counts the moments at which tasks of a simulated run can be cancelled, and cancels at those that it was
// told.
//
// Internal.
#ifndef DETENT_TESTING_CANCEL_POINTS_H_
#define DETENT_TESTING_CANCEL_POINTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detent/runtime/task.h"
#include "detent/runtime/timeout.h"
#include "detent/sim/strategy/observer.h"

namespace detent_testing::internal {

// An observer that acts, against its base's rule: what it does depends on nothing but the run, so that a replay sees
// the same.
class CancelPoints final : public detent::sim::RunObserver {
 public:
  // Counts anew, for tasks that are made from now on: those called `task`; all for "*"; only the next one if empty.
  // Strikes at the moments of these numbers, from 0, which rise.
  CancelPoints(const detent::internal::LoopCore& core, std::string_view task, std::vector<uint64_t> strikes)
      : name_(task), first_id_(core.next_task_id), strikes_(std::move(strikes)) {}

  // What strikes instead of a cancellation, in the task that enters its block.
  void set_timeout(detent::Timeout* timeout) { timeout_ = timeout; }

  // From now on counts and strikes no more.
  void Stop() { stopped_ = true; }

  uint64_t moments() const { return moments_; }
  // Moments in which an await begins to wait, or a bare Yield() ends.
  uint64_t awaits() const { return awaits_; }
  bool saw_task() const { return saw_task_; }
  // How many strikes were made.
  size_t strikes_made() const { return next_; }
  // Where the first was: `bank.cc:41`, and in words; empty if there was none yet.
  const std::string& place() const { return place_; }
  const std::string& story() const { return story_; }
  // The task of the first strike.
  const detent::AnyTask& victim() const { return victim_; }

  void OnStep(const detent::sim::Candidate& step, uint64_t number) override;
  void AfterStep() override;

 private:
  enum class Moment { kBegins, kWaits, kGoesOn };

  bool IsVictim(const detent::internal::TaskState& task) const;
  // Whether the body's own task waits, directly or not, for `task`: a cancellation finds that one, too, where it is.
  bool IsAwaitedByBody(const detent::internal::TaskState& task) const;
  // A moment of `task`, at which `task` is cancelled or, if the body awaits it, the body.
  void Pass(Moment moment, detent::internal::TaskState& task);
  std::string Story(Moment moment, const detent::internal::TaskState& task) const;

  const std::string name_;
  const uint64_t first_id_;
  const std::vector<uint64_t> strikes_;
  size_t next_ = 0;  // Of strikes_.
  detent::Timeout* timeout_ = nullptr;

  detent::AnyTask body_;     // The body's own task, once it has begun; empty if tasks of a name are cancelled.
  detent::AnyTask running_;  // The task whose step runs, if it has moments.
  uint64_t moments_ = 0;
  uint64_t awaits_ = 0;
  bool saw_task_ = false;
  bool stopped_ = false;
  std::map<std::pair<uint64_t, std::string>, uint64_t> visits_;  // How often a task, by its number, waited at a place.
  detent::AnyTask victim_;
  std::string place_;
  std::string story_;
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_CANCEL_POINTS_H_
