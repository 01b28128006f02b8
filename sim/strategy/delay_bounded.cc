// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/delay_bounded.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/random.h"
#include "detent/sim/strategy/profile.h"
#include "detent/sim/strategy/random_choice.h"

namespace detent::sim {
namespace {

constexpr int kDelaysMax = 1000;
// How many choices a run makes, where no profile says.
constexpr uint64_t kDefaultChoices = 100;

class DelayBoundedStrategy final : public Strategy {
 public:
  explicit DelayBoundedStrategy(int delays) : delays_(static_cast<size_t>(delays)) {}

  std::string Name() const override { return absl::StrCat("DelayBounded(", delays_.size(), ")"); }

  void SetProfile(const RunProfile& profile) override { choices_estimate_ = std::max<uint64_t>(1, profile.choices()); }

  void BeginRun(uint64_t seed) override {
    random_.Seed(seed);
    choices_ = next_delay_ = 0;
    for (uint64_t& delay : delays_) delay = random_.Below(choices_estimate_);
    std::sort(delays_.begin(), delays_.end());
  }

  uint32_t Choose(const ChoicePoint& point) override {
    if (point.kind() != ChoiceKind::kSchedule) return RandomChoice(random_, point);
    const uint64_t choice = choices_++;
    if (next_delay_ == delays_.size() || delays_[next_delay_] > choice) return 0;
    while (next_delay_ < delays_.size() && delays_[next_delay_] <= choice) ++next_delay_;
    return 1 + static_cast<uint32_t>(random_.Below(point.n() - 1));
  }

 private:
  RandomGenerator random_;
  uint64_t choices_estimate_ = kDefaultChoices;
  std::vector<uint64_t> delays_;  // At which choices; sorted. Two at the same choice are one.
  size_t next_delay_ = 0;
  uint64_t choices_ = 0;  // Made in this run.
};

}  // namespace

DelayBounded::DelayBounded(int delays) : delays_(delays) {
  if (delays < 0 || delays > kDelaysMax) {
    throw std::invalid_argument(absl::StrCat("DelayBounded{", delays, "}: the number of delays must be between 0 and ",
                                             kDelaysMax, "; 2 finds most bugs"));
  }
}

std::unique_ptr<Strategy> DelayBounded::Make() const { return std::make_unique<DelayBoundedStrategy>(delays_); }

}  // namespace detent::sim
