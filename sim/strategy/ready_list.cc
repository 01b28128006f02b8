// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/ready_list.h"

#include <algorithm>
#include <utility>

#include "detent/runtime/sleep.h"

namespace detent::sim {

uint32_t ReadyList::ListOthers() {
  if (indexed_ == 0) {
    if (size() > kFewSteps) MakeIndex();
  } else if (size() <= (runnables_ > 0 ? kFewSteps / 2 : kFar / 4)) {
    DropIndex();
  }
  if (indexed_ == 0 && runnables_ > 0) return ListHeads();
  first_ = current_ == kNowhere ? head_ : current_;
  return static_cast<uint32_t>(indexed_ != 0 ? lane_heads_.size() : size());
}

uint32_t ReadyList::ListHeads() {
  lists_heads_ = true;
  heads_.clear();
  for (size_t i = head_; i < tail_; ++i) {
    const bool is_first =
        std::none_of(heads_.begin(), heads_.end(), [&](size_t head) { return steps_[head].lane == steps_[i].lane; });
    if (is_first) heads_.push_back(i);
  }
  FindCurrent();
  const auto current = std::find(heads_.begin(), heads_.end(), current_);
  if (current != heads_.end()) std::rotate(heads_.begin(), current, current + 1);
  return static_cast<uint32_t>(heads_.size());
}

size_t ReadyList::IndexOfHead(uint32_t choice) const {
  if (indexed_ == 0) return heads_[choice];
  if (choice == 0) return first_;
  return lane_heads_.At(choice <= lane_heads_.CountBelow(first_) ? choice - 1 : choice);
}

ReadyStep ReadyList::ChooseHead(uint32_t choice) {
  if (indexed_ != 0) return TakeIndexed(IndexOfHead(choice));
  const ReadyStep taken = TakeOut(heads_[choice]);
  FindCurrent();  // The lane may have another step.
  return taken;
}

void ReadyList::FindCurrent() {
  current_ = kNowhere;
  if (!current_lane_) return;
  if (indexed_ != 0) {
    current_ = lanes_[current_lane_].first;
    return;
  }
  for (size_t i = head_; i < tail_ && current_ == kNowhere; ++i) {
    if (steps_[i].lane == current_lane_) current_ = i;
  }
}

void ReadyList::CloseUpFar(size_t index) {
  const bool is_far = index - head_ > kFar;
  ReadyStep* const hole = steps_.get() + index;
  std::move_backward(steps_.get() + head_, hole, hole + 1);
  ++head_;
  if (is_far) MakeIndex();
}

void ReadyList::MakeRoom() {
  if (indexed_ != 0) {
    auto larger = size() > capacity_ / 2 ? std::make_unique<ReadyStep[]>(capacity_ * 2) : nullptr;
    MoveTogether(larger ? larger.get() : steps_.get());
    if (larger) {
      steps_ = std::move(larger);
      capacity_ *= 2;
    }
    return MakeIndex();
  }
  const size_t moved_by = head_ - kBlock;
  if (head_ > capacity_ / 2 + kBlock) {
    std::move(steps_.get() + head_, steps_.get() + tail_, steps_.get() + kBlock);
  } else {
    const size_t capacity = std::max(kFirstCapacity, capacity_ * 2);
    auto larger = std::make_unique<ReadyStep[]>(capacity);
    capacity_ = capacity;
    if (size() > 0) std::move(steps_.get() + head_, steps_.get() + tail_, larger.get() + kBlock);
    steps_ = std::move(larger);
  }
  head_ -= moved_by;
  tail_ -= moved_by;
  iteration_end_ -= moved_by;
  if (current_ != kNowhere) current_ -= moved_by;
}

// REQUIRES: there are no holes.
void ReadyList::MakeIndex() {
  indexed_ = 1;
  ++index_number_;
  tracks_new_heads_ = false;
  new_heads_.clear();
  lane_heads_.Reset(capacity_);
  next_in_lane_.resize(capacity_);
  lanes_.Clear();
  for (size_t i = head_; i < tail_; ++i) Enter(i);
  FindCurrent();
}

void ReadyList::DropIndex() {
  MoveTogether(steps_.get());
  indexed_ = 0;
  FindCurrent();
}

void ReadyList::MoveTogether(ReadyStep* to) {
  size_t end = kBlock;
  size_t iteration_end = kBlock;
  for (size_t i = head_; i < tail_; ++i) {
    if (!steps_[i].step) continue;
    to[end++] = steps_[i];
    if (i < iteration_end_) iteration_end = end;
  }
  head_ = kBlock;
  tail_ = end;
  iteration_end_ = iteration_end;
  holes_ = 0;
}

// Its lane has a step at `index`, behind all others.
void ReadyList::Enter(size_t index) {
  LaneSteps& lane = lanes_[steps_[index].lane];
  next_in_lane_[index] = kNowhere;
  if (lane.first == kNowhere) {
    lane.first = index;
    InsertHead(index);
  } else {
    next_in_lane_[lane.last] = index;
  }
  lane.last = index;
}

void ReadyList::Leave(size_t index, size_t previous_in_lane) {
  LaneSteps& lane = lanes_[steps_[index].lane];
  const size_t next = next_in_lane_[index];
  if (previous_in_lane != kNowhere) {
    next_in_lane_[previous_in_lane] = next;
  } else {
    lane_heads_.Erase(index);
    lane.first = next;
    if (next != kNowhere) InsertHead(next);
  }
  if (next == kNowhere) lane.last = previous_in_lane;
  steps_[index] = ReadyStep();
  ++holes_;
  for (; head_ < tail_ && !steps_[head_].step; ++head_) --holes_;
}

void ReadyList::AppendIndexed(internal::Step step, Lane lane) {
  steps_[tail_] = ReadyStep(step, lane);
  Enter(tail_);
  if (lane == current_lane_ && current_ == kNowhere) current_ = tail_;
  ++tail_;
}

// As TakeOut(). REQUIRES: it is the first of its lane.
ReadyStep ReadyList::TakeIndexed(size_t index) {
  const ReadyStep taken = steps_[index];
  current_lane_ = index == current_ || index != head_ ? taken.lane : Lane();
  Leave(index, kNowhere);
  FindCurrent();
  return taken;
}

bool ReadyList::Remove(internal::Runnable* runnable) {
  if (indexed_ != 0) return RemoveIndexed(runnable);
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

bool ReadyList::RemoveIndexed(internal::Runnable* runnable) {
  const internal::Step step(runnable);
  // Mostly still in the lane in which it came: a hop's is that of whoever waits for it now.
  size_t index = lanes_[runnable->lane()].first;
  while (index != kNowhere && !(steps_[index].step == step)) index = next_in_lane_[index];
  if (index == kNowhere) {
    for (index = head_; index < tail_ && !(steps_[index].step == step); ++index) {
    }
    if (index == tail_) return false;
  }
  size_t previous = kNowhere;
  for (size_t i = lanes_[steps_[index].lane].first; i != index; i = next_in_lane_[i]) previous = i;
  const bool is_of_iteration = index < iteration_end_;
  Leave(index, previous);
  --runnables_;
  FindCurrent();
  return is_of_iteration;
}

size_t ReadyList::TakeOut(absl::FunctionRef<bool(internal::Step)> is_meant, std::vector<internal::Step>& taken) {
  if (indexed_ != 0) DropIndex();
  size_t end = head_;
  size_t iteration_end = head_;
  size_t of_iteration = 0;
  for (size_t i = head_; i < tail_; ++i) {
    const internal::Step step = steps_[i].step;
    if (is_meant(step)) {
      if (!step.IsTask()) Started(step.runnable());
      if (i < iteration_end_) ++of_iteration;
      taken.push_back(step);
      continue;
    }
    steps_[end++] = steps_[i];
    if (i < iteration_end_) iteration_end = end;
  }
  tail_ = end;
  iteration_end_ = iteration_end;
  FindCurrent();
  return of_iteration;
}

void ReadyList::DiscardAll() {
  if (indexed_ != 0) DropIndex();
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

bool ReadyList::HasTimerStep(LoopTime now) const {
  for (size_t i = 0; i < places(); ++i) {
    const internal::Step step = Peek(i);
    const internal::Timer* timer;
    if (step.IsTask()) {
      const internal::WaitNode* const wait = step.task()->wait_before_step();
      const bool slept = wait != nullptr && wait->Kind() == internal::WaitKind::kSleep;
      timer = slept ? static_cast<const internal::SleepOperation*>(wait) : nullptr;
    } else {
      timer = dynamic_cast<const internal::Timer*>(step.runnable());  // None if it is a hole.
    }
    // One that is only called soon has no deadline.
    if (timer != nullptr && timer->deadline() != LoopTime() && timer->deadline() <= now) return true;
  }
  return false;
}

}  // namespace detent::sim
