// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/ready_list.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"

namespace detent::sim {

uint32_t ReadyList::ListHeads() {
  heads_.clear();
  if (size() <= kFewSteps) {
    for (size_t i = head_; i < tail_; ++i) {
      const bool is_first = std::none_of(heads_.begin(), heads_.end(),
                                         [&](size_t head) { return steps_[head].lane == steps_[i].lane; });
      if (is_first) heads_.push_back(i);
    }
  } else {
    absl::flat_hash_set<uint64_t> seen;  // Asked for membership only; its order decides nothing.
    for (size_t i = head_; i < tail_; ++i) {
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

void ReadyList::MakeRoom() {
  if (head_ > capacity_ / 2) {
    std::move(steps_.get() + head_, steps_.get() + tail_, steps_.get());
  } else {
    capacity_ = std::max(kFewSteps, capacity_ * 2);
    auto larger = std::make_unique_for_overwrite<ReadyStep[]>(capacity_);
    std::move(steps_.get() + head_, steps_.get() + tail_, larger.get());
    steps_ = std::move(larger);
  }
  tail_ -= head_;
  head_ = 0;
}

bool ReadyList::Remove(internal::Runnable* runnable, ReadyStep& removed) {
  for (size_t i = head_; i < tail_; ++i) {
    if (!(steps_[i].step == internal::Step(runnable))) continue;
    removed = Take(i);
    return true;
  }
  return false;
}

void ReadyList::DiscardAll() {
  for (size_t i = head_; i < tail_; ++i) {
    if (steps_[i].step.IsTask()) continue;
    internal::ReadyQueue::Started(steps_[i].step.runnable());
    steps_[i].step.runnable()->Discard();
  }
  head_ = tail_ = runnables_ = 0;
}

}  // namespace detent::sim
