// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/fingerprint_set.h"

#include <algorithm>
#include <utility>

namespace detent_testing::internal {

void FingerprintSet::Grow() {
  std::vector<uint64_t> more(std::max(kFirstPlaces, places_.size() * kGrowth));
  const std::vector<uint64_t> old = std::exchange(places_, std::move(more));
  size_ = 0;
  for (const uint64_t number : old) {
    if (number != kNone) Insert(number);
  }
}

}  // namespace detent_testing::internal
