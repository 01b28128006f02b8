// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/distinct_count.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace detent_testing::internal {

void DistinctCount::TakeWaiting() const {
  for (size_t i = 0; i < waiting_count_; ++i) kept_.Prefetch(waiting_[i]);
  for (size_t i = 0; i < waiting_count_; ++i) {
    if ((waiting_[i] & mask_) != 0) continue;
    kept_.Insert(waiting_[i]);
    while (kept_.size() > kKeptMax) KeepFewer(mask_ * 2 + 1);
  }
  waiting_count_ = 0;
}

void DistinctCount::KeepFewer(uint64_t mask) const {
  mask_ = mask;
  FingerprintSet fewer;
  kept_.Visit([&](uint64_t fingerprint) {
    if ((fingerprint & mask) == 0) fewer.Insert(fingerprint);
  });
  kept_ = std::move(fewer);
}

void DistinctCount::Merge(const DistinctCount& other) {
  TakeWaiting();
  other.TakeWaiting();
  if (other.mask_ > mask_) KeepFewer(other.mask_);
  other.kept_.Visit([this](uint64_t fingerprint) { Add(fingerprint); });
}

std::string DistinctCount::Text() const { return absl::StrCat(IsExact() ? "" : "about ", Count()); }

std::string DistinctCount::Spell() const {
  TakeWaiting();
  std::string text = absl::StrCat(absl::Hex(mask_));
  kept_.Visit([&](uint64_t fingerprint) { absl::StrAppend(&text, " ", absl::Hex(fingerprint)); });
  return text;
}

bool DistinctCount::Parse(std::string_view text) {
  kept_.Clear();
  waiting_count_ = 0;
  bool is_mask = true;
  for (const absl::string_view word : absl::StrSplit(absl::string_view(text.data(), text.size()), ' ')) {
    uint64_t number;
    if (!absl::SimpleHexAtoi(word, &number)) return false;
    if (is_mask) {
      mask_ = number;
    } else {
      Add(number);
    }
    is_mask = false;
  }
  return true;
}

}  // namespace detent_testing::internal
