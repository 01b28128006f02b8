// SPDX-License-Identifier: Apache-2.0
//
// ReadyQueue: the ring of steps that are ready to run, in the order in which they became ready.
//
// A step is a task to resume or a Runnable to run. The ring grows to the most steps that were ever ready at once and
// then allocates nothing. A Runnable that is taken back leaves a hole, which Pop() gives as an empty Step.
#ifndef DETENT_RUNTIME_INTERNAL_READY_QUEUE_H_
#define DETENT_RUNTIME_INTERNAL_READY_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "detent/runtime/internal/lane.h"

namespace detent::internal {

class Home;
class StepText;
class TaskState;

// Something other than a task that the loop runs as a step of its own: a callback, a due timer, a combinator's hop.
class Runnable {
 public:
  virtual void Run() = 0;

  // Steps of one lane run in the order in which they became ready; see Lane::OfTask() and Lane::OfCallbacks().
  virtual Lane lane() const = 0;

  // Of code of the program's; null for the core's own, and for steps in which none runs.
  virtual const Home* home() const { return nullptr; }

  // What it is, for whoever tells of it.
  virtual void DescribeStep(StepText& text) const { (void)text; }

  // The loop ends and will not run it.
  virtual void Discard() {}

  bool IsReady() const { return position_ != kNotReady; }

 protected:
  Runnable() {}
  // A copy is a new Runnable that is not ready.
  Runnable(const Runnable&) {}
  Runnable& operator=(const Runnable&) { return *this; }
  ~Runnable() = default;

 private:
  friend class ReadyQueue;
  static constexpr size_t kNotReady = ~size_t{0};
  static constexpr size_t kTakenOver = kNotReady - 1;

  size_t position_ = kNotReady;  // The ring's running count, not an index.
};

// A task or a Runnable in one word; empty for a hole.
class Step {
 public:
  Step() {}
  explicit Step(TaskState* task) : bits_(reinterpret_cast<uintptr_t>(task)) {}
  explicit Step(Runnable* runnable) : bits_(reinterpret_cast<uintptr_t>(runnable) | 1) {}

  explicit operator bool() const { return bits_ != kHole; }
  // False for a hole.
  bool IsTask() const { return (bits_ & 1) == 0; }
  TaskState* task() const { return reinterpret_cast<TaskState*>(bits_); }
  Runnable* runnable() const { return reinterpret_cast<Runnable*>(bits_ & ~uintptr_t{1}); }

  friend bool operator==(Step a, Step b) { return a.bits_ == b.bits_; }

 private:
  // As a Runnable that is none, so that one test leads to a task.
  static constexpr uintptr_t kHole = 1;

  uintptr_t bits_ = kHole;
};

class ReadyQueue {
 public:
  ReadyQueue() {}
  ReadyQueue(const ReadyQueue&) = delete;
  ReadyQueue& operator=(const ReadyQueue&) = delete;

  bool empty() const { return head_ == tail_; }
  size_t size() const { return tail_ - head_; }  // Holes included.
  // How many steps were taken out, and put in, since the queue was made.
  size_t taken() const { return head_; }
  size_t added() const { return tail_; }

  void Push(TaskState* task) { Append(Step(task)); }
  // REQUIRES: HasRoom().
  void PushInRoom(TaskState* task) { ring_[tail_++ & mask_] = Step(task); }
  bool HasRoom() const { return tail_ != full_at_; }
  // Sees to it that there is room.
  [[gnu::noinline, gnu::cold]] void MakeRoom();
  void Push(Runnable* runnable) {
    const size_t position = tail_;
    Append(Step(runnable));  // May throw; then it is not ready.
    runnable->position_ = position;
  }

  // Takes the next step out, to be run or dropped at once: of a Runnable call Started() first. REQUIRES: !empty().
  Step Pop() { return Pop(head_); }
  // REQUIRES: taken == taken(); saves a load.
  Step Pop(size_t taken) {
    head_ = taken + 1;
    return ring_[taken & mask_];
  }

  // The step that comes `ahead` steps after the next; empty if there is none yet.
  Step Peek(size_t ahead) const { return ahead < size() ? ring_[(head_ + ahead) & mask_] : Step(); }

  // Takes a Runnable back. False if it is not in the ring any more but in the hands of whoever called TakeOver().
  // REQUIRES: runnable->IsReady().
  bool Remove(Runnable* runnable) {
    const size_t position = runnable->position_;
    runnable->position_ = Runnable::kNotReady;
    if (position == Runnable::kTakenOver) return false;
    ring_[position & mask_] = Step();
    return true;
  }

  // Pops all steps for a scheduler with an order of its own, which calls Started() when it runs or drops a Runnable.
  // Gives each to `take`, which pushes nothing.
  template <typename F>
  [[gnu::always_inline]] void TakeOver(F take) {
    size_t taken = head_;
    const size_t end = tail_;
    if (taken == end) return;
    head_ = end;
    do {
      const Step step = ring_[taken & mask_];
      if (!step.IsTask()) [[unlikely]] {
        if (!step) continue;
        step.runnable()->position_ = Runnable::kTakenOver;
      }
      take(step);
    } while (++taken != end);
  }
  static void Started(Runnable* runnable) { runnable->position_ = Runnable::kNotReady; }

 private:
  void Append(Step step) {
    if (tail_ == full_at_) [[unlikely]]
      return AppendSlow(step);
    ring_[tail_++ & mask_] = step;
  }
  // Makes room first.
  [[gnu::noinline, gnu::cold]] void AppendSlow(Step step);

  std::unique_ptr<Step[]> ring_;
  size_t mask_ = 0;
  size_t head_ = 0;  // Running counts: they never wrap in practice, and the ring index is the count masked.
  size_t tail_ = 0;
  size_t full_at_ = 0;  // No more may be appended past this, as far as was known when it was last computed.
  size_t capacity_ = 0;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_READY_QUEUE_H_
