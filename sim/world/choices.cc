// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/choices.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "detent/sim/world/arrivals.h"

namespace detent::sim {

uint32_t ChooseDoublings(internal::LoopOwner& owner, ChoiceKind kind, uint64_t stream, Calm calm,
                         absl::FunctionRef<std::string()> what) {
  return owner.ChooseInWorld(kind, stream, 1 + kDoublings, [&] {
    const std::string begin = what();
    std::string words;
    for (uint32_t i = 1; i <= kDoublings; ++i) absl::StrAppend(&words, WordsOfDelay(begin, i, calm), "\n");
    return words;
  });
}

std::string WordsOfDelay(const std::string& what, uint32_t doublings, Calm calm) {
  return absl::StrCat(what, " takes ", absl::FormatDuration(kDelay * (1 << doublings)), " instead of ",
                      calm == Calm::kAtOnce ? "no time" : absl::FormatDuration(kDelay));
}

size_t ChoosePart(internal::LoopOwner& owner, ChoiceKind kind, uint64_t stream, size_t size,
                  absl::FunctionRef<std::string(size_t)> words) {
  const size_t parts[] = {size, size / 2, size - 1, 1};
  const auto n = static_cast<uint32_t>(std::min(size, std::size(parts)));
  return parts[owner.ChooseInWorld(kind, stream, n, [&] {
    std::string lines;
    for (uint32_t i = 1; i < n; ++i) absl::StrAppend(&lines, words(parts[i]), "\n");
    return lines;
  })];
}

std::string Ordinal(uint64_t number) {
  const uint64_t last = number % 10;
  const bool is_teen = number / 10 % 10 == 1;
  return absl::StrCat(number, is_teen || last == 0 || last > 3 ? "th" : last == 1 ? "st" : last == 2 ? "nd" : "rd");
}

std::string WordsOfRead(size_t part, size_t size, const std::string& from) {
  return absl::StrCat("a read gives ", part, " of the ", size, " bytes that have arrived", from.empty() ? "" : " from ",
                      from);
}

}  // namespace detent::sim
