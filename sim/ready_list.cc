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
  FindCurrent();
  const auto current = std::find(heads_.begin(), heads_.end(), current_);
  if (current != heads_.end()) std::rotate(heads_.begin(), current, current + 1);
  return static_cast<uint32_t>(heads_.size());
}

ReadyStep ReadyList::ChooseHead(uint32_t choice) {
  const ReadyStep taken = TakeOut(heads_[choice]);
  FindCurrent();  // The lane may have another step.
  return taken;
}

void ReadyList::FindCurrent() {
  current_ = kNowhere;
  for (size_t i = head_; i < tail_ && current_ == kNowhere; ++i) {
    if (steps_[i].lane == current_lane_) current_ = i;
  }
}

void ReadyList::MakeRoom() {
  const size_t moved_by = head_ - kBlock;
  if (head_ > capacity_ / 2 + kBlock) {
    std::move(steps_.get() + head_, steps_.get() + tail_, steps_.get() + kBlock);
  } else {
    capacity_ = std::max(kFirstCapacity, capacity_ * 2);
    auto larger = std::make_unique<ReadyStep[]>(capacity_);
    if (size() > 0) std::move(steps_.get() + head_, steps_.get() + tail_, larger.get() + kBlock);
    steps_ = std::move(larger);
  }
  head_ -= moved_by;
  tail_ -= moved_by;
  iteration_end_ -= moved_by;
  if (current_ != kNowhere) current_ -= moved_by;
}

bool ReadyList::Remove(internal::Runnable* runnable) {
  for (size_t i = head_; i < tail_; ++i) {
    if (!(steps_[i].step == internal::Step(runnable))) continue;
    const bool is_of_iteration = i < iteration_end_;
    CloseUp(i);
    --runnables_;
    FindCurrent();
    return is_of_iteration;
  }
  return false;
}

void ReadyList::DiscardAll() {
  // One by one from the head: what a callback holds may take other callbacks back when it goes.
  while (head_ < tail_) {
    const internal::Step step = steps_[head_++].step;
    if (step.IsTask()) continue;
    --runnables_;
    internal::ReadyQueue::Started(step.runnable());
    step.runnable()->Discard();
  }
  head_ = tail_ = iteration_end_ = kBlock;
  runnables_ = 0;
  current_ = kNowhere;
}

}  // namespace detent::sim
