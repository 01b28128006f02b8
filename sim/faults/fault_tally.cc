// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/faults/fault_tally.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace detent::sim {

void FaultTally::Add(const FaultTally& other) {
  asked_ = asked_ | other.asked_;
  named_ = named_ | other.named_;
  for (size_t i = 0; i < kFaultFamilies; ++i) {
    counts_[i].opportunities += other.counts_[i].opportunities;
    counts_[i].strikes += other.counts_[i].strikes;
  }
}

std::string FaultTally::Text() const {
  std::string text;
  for (size_t i = 0; i < kFaultFamilies; ++i) {
    const auto family = static_cast<FaultFamily>(i);
    // Of what nobody named, only what there was.
    if (!named_.Has(family) && opportunities(family) == 0) continue;
    absl::StrAppend(&text, text.empty() ? "faults struck: " : ", ", kFamilyNames[i], " ");
    strikes(family) == 0 ? absl::StrAppend(&text, "none") : absl::StrAppend(&text, strikes(family));
    absl::StrAppend(&text, " of ", opportunities(family), text.find(" opp") == text.npos ? " opportunities" : "");
  }
  return text.empty() && any() ? "faults struck: none, there was no opportunity" : text;
}

std::string FaultTally::NeverStruck() const {
  std::string text;
  for (size_t i = 0; i < kFaultFamilies; ++i) {
    const auto family = static_cast<FaultFamily>(i);
    if (!named_.Has(family) || strikes(family) > 0) continue;
    absl::StrAppend(&text, text.empty() ? "" : ", ", kFamilyNames[i], " (", opportunities(family), " opportunities)");
  }
  return text;
}

std::string FaultTally::Spell() const {
  std::string text;
  for (size_t i = 0; i < kFaultFamilies; ++i) {
    const auto family = static_cast<FaultFamily>(i);
    absl::StrAppend(&text, int{asked_.Has(family)}, " ", int{named_.Has(family)}, " ", opportunities(family), " ",
                    strikes(family), " ");
  }
  return text;
}

bool FaultTally::Parse(std::string_view text) {
  const std::vector<std::string> words =
      absl::StrSplit(absl::string_view(text.data(), text.size()), ' ', absl::SkipEmpty());
  if (words.size() != 4 * kFaultFamilies) return false;
  FaultTally tally;
  for (size_t i = 0; i < kFaultFamilies; ++i) {
    const auto family = static_cast<FaultFamily>(i);
    if (words[4 * i] == "1") tally.asked_ = tally.asked_ | FaultSet(family);
    if (words[4 * i + 1] == "1") tally.named_ = tally.named_ | FaultSet(family);
    if (!absl::SimpleAtoi(words[4 * i + 2], &tally.counts_[i].opportunities) ||
        !absl::SimpleAtoi(words[4 * i + 3], &tally.counts_[i].strikes)) {
      return false;
    }
  }
  *this = tally;
  return true;
}

}  // namespace detent::sim
