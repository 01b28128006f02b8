// SPDX-License-Identifier: Apache-2.0
//
// TimerHeap: the timers of a loop, earliest deadline first, equal deadlines in the order in which they were armed.
//
// Invariants.
//   1. The entries are a 4-ary min-heap of 16-byte numbers ordered by (deadline, sequence); four children share a cache
//      line, and sifting touches no timer.
//   2. An entry names a slot, which has the timer's address, or 0 once it was cancelled. A cancelled entry stays in the
//      heap until it reaches the top or until more than half of the entries are cancelled, when the heap is rebuilt.
//      Free slots are a list: each has the next one's number.
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

  // Large heaps only: ask for what will be touched a little later. PrefetchForNext(): it has just become the earliest;
  // PrefetchForRun(): it is being popped.
  virtual void PrefetchForNext() const {}
  virtual void PrefetchForRun() const {}

 protected:
  Timer() {}
  // Not armed; for what it will be armed with.
  explicit Timer(LoopTime deadline) : deadline_(deadline) {}
  Timer(const Timer& other) : Runnable(), deadline_(other.deadline_) {}
  Timer& operator=(const Timer&) { return *this; }
  ~Timer() = default;

  // REQUIRES: !IsArmed().
  void set_deadline(LoopTime deadline) { deadline_ = deadline; }

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

  bool empty() const { return size_ == 0; }
  size_t size() const { return armed_ - fired_ - cancelled_; }

  // REQUIRES: !timer->IsArmed(). The timer must stay where it is until it is popped or removed.
  void Add(Timer* timer, LoopTime deadline);

  // REQUIRES: timer->IsArmed().
  void Remove(Timer* timer);

  // Whether the earliest deadline has come.
  bool AreDue(LoopTime now) const { return next_ <= now.nanoseconds(); }
  // Never() if there is none.
  LoopTime earliest() const { return LoopTime::FromNanoseconds(next_); }
  // REQUIRES: !empty().
  const Timer* PeekEarliest() const { return reinterpret_cast<const Timer*>(slots_[SlotOf(At(0))]); }
  Timer* PopEarliest();

  // --- For a ledger ---

  // How many were armed, popped and removed since the heap was made.
  size_t armed() const { return armed_; }
  size_t fired() const { return fired_; }
  size_t cancelled() const { return cancelled_; }
  // Calls visit(timer, deadline, is_here) for each that is pending, in no order. One that is not here any more was
  // destroyed while armed, or armed twice, and must not be touched.
  template <typename F>
  void VisitPending(F visit) const {
    for (size_t i = 0; i < size_; ++i) {
      const uint32_t slot = SlotOf(At(i));
      const auto* const timer = reinterpret_cast<const Timer*>(slots_[slot]);
      if (timer != nullptr) visit(timer, LoopTime::FromNanoseconds(DeadlineOf(At(i))), timer->slot_ == slot);
    }
  }

 private:
  // The deadline, the sequence (32 bits) and the slot (32 bits), from the most significant bit on: one comparison.
  __extension__ using Entry = __int128;
  static Entry MakeEntry(int64_t deadline, uint32_t sequence, uint32_t slot) {
    return Entry{deadline} << 64 | (Entry{sequence} << 32 | slot);
  }
  static int64_t DeadlineOf(Entry entry) { return static_cast<int64_t>(entry >> 64); }
  static uint32_t SlotOf(Entry entry) { return static_cast<uint32_t>(entry); }

  static constexpr size_t kArity = 4;
  struct alignas(64) Siblings {
    Entry entries[kArity];
  };
  // Index 0 is the root; it stands last in its line, so that the children of any index have a line to themselves.
  static constexpr size_t kRootAt = kArity - 1;
  Entry& At(size_t index) { return reinterpret_cast<Entry*>(lines_.data())[index + kRootAt]; }
  Entry At(size_t index) const { return reinterpret_cast<const Entry*>(lines_.data())[index + kRootAt]; }

  // Which of four siblings is earliest.
  static size_t EarliestOf(const Entry* siblings);

  static constexpr int64_t kNone = std::numeric_limits<int64_t>::max();

  // Puts `entry` where it belongs, from a hole at `index` upwards as far as `start`, or downwards.
  void SiftUp(size_t index, size_t start, Entry entry);
  void SiftDown(size_t index, Entry entry);
  void PopRoot();
  void DropCancelledRoots();
  void PrefetchNext(const Timer* earliest);
  void Rebuild();
  void Renumber();
  uint32_t TakeSlot(Timer* timer);
  void FreeSlot(uint32_t slot);

  std::vector<Siblings> lines_;
  size_t size_ = 0;  // Of the heap, cancelled entries included.
  // armed_ == fired_ + cancelled_ + those that are pending.
  size_t armed_ = 0;
  size_t fired_ = 0;
  size_t cancelled_ = 0;
  int64_t next_ = kNone;  // The earliest deadline.
  std::vector<uintptr_t> slots_;
  uint32_t next_sequence_;
  uint32_t free_slot_ = Timer::kNoSlot;  // The first of the list.
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_TIMER_HEAP_H_
