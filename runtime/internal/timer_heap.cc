// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/timer_heap.h"

#include <algorithm>
#include <limits>

#include "detent/runtime/internal/branch_free.h"

namespace detent::internal {
namespace {

constexpr size_t kRebuildAbove = 64;  // Small heaps are not worth rebuilding.
constexpr int kCacheLine = 64;
constexpr size_t kPrefetchAbove = 4 * 1024;  // Entries; with their tasks they are more than a second-level cache holds.

// A free slot has twice the next one's number and one, which no address is.
constexpr uintptr_t FreeMark(uint32_t next) { return uintptr_t{next} * 2 + 1; }

}  // namespace

void TimerHeap::Add(Timer* timer, LoopTime deadline) {
  if (next_sequence_ == std::numeric_limits<uint32_t>::max()) [[unlikely]]
    Renumber();
  if (size_ + kRootAt >= lines_.size() * kArity) lines_.emplace_back();
  timer->slot_ = TakeSlot(timer);  // The last that may throw.
  timer->deadline_ = deadline;
  ++armed_;
  SiftUp(size_++, 0, MakeEntry(deadline.nanoseconds(), next_sequence_++, timer->slot_));
  next_ = std::min(next_, deadline.nanoseconds());
}

void TimerHeap::Remove(Timer* timer) {
  slots_[timer->slot_] = 0;
  timer->slot_ = Timer::kNoSlot;
  ++cancelled_;
  DropCancelledRoots();
  if (size_ > kRebuildAbove && size() < size_ / 2) Rebuild();
}

Timer* TimerHeap::PopEarliest() {
  const uint32_t slot = SlotOf(At(0));
  Timer* timer = reinterpret_cast<Timer*>(slots_[slot]);
  timer->slot_ = Timer::kNoSlot;
  ++fired_;
  if (size_ > kPrefetchAbove) timer->PrefetchForRun();
  PopRoot();
  DropCancelledRoots();
  return timer;
}

void TimerHeap::SiftUp(size_t index, size_t start, Entry entry) {
  while (index > start) {
    const size_t parent = (index - 1) / kArity;
    if (At(parent) < entry) break;
    At(index) = At(parent);
    index = parent;
  }
  At(index) = entry;
}

inline size_t TimerHeap::EarliestOf(const Entry* siblings) {
  const size_t a = 0 + size_t{IsLess(siblings[1], siblings[0])};
  const size_t b = 2 + size_t{IsLess(siblings[3], siblings[2])};
  return Select(IsLess(siblings[b], siblings[a]), b, a);
}

// The hole goes down to a leaf, and the entry from there up to its place, which is seldom far (Wegener, "Bottom-up
// heapsort", 1993). Which child is earliest is found without branches, which could not be predicted; but then no guess
// fetches the next level ahead, so a heap that does not fit the cache asks for all four lines of grandchildren.
void TimerHeap::SiftDown(size_t index, Entry entry) {
  const size_t start = index;
  const bool is_large = size_ > kPrefetchAbove;
  size_t first;
  while ((first = index * kArity + 1) + kArity <= size_) {
    const Entry* const child = &At(first);
    if (is_large) {
      const Entry* const grandchild = &At(first * kArity + 1);
      for (size_t i = 0; i < kArity; ++i) __builtin_prefetch(grandchild + i * kArity);
    }
    const size_t least = EarliestOf(child);
    At(index) = child[least];
    index = first + least;
  }
  if (first < size_) {
    size_t least = first;
    for (size_t i = first + 1; i < size_; ++i) {
      if (At(i) < At(least)) least = i;
    }
    At(index) = At(least);
    index = least;
  }
  SiftUp(index, start, entry);
}

void TimerHeap::PopRoot() {
  FreeSlot(SlotOf(At(0)));
  const Entry last = At(--size_);
  if (size_ > 0) SiftDown(0, last);
}

void TimerHeap::DropCancelledRoots() {
  next_ = kNone;
  while (size_ > 0) {
    const uintptr_t timer = slots_[SlotOf(At(0))];
    if (timer != 0) {
      next_ = DeadlineOf(At(0));
      __builtin_prefetch(reinterpret_cast<const void*>(timer));  // It is often due as well.
      if (size_ > kPrefetchAbove) PrefetchNext(reinterpret_cast<const Timer*>(timer));
      return;
    }
    PopRoot();
  }
}

// What a timer leads to takes several cache misses, each of which begins where the one before it ends. They are
// overlapped with the steps of the two timers before it.
void TimerHeap::PrefetchNext(const Timer* earliest) {
  earliest->PrefetchForNext();
  const Entry* const child = &At(1);
  const auto* const second = reinterpret_cast<const char*>(slots_[SlotOf(child[EarliestOf(child)])]);
  if (second == nullptr) return;
  for (int i = -kCacheLine; i <= kCacheLine; i += kCacheLine) __builtin_prefetch(second + i);
}

void TimerHeap::Rebuild() {
  size_t kept = 0;
  for (size_t i = 0; i < size_; ++i) {
    const Entry entry = At(i);
    if (slots_[SlotOf(entry)] == 0) {
      FreeSlot(SlotOf(entry));
    } else {
      At(kept++) = entry;
    }
  }
  size_ = kept;
  if (kept < 2) return;
  for (size_t i = (kept - 2) / kArity + 1; i-- > 0;) SiftDown(i, At(i));
}

// The sequence ran out: number the live entries anew in their order. A sorted array is a heap.
void TimerHeap::Renumber() {
  Rebuild();
  std::vector<Entry> sorted;
  for (size_t i = 0; i < size_; ++i) sorted.push_back(At(i));
  std::sort(sorted.begin(), sorted.end());
  next_sequence_ = 0;
  for (size_t i = 0; i < size_; ++i) At(i) = MakeEntry(DeadlineOf(sorted[i]), next_sequence_++, SlotOf(sorted[i]));
}

uint32_t TimerHeap::TakeSlot(Timer* timer) {
  if (free_slot_ == Timer::kNoSlot) {
    slots_.push_back(reinterpret_cast<uintptr_t>(timer));
    return static_cast<uint32_t>(slots_.size() - 1);
  }
  const uint32_t slot = free_slot_;
  free_slot_ = static_cast<uint32_t>(slots_[slot] / 2);
  slots_[slot] = reinterpret_cast<uintptr_t>(timer);
  return slot;
}

void TimerHeap::FreeSlot(uint32_t slot) {
  slots_[slot] = FreeMark(free_slot_);
  free_slot_ = slot;
}

}  // namespace detent::internal
