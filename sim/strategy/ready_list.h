// SPDX-License-Identifier: Apache-2.0
//
// ReadyList: the ready steps of a simulated loop, in the order in which they became ready, and the candidates for the
// next one. Internal.
//
// A lane is one task, or the plain callbacks of one source; only a lane's first step is a candidate. The candidates are
// listed with the current lane first, if it is ready, then in the order in which they became ready. A choice other than
// 0 makes its lane current, except that of the step that has been ready longest; a current lane that is not ready any
// more is current no longer (rule R2).
//
// What is chosen is random, and a branch on it would be mispredicted as often as not: with tasks only, and few of them,
// there is none. A step is then taken out by moving those before it. With many steps among which are callbacks, or
// which are taken from far behind, the list keeps an index: then the others stay where they are, and a step costs the
// logarithm of their number.
#ifndef DETENT_SIM_STRATEGY_READY_LIST_H_
#define DETENT_SIM_STRATEGY_READY_LIST_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "detent/runtime/internal/branch_free.h"
#include "detent/runtime/internal/ready_queue.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/sim/strategy/candidate.h"
#include "detent/sim/strategy/lane_table.h"
#include "detent/sim/strategy/rank_set.h"

namespace detent::sim {

class ReadyStep {
 public:
  ReadyStep() {}
  ReadyStep(internal::Step what, Lane in_lane) : step(what), lane(in_lane) {}

  internal::Step step;
  Lane lane;
};

class ReadyList {
 public:
  ReadyList() {}

  size_t size() const { return tail_ - head_ - holes_; }

  [[gnu::always_inline]] void Append(internal::Step step) {
    Lane lane;
    if (step.IsTask()) [[likely]] {
      lane = Lane::OfTask(step.task()->id());
    } else {
      ++runnables_;
      lane = step.runnable()->lane();
    }
    if (tail_ == capacity_) [[unlikely]]
      MakeRoom();
    if (indexed_ != 0) [[unlikely]] {
      AppendIndexed(step, lane);
      return;
    }
    current_ = internal::Select(lane == current_lane_, tail_, current_);
    steps_[tail_++] = ReadyStep(step, lane);
  }

  // What is ready now is to run in this iteration.
  void BeginIteration() { iteration_end_ = tail_; }

  // The steps and the holes between them.
  size_t places() const { return tail_ - head_; }
  // The step that stands `ahead` places behind the oldest; empty if that is a hole, or beyond the last.
  internal::Step Peek(size_t ahead) const { return ahead < places() ? steps_[head_ + ahead].step : internal::Step(); }

  // Lists the candidates, and gives their number. REQUIRES: size() > 0.
  [[gnu::always_inline]] uint32_t ListCandidates() {
    lists_heads_ = false;
    if ((runnables_ | indexed_) != 0) [[unlikely]] {
      if (size() > 1 || indexed_ != 0) return ListOthers();
    }
    first_ = internal::Select(current_ == kNowhere, head_, current_);
    return static_cast<uint32_t>(size());
  }
  // Of the candidates that were listed last.
  Candidate candidate(uint32_t i) const { return AsCandidate(steps_[IndexOf(i)]); }
  Lane lane(uint32_t i) const { return steps_[IndexOf(i)].lane; }
  // Calls visit(i, candidate(i)) for each of them, faster than one by one. `visit` should be inlined by force.
  template <typename F>
  [[gnu::always_inline]] void VisitCandidates(F visit) const {
    uint32_t i = 0;
    if (lists_heads_ | indexed_) [[unlikely]] {
      if (indexed_ == 0) {
        for (const size_t head : heads_) visit(i++, AsCandidate(steps_[head]));
        return;
      }
      visit(i++, AsCandidate(steps_[first_]));
      lane_heads_.VisitFrom(head_, [&](size_t head) __attribute__((always_inline)) {
        if (head != first_) visit(i++, AsCandidate(steps_[head]));
      });
      return;
    }
    visit(i++, AsCandidate(steps_[first_]));
    // The others in order.
    const ReadyStep* const steps = steps_.get() + head_;
    for (const size_t first = first_ - head_, n = size(); i < n; ++i) {
      visit(i, AsCandidate(steps[i - (i <= first ? 1 : 0)]));
    }
  }

  // Whether every step is a candidate, and they stand side by side.
  bool IsPlain() const { return (runnables_ | indexed_) == 0; }
  // Takes candidate `choice` out, without listing them. REQUIRES: size() > choice, IsPlain().
  [[gnu::always_inline]] ReadyStep TakeTask(uint32_t choice) {
    return TakeOut(IndexAfter(internal::Select(current_ == kNowhere, head_, current_), choice));
  }

  // Takes candidate `choice` out. Started() is to be called if it is no task.
  [[gnu::always_inline]] ReadyStep Choose(uint32_t choice) {
    if (lists_heads_ | indexed_) [[unlikely]]
      return ChooseHead(choice);
    return TakeOut(IndexOf(choice));
  }
  void Started(internal::Runnable* runnable) {
    --runnables_;
    internal::ReadyQueue::Started(runnable);
  }

  // --- For strategies that keep what they know of the candidates, which pays with an index ---

