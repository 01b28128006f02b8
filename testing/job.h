// SPDX-License-Identifier: Apache-2.0
//
// Job: this process as one of several that search for their parent; see jobs.h. Not for users.
//
// The parent starts its own program again, with the internal variable DETENT_INTERNAL_JOB, which says what
// its share is, where to keep count of the schedules (memory that both see), and through which pipe to tell
// what was found.
#ifndef DETENT_TESTING_JOB_H_
#define DETENT_TESTING_JOB_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "detent/testing/options.h"
#include "detent/testing/search.h"

namespace detent_testing::internal {

inline constexpr char kJobVariable[] = "DETENT_INTERNAL_JOB";

// How far a job is. Lies in shared memory, which begins as zeros.
class alignas(64) JobSlot {
 public:
  std::atomic<uint64_t> done;      // How many schedules it has run.
  std::atomic<uint64_t> last;      // The number, from 1, of the last of them; 0 at the beginning.
  std::atomic<uint64_t> distinct;  // How many fingerprints they had.
};

class Job final : public ScheduleListener {
 public:
  // Null in a process that nobody started as a job.
  static Job* OfThisProcess();

  // Its share of the schedules.
  uint64_t slice() const { return slice_; }
  uint64_t slices() const { return slices_; }
  // Passes on to `next`, which may be null.
  void set_next(ScheduleListener* next) { next_ = next; }

  void OnSchedule(uint64_t number, uint64_t fingerprint, bool passed) override;
  // Tells the parent how the search ended.
  void Tell(const Found& found);

 private:
  Job(uint64_t slice, uint64_t slices, int pipe, JobSlot* slot)
      : slice_(slice), slices_(slices), pipe_(pipe), slot_(slot) {}
  static Job* TakeFromEnvironment();

  const uint64_t slice_;
  const uint64_t slices_;
  const int pipe_;
  JobSlot* const slot_;
  ScheduleListener* next_ = nullptr;
  absl::flat_hash_set<uint64_t> distinct_;  // Counted only.
};

// What a job found, and the states of its Sometimes<> properties, as a text; and back, the properties being
// merged into this process's. False if the text is not whole.
std::string SpellFound(const Found& found);
bool TakeFound(std::string_view text, Found& found);

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_JOB_H_
