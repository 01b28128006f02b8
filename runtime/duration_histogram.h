// SPDX-License-Identifier: Apache-2.0
//
// DurationHistogram: how often something took how long, in powers of two.
//
//   const DurationHistogram& steps = loop.Metrics().step_time;
//   steps.Percentile(0.99);                       // 99 of 100 took at most that
//
// A duration is known to within a factor of two; Max() and Total() are exact to the nanosecond.
#ifndef DETENT_RUNTIME_DURATION_HISTOGRAM_H_
#define DETENT_RUNTIME_DURATION_HISTOGRAM_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace detent {

class DurationHistogram {
 public:
  DurationHistogram() {}

  uint64_t Count() const { return count_; }
  absl::Duration Total() const { return absl::Nanoseconds(total_); }
  absl::Duration Max() const { return absl::Nanoseconds(max_); }

  // The least bound below which so much of them, a share in [0, 1], lies; zero if there are none.
  absl::Duration Percentile(double share) const {
    const double wanted = share * static_cast<double>(count_);
    uint64_t seen = 0;
    for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
      seen += counts_[bucket];
      if (seen > 0 && static_cast<double>(seen) >= wanted) return std::min(UpTo(bucket), Max());
    }
    return Max();
  }

  // Bucket i counts what took less than UpTo(i), and no less than UpTo(i - 1): for whoever exports them.
  static constexpr size_t kBuckets = 48;
  uint64_t BucketCount(size_t bucket) const { return counts_[bucket]; }
  static absl::Duration UpTo(size_t bucket) { return absl::Nanoseconds(int64_t{1} << bucket); }

  // --- For the library ---

  // Less than nothing counts as nothing.
  void Add(int64_t nanoseconds) {
    nanoseconds = std::max<int64_t>(nanoseconds, 0);
    const auto width = static_cast<size_t>(std::bit_width(static_cast<uint64_t>(nanoseconds)));
    ++counts_[std::min(width, kBuckets - 1)];
    ++count_;
    total_ += nanoseconds;
    max_ = std::max(max_, nanoseconds);
  }

 private:
  std::array<uint64_t, kBuckets> counts_ = {};
  uint64_t count_ = 0;
  int64_t total_ = 0;
  int64_t max_ = 0;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_DURATION_HISTOGRAM_H_
