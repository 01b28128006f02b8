// SPDX-License-Identifier: Apache-2.0
//
// The orders in which a queue gives its items back.
#ifndef DETENT_RUNTIME_INTERNAL_ITEM_ORDER_H_
#define DETENT_RUNTIME_INTERNAL_ITEM_ORDER_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace detent::internal {

// A ring: it grows to the most items that there ever were, and then allocates nothing.
template <typename T>
class FirstInFirstOut {
 public:
  FirstInFirstOut() {}
  FirstInFirstOut(const FirstInFirstOut&) = delete;
  FirstInFirstOut& operator=(const FirstInFirstOut&) = delete;
  ~FirstInFirstOut() {
    for (; head_ != tail_; ++head_) std::destroy_at(At(head_));
    if (capacity_ > 0) std::allocator<T>().deallocate(ring_, capacity_);
  }
  size_t size() const { return tail_ - head_; }
  template <typename U>
  void Add(U&& item) {
    if (size() == capacity_) [[unlikely]] Grow();
    std::construct_at(At(tail_), std::forward<U>(item));
    ++tail_;
  }
  T Take() {
    T* const first = At(head_);
    T item = std::move(*first);
    std::destroy_at(first);
    ++head_;
    return item;
  }

 private:
  static constexpr size_t kFirstCapacity = 8;  // Capacities are powers of two.

  T* At(size_t position) const { return ring_ + (position & (capacity_ - 1)); }
  [[gnu::noinline]] void Grow() {
    FirstInFirstOut larger;
    const size_t capacity = capacity_ == 0 ? kFirstCapacity : capacity_ * 2;
    larger.ring_ = std::allocator<T>().allocate(capacity);
    larger.capacity_ = capacity;
    for (size_t i = head_; i != tail_; ++i) larger.Add(std::move_if_noexcept(*At(i)));
    std::swap(ring_, larger.ring_);
    std::swap(head_, larger.head_);
    std::swap(tail_, larger.tail_);
    std::swap(capacity_, larger.capacity_);
  }

  T* ring_ = nullptr;
  size_t head_ = 0;  // Running counts, as in ReadyQueue.
  size_t tail_ = 0;
  size_t capacity_ = 0;
};

template <typename T>
class LastInFirstOut {
 public:
  LastInFirstOut() {}
  size_t size() const { return items_.size(); }
  template <typename U>
  void Add(U&& item) {
    items_.push_back(std::forward<U>(item));
  }
  T Take() {
    T item = std::move(items_.back());
    items_.pop_back();
    return item;
  }

 private:
  std::vector<T> items_;
};

// A binary heap whose moves are those of Python's heapq, so that items that compare equal leave in the same order as
// from an asyncio.PriorityQueue (rule R1). std::push_heap orders ties in its own way.
template <typename T>
class SmallestFirst {
 public:
  SmallestFirst() {}
  size_t size() const { return items_.size(); }
  template <typename U>
  void Add(U&& item) {
    items_.push_back(std::forward<U>(item));
    MoveTowardsRoot(0, items_.size() - 1);
  }
  T Take() {
    T last = std::move(items_.back());
    items_.pop_back();
    if (items_.empty()) return last;
    std::swap(last, items_.front());
    MoveToLeafAndBack();
    return last;
  }

 private:
  void MoveTowardsRoot(size_t start, size_t index) {
    while (index > start) {
      const size_t parent = (index - 1) / 2;
      if (!(items_[index] < items_[parent])) break;
      std::swap(items_[index], items_[parent]);
      index = parent;
    }
  }
  // The root goes down to a leaf along the smaller children (the right one of equals), then up to its place.
  void MoveToLeafAndBack() {
    size_t index = 0;
    for (size_t child = 1; child < items_.size(); child = 2 * index + 1) {
      const size_t right = child + 1;
      if (right < items_.size() && !(items_[child] < items_[right])) child = right;
      std::swap(items_[index], items_[child]);
      index = child;
    }
    MoveTowardsRoot(0, index);
  }

  std::vector<T> items_;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_ITEM_ORDER_H_
