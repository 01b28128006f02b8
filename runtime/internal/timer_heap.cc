// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/timer_heap.h"

#include <algorithm>
#include <limits>

namespace detent::internal {
namespace {

constexpr size_t kArity = 4;
constexpr size_t kRebuildAbove = 64;  // Small heaps are not worth rebuilding.

}  // namespace

void TimerHeap::Add(Timer* timer, LoopTime deadline) {
  if (next_sequence_ == std::numeric_limits<uint32_t>::max()) [[unlikely]] Renumber();
  timer->deadline_ = deadline;
  timer->slot_ = TakeSlot(timer);
  heap_.push_back(Entry{deadline.nanoseconds(), next_sequence_++, timer->slot_});
  ++live_;
  SiftUp(heap_.size() - 1);
  next_ = heap_[0].deadline;
}

void TimerHeap::Remove(Timer* timer) {
  slots_[timer->slot_] = nullptr;
  timer->slot_ = Timer::kNoSlot;
  --live_;
  DropCancelledRoots();
  if (heap_.size() > kRebuildAbove && live_ < heap_.size() / 2) Rebuild();
}

Timer* TimerHeap::PopEarliest() {
  const uint32_t slot = heap_[0].slot;
  Timer* timer = slots_[slot];
  timer->slot_ = Timer::kNoSlot;
  --live_;
  PopRoot();
  DropCancelledRoots();
  return timer;
}

void TimerHeap::SiftUp(size_t index) {
  const Entry entry = heap_[index];
  while (index > 0) {
    const size_t parent = (index - 1) / kArity;
    if (!entry.Before(heap_[parent])) break;
    heap_[index] = heap_[parent];
    index = parent;
  }
  heap_[index] = entry;
}

void TimerHeap::SiftDown(size_t index) {
  const Entry entry = heap_[index];
  const size_t size = heap_.size();
  while (true) {
    const size_t first = index * kArity + 1;
    if (first >= size) break;
    const size_t last = std::min(first + kArity, size);
    size_t least = first;
    for (size_t child = first + 1; child < last; ++child) {
      if (heap_[child].Before(heap_[least])) least = child;
    }
    if (!heap_[least].Before(entry)) break;
    heap_[index] = heap_[least];
    index = least;
  }
  heap_[index] = entry;
}

void TimerHeap::PopRoot() {
  FreeSlot(heap_[0].slot);
  heap_[0] = heap_.back();
  heap_.pop_back();
  if (!heap_.empty()) SiftDown(0);
}

void TimerHeap::DropCancelledRoots() {
  while (!heap_.empty() && slots_[heap_[0].slot] == nullptr) PopRoot();
  next_ = heap_.empty() ? kNone : heap_[0].deadline;
}

void TimerHeap::Rebuild() {
  size_t kept = 0;
  for (const Entry& entry : heap_) {
    if (slots_[entry.slot] == nullptr) {
      FreeSlot(entry.slot);
    } else {
      heap_[kept++] = entry;
    }
  }
  heap_.resize(kept);
  if (kept < 2) return;
  for (size_t i = (kept - 2) / kArity + 1; i-- > 0;) SiftDown(i);
}

// The sequence ran out: number the live entries anew in their order. A sorted array is a heap.
void TimerHeap::Renumber() {
  Rebuild();
  std::sort(heap_.begin(), heap_.end(), [](const Entry& a, const Entry& b) { return a.Before(b); });
  next_sequence_ = 0;
  for (Entry& entry : heap_) entry.sequence = next_sequence_++;
}

uint32_t TimerHeap::TakeSlot(Timer* timer) {
  if (free_slots_.empty()) {
    slots_.push_back(timer);
    free_slots_.reserve(slots_.capacity());  // Cancelling a timer never allocates.
    return static_cast<uint32_t>(slots_.size() - 1);
  }
  const uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  slots_[slot] = timer;
  return slot;
}

void TimerHeap::FreeSlot(uint32_t slot) {
  slots_[slot] = nullptr;
  free_slots_.push_back(slot);
}

}  // namespace detent::internal
