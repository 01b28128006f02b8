// SPDX-License-Identifier: Apache-2.0
#ifndef DETENT_TESTING_CANCEL_COUNTS_H_
#define DETENT_TESTING_CANCEL_COUNTS_H_

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"

namespace detent_testing {

// How many runs of a body CancelEverywhere() broke off, and how.
class CancelCounts {
 public:
  CancelCounts() {}

  uint64_t cancellations = 0;
  uint64_t timeouts = 0;

  void TakeMaximum(const CancelCounts& other) {
    cancellations = std::max(cancellations, other.cancellations);
    timeouts = std::max(timeouts, other.timeouts);
  }
  // `31 cancellations, 31 time-outs`.
  std::string ToString() const {
    return absl::StrCat(cancellations, cancellations == 1 ? " cancellation, " : " cancellations, ", timeouts,
                        timeouts == 1 ? " time-out" : " time-outs");
  }
};

}  // namespace detent_testing

#endif  // DETENT_TESTING_CANCEL_COUNTS_H_
