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
// Internal.
#ifndef DETENT_TESTING_DISTINCT_COUNT_H_
#define DETENT_TESTING_DISTINCT_COUNT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_set.h"

namespace detent_testing::internal {

class DistinctCount {
 public:
  DistinctCount() {}

  void Add(uint64_t fingerprint) {
    if ((fingerprint & mask_) != 0) return;
    if (kept_.insert(fingerprint).second && kept_.size() > kKeptMax) KeepFewer();
  }
  // Adds what another one has counted.
  void Merge(const DistinctCount& other);

  uint64_t Count() const { return kept_.size() * (mask_ + 1); }
  bool IsExact() const { return mask_ == 0; }
  std::string Text() const;

  // For another process. Parse() is false if the text is not one of Spell().
  std::string Spell() const;
  bool Parse(std::string_view text);

 private:
  static constexpr size_t kKeptMax = 65536;

  void KeepFewer();

  uint64_t mask_ = 0;                   // These bits of what is kept are 0.
  absl::flat_hash_set<uint64_t> kept_;  // Its order decides nothing.
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_DISTINCT_COUNT_H_
