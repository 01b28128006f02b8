// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/ready_queue.h"

namespace detent::internal {

void ReadyQueue::MakeRoom() {
  if (tail_ - head_ == capacity_) {
    const size_t capacity = capacity_ == 0 ? 64 : capacity_ * 2;
    auto ring = std::make_unique<Step[]>(capacity);
    for (size_t i = head_; i != tail_; ++i) ring[i & (capacity - 1)] = ring_[i & mask_];
    ring_ = std::move(ring);
    capacity_ = capacity;
    mask_ = capacity - 1;
  }
  full_at_ = head_ + capacity_;
}

void ReadyQueue::AppendSlow(Step step) {
  MakeRoom();
  ring_[tail_++ & mask_] = step;
}

}  // namespace detent::internal
