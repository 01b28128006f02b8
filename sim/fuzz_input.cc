// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/fuzz_input.h"

#include <algorithm>

#include "detent/sim/strategy/random_choice.h"

namespace detent::sim {
namespace {

// The first byte that stands for a run of calmest choices.
constexpr uint32_t kRun = 192;
constexpr uint64_t kRunMax = 256 - kRun;

// Of what is unusual, how many of the bytes below kRun make it happen, the last of them; 0 for any other choice.
uint32_t BytesThatStrike(const ChoicePoint& point) {
  const double probability = ProbabilityOf(point);
  if (probability < 0 || point.n() > kRun / 2) return 0;
  return std::clamp(static_cast<uint32_t>(probability * kRun), point.n() - 1, kRun - 1);
}

// Each fault has one byte, the last below kRun. REQUIRES: fewer than kRun alternatives.
uint32_t FaultsFrom(const ChoicePoint& point) { return kRun - (point.n() - point.opportunity()->calm); }

class FuzzInputStrategy final : public Strategy {
 public:
  FuzzInputStrategy(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  std::string Name() const override { return "FuzzInput"; }

  void BeginRun(uint64_t) override { position_ = calm_ = 0; }

  uint32_t Choose(const ChoicePoint& point) override {
    if (calm_ > 0) {
      --calm_;
      return 0;
    }
    const uint32_t first = Next();
    if (first >= kRun) {
      calm_ = first - kRun;
      return 0;
    }
    if (const FaultOpportunity* const faults = point.opportunity()) {
      return first < FaultsFrom(point) ? first % faults->calm : faults->calm + first - FaultsFrom(point);
    }
    if (const uint32_t strikes = BytesThatStrike(point); strikes > 0) {
      return first < kRun - strikes ? 0 : 1 + (first - (kRun - strikes)) % (point.n() - 1);
    }
    uint64_t value = first;
    for (uint64_t range = kRun; range < point.n(); range *= 256) value += range * Next();
    return static_cast<uint32_t>(value % point.n());
  }

 private:
  uint32_t Next() { return position_ < size_ ? data_[position_++] : 0; }

  const uint8_t* const data_;
  const size_t size_;
  size_t position_ = 0;
  uint64_t calm_ = 0;  // How many choices of a run are left.
};

}  // namespace

std::unique_ptr<Strategy> FuzzInput::Make() const { return std::make_unique<FuzzInputStrategy>(data_, size_); }

void FuzzInputRecorder::OnChoice(const ChoicePoint& point, uint32_t choice) {
  if (choice == 0) {
    ++calm_;
    return;
  }
  for (; calm_ > 0; calm_ -= std::min(calm_, kRunMax)) Put(kRun + std::min(calm_, kRunMax) - 1);
  if (const FaultOpportunity* const faults = point.opportunity()) {
    return Put(choice < faults->calm ? choice : FaultsFrom(point) + choice - faults->calm);
  }
  if (const uint32_t strikes = BytesThatStrike(point); strikes > 0) return Put(kRun - strikes + choice - 1);
  Put(choice % kRun);
  uint64_t rest = choice / kRun;
  for (uint64_t range = kRun; range < point.n(); range *= 256, rest /= 256) Put(rest % 256);
}

}  // namespace detent::sim
