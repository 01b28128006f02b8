// SPDX-License-Identifier: Apache-2.0
//
// DistinctCount: how many different fingerprints there were among many, in little memory.
//
//   DistinctCount distinct;
//   distinct.Add(loop.fingerprint());
//   distinct.Text();   // 61, or `about 1234567`
//
// Exact up to 65,536. Beyond, only those are kept whose lowest bits are 0, one bit more whenever they are too many
// again (adaptive sampling; Flajolet, 1990): then it is right to about half a per cent.
//
// Every schedule adds one. What is kept outgrows the caches near the processor, and a cache miss takes as long as a few
// steps: so those that are added wait until there are many, whose misses overlap. Whoever asks for a count gets all.
//
// Internal.
#ifndef DETENT_TESTING_DISTINCT_COUNT_H_
#define DETENT_TESTING_DISTINCT_COUNT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "detent/testing/fingerprint_set.h"

namespace detent_testing::internal {

class DistinctCount {
 public:
  DistinctCount() {}

  void Add(uint64_t fingerprint) {
    if ((fingerprint & mask_) != 0) return;
    waiting_[waiting_count_++] = fingerprint;
    if (waiting_count_ == kWaitingMax) TakeWaiting();
  }
  // Adds what another one has counted.
  void Merge(const DistinctCount& other);

  uint64_t Count() const {
    TakeWaiting();
    return kept_.size() * (mask_ + 1);
  }
  bool IsExact() const {
    TakeWaiting();
    return mask_ == 0;
  }
  std::string Text() const;

  // For another process. Parse() is false if the text is not one of Spell().
  std::string Spell() const;
  bool Parse(std::string_view text);

 private:
  static constexpr size_t kKeptMax = 65536;
  static constexpr size_t kWaitingMax = 64;

  void TakeWaiting() const;
  void KeepFewer(uint64_t mask) const;

  mutable uint64_t mask_ = 0;  // These bits of what is kept are 0.
  mutable FingerprintSet kept_;
  mutable size_t waiting_count_ = 0;
  std::array<uint64_t, kWaitingMax> waiting_;
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_DISTINCT_COUNT_H_
