// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/ready_list.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"

namespace detent::sim {
namespace {

// Up to here the lanes are compared pair by pair, above with a set.
constexpr size_t kFewSteps = 16;

}  // namespace

uint32_t ReadyList::ListHeads() {
  heads_.clear();
  if (size() <= kFewSteps) {
    for (size_t i = head_; i < steps_.size(); ++i) {
      const bool is_first = std::none_of(heads_.begin(), heads_.end(),
                                         [&](size_t head) { return steps_[head].lane == steps_[i].lane; });
      if (is_first) heads_.push_back(i);
    }
  } else {
    absl::flat_hash_set<uint64_t> seen;  // Asked for membership only; its order decides nothing.
    for (size_t i = head_; i < steps_.size(); ++i) {
      if (seen.insert(steps_[i].lane).second) heads_.push_back(i);
    }
  }
  const auto current =
      std::find_if(heads_.begin(), heads_.end(), [&](size_t head) { return steps_[head].lane == current_lane_; });
  if (current == heads_.end()) {
    current_lane_ = 0;
  } else {
    std::rotate(heads_.begin(), current, current + 1);
  }
  return static_cast<uint32_t>(heads_.size());
}

ReadyStep ReadyList::Take(size_t index) {
  const ReadyStep taken = steps_[index];
  // Close up on the side of the head: steps are mostly taken near it.
  std::move_backward(steps_.begin() + static_cast<ptrdiff_t>(head_), steps_.begin() + static_cast<ptrdiff_t>(index),
                     steps_.begin() + static_cast<ptrdiff_t>(index) + 1);
  if (++head_ == steps_.size()) {
    steps_.clear();
    head_ = 0;
  } else if (head_ >= 64 && head_ * 2 >= steps_.size()) {
    steps_.erase(steps_.begin(), steps_.begin() + static_cast<ptrdiff_t>(head_));
    head_ = 0;
  }
  if (!taken.step.IsTask()) --runnables_;
  return taken;
}

bool ReadyList::Remove(internal::Runnable* runnable, ReadyStep& removed) {
  for (size_t i = head_; i < steps_.size(); ++i) {
    if (!(steps_[i].step == internal::Step(runnable))) continue;
    removed = Take(i);
    return true;
  }
  return false;
}

void ReadyList::DiscardAll() {
  for (size_t i = head_; i < steps_.size(); ++i) {
    if (steps_[i].step.IsTask()) continue;
    internal::ReadyQueue::Started(steps_[i].step.runnable());
    steps_[i].step.runnable()->Discard();
  }
  steps_.clear();
  head_ = runnables_ = 0;
}

}  // namespace detent::sim
