// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/distinct_count.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace detent_testing::internal {

void DistinctCount::KeepFewer() {
  while (kept_.size() > kKeptMax) {
    mask_ = mask_ * 2 + 1;
    absl::erase_if(kept_, [this](uint64_t fingerprint) { return (fingerprint & mask_) != 0; });
  }
}

void DistinctCount::Merge(const DistinctCount& other) {
  if (other.mask_ > mask_) {
    mask_ = other.mask_;
    absl::erase_if(kept_, [this](uint64_t fingerprint) { return (fingerprint & mask_) != 0; });
  }
  for (const uint64_t fingerprint : other.kept_) Add(fingerprint);
}

std::string DistinctCount::Text() const { return absl::StrCat(IsExact() ? "" : "about ", Count()); }

std::string DistinctCount::Spell() const {
  std::string text = absl::StrCat(absl::Hex(mask_));
  for (const uint64_t fingerprint : kept_) absl::StrAppend(&text, " ", absl::Hex(fingerprint));
  return text;
}

bool DistinctCount::Parse(std::string_view text) {
  kept_.clear();
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
