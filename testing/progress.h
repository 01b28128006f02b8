// SPDX-License-Identifier: Apache-2.0
//
// Progress: a line on standard error, now and then, that says how far a long search is.
//
// Internal.
#ifndef DETENT_TESTING_PROGRESS_H_
#define DETENT_TESTING_PROGRESS_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace detent_testing::internal {

class Progress {
 public:
  // The search ends after so many schedules, or at the deadline.
  Progress(uint64_t schedules, absl::Time deadline);
  // Ends the line, if one was begun.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `count` schedules, with `distinct` fingerprints, have ended.
  void OnSchedules(uint64_t count, uint64_t distinct);

 private:
  void MaybePrint();

  const uint64_t schedules_;
  const absl::Time deadline_;
  const absl::Time start_;
  const bool is_terminal_;
  absl::Time next_print_;
  uint64_t done_ = 0;
  uint64_t done_at_next_look_ = 0;
  uint64_t distinct_ = 0;
  bool printed_ = false;
};

// `  12,345 schedules, 4,321 a second, 987 distinct, 9m12s left`.
std::string ProgressText(uint64_t done, absl::Duration elapsed, uint64_t distinct, uint64_t schedules,
                         absl::Duration left);

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_PROGRESS_H_
