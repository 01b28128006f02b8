// SPDX-License-Identifier: Apache-2.0
//
// JobChild: this process as one of several that search for their parent; see job_parent.h.
//
// The parent starts its own program again, with the variable DETENT_INTERNAL_JOB, which says what the share of this
// process is, where to keep count of the schedules (memory that both see), and through which pipe to tell what was
// found.
//
// Internal.
#ifndef DETENT_TESTING_JOB_CHILD_H_
#define DETENT_TESTING_JOB_CHILD_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "detent/testing/distinct_count.h"
#include "detent/testing/options.h"
#include "detent/testing/search.h"

namespace detent_testing::internal {

inline constexpr char kJobVariable[] = "DETENT_INTERNAL_JOB";

// How far a job is. It lies in shared memory, which begins as zeros.
class alignas(64) JobSlot {
 public:
  std::atomic<uint64_t> done;      // How many schedules it has run.
  std::atomic<uint64_t> last;      // The number, from 1, of the last of them that passed; 0 at the beginning.
  std::atomic<uint64_t> distinct;  // How many fingerprints they had.
};

class JobChild final : public ScheduleObserver {
 public:
  // Null in a process that was not started as a job.
  static JobChild* OfThisProcess();

  // Its share of the schedules, as Options has it.
  uint64_t slice() const { return slice_; }
  uint64_t slices() const { return slices_; }
  uint64_t first() const { return first_; }
  // Lets `next` observe the schedules too; null for nobody.
  void set_next(ScheduleObserver* next) { next_ = next; }

  void OnSchedule(uint64_t number, uint64_t fingerprint, bool passed) override;
  // Tells the parent how the search ended.
  void Tell(const SearchResult& found);

 private:
  JobChild(uint64_t slice, uint64_t slices, uint64_t first, int pipe, JobSlot* slot)
      : slice_(slice), slices_(slices), first_(first), pipe_(pipe), slot_(slot) {}
  static JobChild* TakeFromEnvironment();

  const uint64_t slice_;
  const uint64_t slices_;
  const uint64_t first_;
  const int pipe_;
  JobSlot* const slot_;
  ScheduleObserver* next_ = nullptr;
  DistinctCount distinct_;
};

// What a job found, and the states of its Sometimes<> properties, as a text.
std::string SpellSearchResult(const SearchResult& found);
// Reads that text, and merges the properties into this process's. False if the text is not whole.
bool ParseSearchResult(std::string_view text, SearchResult& found);

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_JOB_CHILD_H_
