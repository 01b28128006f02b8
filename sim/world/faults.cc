// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/faults.h"

#include "absl/strings/str_cat.h"
#include "detent/sim/world/stream_hash.h"

namespace detent::sim {

void Faults::BeginRun(uint64_t seed) {
  placer_.BeginRun(seed);
  tally_ = FaultTally();
  on_ = FaultSet();
  has_ended_ = false;
  odd_.clear();
  ruined_ = nullptr;
}

void Faults::TurnOn(FaultSet families, uint32_t strikes_max, double rate) {
  on_ = families;
  tally_.Name(families);
  if (rate > 0) {
    placer_.SetRate(rate);
  } else {
    placer_.Plan(families, strikes_max);
  }
}

void Faults::TurnOff() {
  on_ = FaultSet();
  has_ended_ = true;
  // What boots then may bring more of them.
  for (size_t i = 0; i < patients_.size(); ++i) patients_[i]->OnHealed();
}

uint32_t Faults::Decide(ChoiceKind kind, uint64_t stream, uint32_t calm, std::span<const FaultFamily> families,
                        std::string_view place, absl::FunctionRef<std::string(uint32_t)> words) {
  std::vector<FaultFamily> possible;
  std::vector<uint32_t> alternatives;
  for (uint32_t i = 0; i < families.size(); ++i) {
    if (!May(families[i])) continue;
    possible.push_back(families[i]);
    alternatives.push_back(calm + i);
  }
  const auto all_words = [&] {
    std::string lines;
    for (uint32_t i = 1; i < calm; ++i) absl::StrAppend(&lines, words(i), "\n");
    for (const uint32_t alternative : alternatives) absl::StrAppend(&lines, words(alternative), "\n");
    return lines;
  };
  if (possible.empty()) return chooser_.ChooseWithFaults(kind, stream, calm, nullptr, all_words);
  const int planned = placer_.Next(HashOf(place), possible);
  const FaultOpportunity opportunity(calm, possible, planned < 0 ? 0 : calm + static_cast<uint32_t>(planned));
  const uint32_t n = calm + static_cast<uint32_t>(possible.size());
  const uint32_t choice = chooser_.ChooseWithFaults(kind, stream, n, &opportunity, all_words);
  FaultSet seen;
  for (const FaultFamily family : possible) {
    if (!seen.Has(family)) tally_.CountOpportunity(family);
    seen = seen | FaultSet(family);
  }
  if (choice < calm) return choice;
  tally_.CountStrike(possible[choice - calm]);
  return alternatives[choice - calm];
}

bool Faults::Strikes(uint64_t task, std::string_view name) {
  constexpr FaultFamily kFaults[] = {FaultFamily::kProgram};
  return Decide(ChoiceKind::kFault, task, 1, kFaults, name, [name](uint32_t) {
           return absl::StrCat("Fault \"", absl::string_view(name.data(), name.size()), "\" strikes");
         }) != 0;
}

bool Faults::IsOdd(std::string_view file, uint32_t line) {
  if (!May(FaultFamily::kProgram)) return false;
  // The name alone: the same wherever the program was built.
  if (const size_t slash = file.rfind('/'); slash != file.npos) file.remove_prefix(slash + 1);
  const uint64_t place = HashOf(HashOf(file), line);
  if (const auto known = odd_.find(place); known != odd_.end()) return known->second;
  constexpr FaultFamily kFaults[] = {FaultFamily::kProgram};
  const std::string name = absl::StrCat("Buggify at ", absl::string_view(file.data(), file.size()), ":", line);
  const uint32_t choice = Decide(ChoiceKind::kFault, HashOf(HashOf("Buggify"), place), 1, kFaults, name,
                                 [&](uint32_t) { return absl::StrCat(name, " gives the odd value"); });
  return odd_[place] = choice == 1;
}

}  // namespace detent::sim
