// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/hand_offs.h"

#include <algorithm>

#include "detent/sim/fingerprint.h"

namespace detent_testing::internal {
namespace {

// The steps of a task after so many count as one and the same: else a task that loops would always show something new.
constexpr uint64_t kStepsTold = 16;

uint64_t Hash(uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
  detent::sim::Fingerprint hash;
  for (const uint64_t part : {a, b, c, d}) hash.Add(part);
  return hash.value();
}

}  // namespace

void HandOffs::OnStep(const detent::sim::Candidate& step, uint64_t number) {
  if (number == 1) {
    last_lane_of_object_.clear();
    steps_of_lane_.clear();
    last_lane_ = step.lane().number();
  }
  const uint64_t lane = step.lane().number();
  const uint64_t of_lane = std::min(++steps_of_lane_[lane], kStepsTold);
  const detent::sim::Footprint footprint = step.footprint();
  for (size_t i = 0; i < footprint.size(); ++i) {
    uint64_t& last = last_lane_of_object_.try_emplace(footprint.object(i), lane).first->second;
    if (last != lane) Count(Hash(1, last, footprint.object(i), lane));
    last = lane;
  }
  if (footprint.size() == 0 && last_lane_ != lane) {
    Count(Hash(2 + last_lane_, std::min(steps_of_lane_[last_lane_], kStepsTold), lane, of_lane));
  }
  last_lane_ = lane;
}

void HandOffs::Count(uint64_t hash) {
  uint8_t& counter = counters_[hash & mask_];
  if (counter < 255) ++counter;
}

}  // namespace detent_testing::internal
