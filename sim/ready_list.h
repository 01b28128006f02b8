// SPDX-License-Identifier: Apache-2.0
//
// ReadyList: the ready steps of a simulated loop, in the order in which they became ready, and the candidates for the
// next one. Not for users.
//
// A lane is one task, or the plain callbacks of one source; only a lane's first step is a candidate. The candidates are
// listed with the current lane first, if it is ready, then in the order in which they became ready. A choice other than 0
// makes its lane current, except that of the step that has been ready longest; a current lane that is not ready any more
// is current no longer (rule R2).
#ifndef DETENT_SIM_READY_LIST_H_
#define DETENT_SIM_READY_LIST_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <initializer_list>
#include <vector>

#include "detent/runtime/internal/ready_queue.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/sim/candidate.h"

namespace detent::sim {

// A ready step, in the order in which it became ready.
class ReadyStep {
 public:
  ReadyStep() {}
  ReadyStep(internal::Step what, uint64_t in_lane, uint64_t since) : step(what), lane(in_lane), iteration(since) {}

  internal::Step step;
  uint64_t lane = 0;
  uint64_t iteration = 0;  // The iteration in which it became ready.
};

class ReadyList {
 public:
  ReadyList() {}

  size_t size() const { return tail_ - head_; }

  void Append(internal::Step step, uint64_t iteration) {
    if (tail_ == capacity_) [[unlikely]] MakeRoom();
    if (step.IsTask()) [[likely]] {
      steps_[tail_++] = ReadyStep(step, internal::LaneOfTask(step.task()->id()), iteration);
    } else {
      ++runnables_;
      steps_[tail_++] = ReadyStep(step, step.runnable()->Lane(), iteration);
    }
  }

  // Lists the candidates, and gives their number. REQUIRES: size() > 0.
  uint32_t ListCandidates() {
    if (size() == 1) [[unlikely]] {
      first_ = head_;
      if (steps_[head_].lane != current_lane_) current_lane_ = 0;
      listed_heads_ = false;
      return 1;
    }
    listed_heads_ = runnables_ > 0;
    if (listed_heads_) return ListHeads();
    // Tasks only: each is a lane of its own.
    first_ = head_;
    if (current_lane_ != 0) {
      for (; first_ < tail_ && steps_[first_].lane != current_lane_; ++first_) {
      }
      if (first_ == tail_) {
        current_lane_ = 0;
        first_ = head_;
      }
    }
    return static_cast<uint32_t>(size());
  }
  // Of the candidates that were listed last.
  Candidate candidate(uint32_t i) const {
    const ReadyStep& ready = steps_[IndexOf(i)];
    return Candidate(ready.step, ready.lane);
  }
  uint64_t lane(uint32_t i) const { return steps_[IndexOf(i)].lane; }
  // Calls visit(i, lane(i)) for each of them, faster than one by one. `visit` should be inlined by force.
  template <typename F>
  void VisitLanes(F visit) const {
    uint32_t i = 0;
    if (listed_heads_) {
      for (const size_t head : heads_) visit(i++, steps_[head].lane);
      return;
    }
    const ReadyStep* step = steps_.get() + head_;
    const ReadyStep* const current = steps_.get() + first_;
    const ReadyStep* const end = steps_.get() + tail_;
    visit(i++, current->lane);
    // Those before the current lane's and those after it.
    for (const ReadyStep* const stop : {current, end}) {
      for (; step != stop; ++step) visit(i++, step->lane);
      if (stop == current) ++step;
    }
  }
  uint64_t current_lane() const { return current_lane_; }

  // Takes candidate `choice` out.
  ReadyStep Choose(uint32_t choice) {
    const size_t index = IndexOf(choice);
    if (choice != 0) current_lane_ = index == head_ ? 0 : steps_[index].lane;
    return Take(index);
  }

  // Takes a callback out that is not to run. False if it is not here.
  bool Remove(internal::Runnable* runnable, ReadyStep& removed);
  // Takes all out, callbacks as discarded.
  void DiscardAll();
  void ForgetCurrentLane() { current_lane_ = 0; }

 private:
  // Up to here lanes are compared pair by pair, above with a set; and steps are moved one by one, above as a block.
  static constexpr size_t kFewSteps = 16;

  uint32_t ListHeads();
  size_t IndexOf(uint32_t choice) const {
    if (listed_heads_) return heads_[choice];
    // The current lane, then the others in order.
    if (choice == 0) return first_;
    const size_t index = head_ + choice;
    return index <= first_ ? index - 1 : index;
  }
  ReadyStep Take(size_t index) {
    const ReadyStep taken = steps_[index];
    // Close up on the side of the head: steps are mostly taken near it.
    if (index - head_ > kFewSteps) [[unlikely]] {
      std::move_backward(steps_.get() + head_, steps_.get() + index, steps_.get() + index + 1);
    } else {
      for (; index > head_; --index) steps_[index] = steps_[index - 1];  // A call of memmove() would take longer.
    }
    if (++head_ == tail_) head_ = tail_ = 0;
    if (!taken.step.IsTask()) --runnables_;
    return taken;
  }
  // Makes room for one more, at the front's cost or with more memory.
  void MakeRoom();

  std::unique_ptr<ReadyStep[]> steps_;  // From head_ to tail_.
  size_t capacity_ = 0;
  size_t head_ = 0;
  size_t tail_ = 0;
  size_t runnables_ = 0;       // How many of them are no tasks: only those can share a lane.
  uint64_t current_lane_ = 0;  // The lane that a choice made current; 0 if none.
  size_t first_ = 0;           // The first candidate.
  bool listed_heads_ = false;  // Whether the candidates stand in heads_.
  std::vector<size_t> heads_;  // The first step of each lane, in the order of candidates.
};

}  // namespace detent::sim

#endif  // DETENT_SIM_READY_LIST_H_