  static constexpr uint32_t kNoCandidate = ~uint32_t{0};
  // Another number whenever the index was made anew; 0 without one.
  uint64_t index_number() const { return indexed_ != 0 ? index_number_ : 0; }
  // REQUIRES: there is an index. The number of the candidate of this lane, or kNoCandidate.
  uint32_t CandidateOf(Lane lane) const {
    const size_t head = lanes_[lane].first;
    return head == kNowhere ? kNoCandidate : CandidateAt(head);
  }
  // REQUIRES: there is an index. Calls visit(i, candidate(i)) in order for those that are candidates since the last
  // such call; for all after the index was made.
  template <typename F>
  void VisitNew(F visit) const {
    if (!std::exchange(tracks_new_heads_, true)) return VisitCandidates(visit);
    // A place is not used twice.
    std::erase_if(new_heads_, [this](size_t head) { return !lane_heads_.Contains(head); });
    std::sort(new_heads_.begin(), new_heads_.end(),
              [this](size_t a, size_t b) { return std::pair(a != first_, a) < std::pair(b != first_, b); });
    for (const size_t head : new_heads_) visit(CandidateAt(head), AsCandidate(steps_[head]));
    new_heads_.clear();
  }

  // Takes a callback out that is not to run. Whether it was to run in this iteration.
  bool Remove(internal::Runnable* runnable);
  // Takes those out that are meant. How many of them were to run in this iteration.
  size_t TakeOut(absl::FunctionRef<bool(internal::Step)> is_meant, std::vector<internal::Step>& taken);
  // Whether a timer that struck by `now`, or the sleeper that it woke, still waits for its step.
  bool HasTimerStep(LoopTime now) const;
  // Takes all out, callbacks as discarded.
  void DiscardAll();
  void ForgetCurrentLane() {
    current_lane_ = Lane();
    current_ = kNowhere;
  }

 private:
  // So many steps before the one that is taken are moved in any case, if there are not more.
  static constexpr size_t kBlock = 4;
  // Up to here lanes are compared pair by pair, above with the index.
  static constexpr size_t kFewSteps = 16;
  // So far behind the head a step is taken without the index, and so many tasks do without.
  static constexpr size_t kFar = 1024;
  static constexpr size_t kFirstCapacity = 64;
  static constexpr size_t kNowhere = 0;

  static Candidate AsCandidate(const ReadyStep& ready) { return Candidate(ready.step, ready.lane); }
  // The places of a lane's steps: linked from the first on by next_in_lane_.
  class LaneSteps {
   public:
    LaneSteps() {}

    size_t first = kNowhere;
    size_t last = kNowhere;
  };

  uint32_t ListOthers();
  uint32_t ListHeads();
  ReadyStep ChooseHead(uint32_t choice);
  void FindCurrent();
  // --- With an index ---
  void MakeIndex();
  void DropIndex();
  void Enter(size_t index);
  void Leave(size_t index, size_t previous_in_lane);
  [[gnu::noinline, gnu::cold]] void AppendIndexed(internal::Step step, Lane lane);
  ReadyStep TakeIndexed(size_t index);
  bool RemoveIndexed(internal::Runnable* runnable);
  // Moves all steps to `to`, which may be where they are, without the holes.
  void MoveTogether(ReadyStep* to);
  [[gnu::always_inline]] size_t IndexOf(uint32_t choice) const {
    if (lists_heads_ | indexed_) [[unlikely]]
      return IndexOfHead(choice);
    return IndexAfter(first_, choice);
  }
  size_t IndexOfHead(uint32_t choice) const;
  uint32_t CandidateAt(size_t head) const {
    if (head == first_) return 0;
    return static_cast<uint32_t>(lane_heads_.CountBelow(head) + (head < first_ ? 1 : 0));
  }
  void InsertHead(size_t head) {
    lane_heads_.Insert(head);
    if (tracks_new_heads_) new_heads_.push_back(head);
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
    current_lane_ = Lane::FromNumber(internal::Select(is_current, taken.lane.number(), 0));
    current_ = kNowhere;
    CloseUp(index);
    return taken;
  }
  // On the side of the head: steps are mostly taken near it.
  [[gnu::always_inline]] void CloseUp(size_t index) {
    iteration_end_ += index >= iteration_end_ ? 1 : 0;
    ReadyStep* const hole = steps_.get() + index;
    if (index - head_ > kBlock) [[unlikely]] {
      return CloseUpFar(index);
    }
    for (size_t i = 0; i < kBlock; ++i) *(hole - i) = *(hole - i - 1);
    ++head_;
  }
  [[gnu::noinline]] void CloseUpFar(size_t index);
  // Makes room for one more, at the front's cost or with more memory.
  void MakeRoom();

  std::unique_ptr<ReadyStep[]> steps_;  // From head_ to tail_; before them there is room for a block.
  size_t capacity_ = kBlock;
  size_t head_ = kBlock;
  size_t tail_ = kBlock;
  size_t iteration_end_ = kBlock;  // Those before it were ready when the iteration began.
  size_t runnables_ = 0;           // How many of them are no tasks: only those can share a lane.
  Lane current_lane_;              // The one that a choice made current.
  size_t current_ = kNowhere;      // Its first step, if it is ready.
  size_t first_ = kBlock;          // The first candidate.
  // Whether not every step is a candidate: of tasks each is, but callbacks may share a lane. Then the first step of
  // each lane, in the order of candidates.
  bool lists_heads_ = false;
  std::vector<size_t> heads_;

  // The index: where steps were taken out there are holes, between the oldest step at head_ and tail_.
  size_t indexed_ = 0;  // 1 while there is one.
  size_t holes_ = 0;
  RankSet lane_heads_;                  // Where the first step of each lane is.
  std::vector<size_t> next_in_lane_;    // By place.
  mutable LaneTable<LaneSteps> lanes_;  // Looked up only, but for the first time a lane is made.
  uint64_t index_number_ = 0;
  mutable bool tracks_new_heads_ = false;  // Since somebody asked.
  mutable std::vector<size_t> new_heads_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_READY_LIST_H_
