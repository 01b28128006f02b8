// SPDX-License-Identifier: Apache-2.0
//
// TimerHeap: the timers of a loop, earliest deadline first, equal deadlines in the order in which they were armed.
//
// Invariants.
//   1. `heap_` is a 4-ary min-heap of 16-byte entries ordered by (deadline, sequence), so that four children share
//      a cache line and sifting touches no timer.
//   2. An entry names a slot; `slots_[slot]` is the timer, or null once it was cancelled. A cancelled entry stays in
//      the heap until it reaches the top or until more than half of the entries are cancelled, when the heap is
//      rebuilt.
//   3. The root is never a cancelled entry.
#ifndef DETENT_RUNTIME_INTERNAL_TIMER_HEAP_H_
#define DETENT_RUNTIME_INTERNAL_TIMER_HEAP_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "detent/runtime/internal/ready_queue.h"
#include "detent/runtime/loop_time.h"

namespace detent::internal {

// A node that the heap arms. When its time has come the loop puts it into the ready queue and runs it.
class Timer : public Runnable {
 public:
  LoopTime deadline() const { return deadline_; }
  bool IsArmed() const { return slot_ != kNoSlot; }

 protected:
  Timer() {}
  Timer(const Timer&) : Runnable() {}
  Timer& operator=(const Timer&) { return *this; }
  ~Timer() = default;

 private:
  friend class TimerHeap;
  static constexpr uint32_t kNoSlot = ~uint32_t{0};

  LoopTime deadline_;
  uint32_t slot_ = kNoSlot;
};

class TimerHeap {
 public:
  explicit TimerHeap(uint32_t first_sequence = 0) : next_sequence_(first_sequence) {}
  TimerHeap(const TimerHeap&) = delete;
  TimerHeap& operator=(const TimerHeap&) = delete;

  bool empty() const { return live_ == 0; }
  size_t size() const { return live_; }

  // REQUIRES: !timer->IsArmed(). The timer must stay where it is until it is popped or removed.
  void Add(Timer* timer, LoopTime deadline);

  // REQUIRES: timer->IsArmed().
  void Remove(Timer* timer);

  // Whether the earliest deadline has come.
  bool AreDue(LoopTime now) const { return next_ <= now.nanoseconds(); }
  // REQUIRES: !empty().
  LoopTime earliest() const { return LoopTime::FromNanoseconds(heap_[0].deadline); }
  Timer* PopEarliest();

 private:
  struct Entry {
    int64_t deadline;
    uint32_t sequence;
    uint32_t slot;
    bool Before(const Entry& other) const {
      return deadline != other.deadline ? deadline < other.deadline : sequence < other.sequence;
    }
  };

  static constexpr int64_t kNone = std::numeric_limits<int64_t>::max();

  void SiftUp(size_t index);
  void SiftDown(size_t index);
  void PopRoot();
  void DropCancelledRoots();
  void Rebuild();
  void Renumber();
  uint32_t TakeSlot(Timer* timer);
  void FreeSlot(uint32_t slot);

  std::vector<Entry> heap_;
  std::vector<Timer*> slots_;
  std::vector<uint32_t> free_slots_;
  size_t live_ = 0;
  int64_t next_ = kNone;  // The earliest deadline.
  uint32_t next_sequence_;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_TIMER_HEAP_H_
