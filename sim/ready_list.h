// SPDX-License-Identifier: Apache-2.0
//
// ReadyList: the ready steps of a simulated loop, in the order in which they became ready, and the candidates for the
// next one. Not for users.
//
// A lane is one task, or the plain callbacks of one source; only a lane's first step is a candidate. The candidates are
// listed with the current lane first, if it is ready, then in the order in which they became ready. A choice other than 0
// makes its lane current, except that of the step that has been ready longest; a current lane that is not ready any more
// is current no longer (rule R2).
//
// What is chosen is random, and a branch on it would be mispredicted as often as not: with tasks only, and few of them,
// there is none.
#ifndef DETENT_SIM_READY_LIST_H_
#define DETENT_SIM_READY_LIST_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "detent/runtime/internal/branch_free.h"
#include "detent/runtime/internal/ready_queue.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/sim/candidate.h"

namespace detent::sim {

class ReadyStep {
 public:
  ReadyStep() {}
  ReadyStep(internal::Step what, uint64_t in_lane) : step(what), lane(in_lane) {}

  internal::Step step;
  uint64_t lane = 0;
};

class ReadyList {
 public:
  ReadyList() {}

  size_t size() const { return tail_ - head_; }

  [[gnu::always_inline]] void Append(internal::Step step) {
    uint64_t lane;
    if (step.IsTask()) [[likely]] {
      lane = internal::LaneOfTask(step.task()->id());
    } else {
      ++runnables_;
      lane = step.runnable()->Lane();
    }
    if (tail_ == capacity_) [[unlikely]] MakeRoom();
    current_ = internal::Select(lane == current_lane_, tail_, current_);
    steps_[tail_++] = ReadyStep(step, lane);
  }

  // What is ready now is to run in this iteration.
  void BeginIteration() { iteration_end_ = tail_; }

  // The step that comes `ahead` steps after the oldest; empty if there is none.
  internal::Step Peek(size_t ahead) const { return ahead < size() ? steps_[head_ + ahead].step : internal::Step(); }

  // Lists the candidates, and gives their number. REQUIRES: size() > 0.
  [[gnu::always_inline]] uint32_t ListCandidates() {
    lists_heads_ = runnables_ > 0 && size() > 1;
    if (lists_heads_) [[unlikely]] return ListHeads();
    first_ = internal::Select(current_ == kNowhere, head_, current_);
    return static_cast<uint32_t>(size());
  }
  // Of the candidates that were listed last.
  Candidate candidate(uint32_t i) const {
    return AsCandidate(steps_[IndexOf(i)]);
  }
  uint64_t lane(uint32_t i) const { return steps_[IndexOf(i)].lane; }
  // Calls visit(i, candidate(i)) for each of them, faster than one by one. `visit` should be inlined by force.
  template <typename F>
  [[gnu::always_inline]] void VisitCandidates(F visit) const {
    uint32_t i = 0;
    if (lists_heads_) [[unlikely]] {
      for (const size_t head : heads_) visit(i++, AsCandidate(steps_[head]));
      return;
    }
    visit(i++, AsCandidate(steps_[first_]));
    // The others in order.
    const ReadyStep* const steps = steps_.get() + head_;
    for (const size_t first = first_ - head_, n = size(); i < n; ++i) {
      visit(i, AsCandidate(steps[i - (i <= first ? 1 : 0)]));
    }
  }

  // Takes candidate `choice` out, without listing them. REQUIRES: size() > choice, !HasRunnables().
  [[gnu::always_inline]] ReadyStep TakeTask(uint32_t choice) {
    return TakeOut(IndexAfter(internal::Select(current_ == kNowhere, head_, current_), choice));
  }
  bool HasRunnables() const { return runnables_ > 0; }

  // Takes candidate `choice` out. Started() is to be called if it is no task.
  [[gnu::always_inline]] ReadyStep Choose(uint32_t choice) {
    if (lists_heads_) [[unlikely]] return ChooseHead(choice);
    return TakeOut(IndexOf(choice));
  }
  void Started(internal::Runnable* runnable) {
    --runnables_;
    internal::ReadyQueue::Started(runnable);
  }

  // Takes a callback out that is not to run. Whether it was to run in this iteration.
  bool Remove(internal::Runnable* runnable);
  // Takes all out, callbacks as discarded.
  void DiscardAll();
  void ForgetCurrentLane() {
    current_lane_ = 0;
    current_ = kNowhere;
  }

 private:
  // So many steps before the one that is taken are moved in any case, if there are not more.
  static constexpr size_t kBlock = 4;
  // Up to here lanes are compared pair by pair, above with a set.
  static constexpr size_t kFewSteps = 16;
  static constexpr size_t kFirstCapacity = 64;
  static constexpr size_t kNowhere = 0;

  static Candidate AsCandidate(const ReadyStep& ready) { return Candidate(ready.step, ready.lane); }
  uint32_t ListHeads();
  ReadyStep ChooseHead(uint32_t choice);
  void FindCurrent();
  [[gnu::always_inline]] size_t IndexOf(uint32_t choice) const {
    if (lists_heads_) [[unlikely]] return heads_[choice];
    return IndexAfter(first_, choice);
  }
  // The first candidate, then the others in order.
  [[gnu::always_inline]] size_t IndexAfter(size_t first, uint32_t choice) const {
    const size_t index = head_ + choice;
    return internal::Select(choice == 0, first, index - (index <= first ? 1 : 0));
  }
  // Takes out the step at `index`.
  [[gnu::always_inline]] ReadyStep TakeOut(size_t index) {
    const ReadyStep taken = steps_[index];
    // Whoever waited longest becomes current only by being so already.
    const bool is_current = (index == current_) | (index != head_);
    current_lane_ = internal::Select(is_current, taken.lane, 0);
    current_ = kNowhere;
    CloseUp(index);
    return taken;
  }
  // On the side of the head: steps are mostly taken near it.
  [[gnu::always_inline]] void CloseUp(size_t index) {
    iteration_end_ += index >= iteration_end_ ? 1 : 0;
    ReadyStep* const hole = steps_.get() + index;
    if (index - head_ > kBlock) [[unlikely]] {
      std::move_backward(steps_.get() + head_, hole, hole + 1);
    } else {
      for (size_t i = 0; i < kBlock; ++i) *(hole - i) = *(hole - i - 1);
    }
    ++head_;
  }
  // Makes room for one more, at the front's cost or with more memory.
  void MakeRoom();

  std::unique_ptr<ReadyStep[]> steps_;  // From head_ to tail_; before them there is room for a block.
  size_t capacity_ = kBlock;
  size_t head_ = kBlock;
  size_t tail_ = kBlock;
  size_t iteration_end_ = kBlock;  // Those before it were ready when the iteration began.
  size_t runnables_ = 0;           // How many of them are no tasks: only those can share a lane.
  uint64_t current_lane_ = 0;      // The lane that a choice made current; 0 if none.
  size_t current_ = kNowhere;      // Its first step, if it is ready.
  size_t first_ = kBlock;          // The first candidate.
  // Whether not every step is a candidate: of tasks each is, but callbacks may share a lane. Then the first step of each
  // lane, in the order of candidates.
  bool lists_heads_ = false;
  std::vector<size_t> heads_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_READY_LIST_H_
