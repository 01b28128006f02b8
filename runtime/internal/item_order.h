// SPDX-License-Identifier: Apache-2.0
//
// The orders in which a queue gives its items back.
//
// An item's copy, move or comparison may throw: then Add() has added nothing, and Take() has taken nothing.
#ifndef DETENT_RUNTIME_INTERNAL_ITEM_ORDER_H_
#define DETENT_RUNTIME_INTERNAL_ITEM_ORDER_H_

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace detent::internal {

// An item with an address of its own, for items that cannot be moved about without the risk of a throw.
template <typename T>
class Boxed {
 public:
  template <typename U>
    requires std::is_same_v<std::remove_cvref_t<U>, T>
  explicit Boxed(U&& item) : item_(std::make_unique<T>(std::forward<U>(item))) {}
  T& item() { return *item_; }

 private:
  std::unique_ptr<T> item_;
};

template <typename T>
T& ItemIn(T& item) {
  return item;
}
template <typename T>
T& ItemIn(Boxed<T>& box) {
  return box.item();
}

// How a vector keeps an item. (One of bools has no bools to refer to.)
template <typename T>
using InVector = std::conditional_t<std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T> &&
                                        !std::is_same_v<T, bool>,
                                    T, Boxed<T>>;
// How the ring does, which only grows: there a copy that throws does no harm.
template <typename T>
using InRing =
    std::conditional_t<std::is_nothrow_move_constructible_v<T> || std::is_copy_constructible_v<T>, T, Boxed<T>>;

// A ring: it grows to the most items that there ever were, and then allocates nothing.
template <typename T>
class FirstInFirstOut {
 public:
  static constexpr const char* kQueueType = "Queue";
  static constexpr const char* kGetCall = "Get";

  FirstInFirstOut() {}
  FirstInFirstOut(const FirstInFirstOut&) = delete;
  FirstInFirstOut& operator=(const FirstInFirstOut&) = delete;
  ~FirstInFirstOut() {
    while (head_ != tail_) Drop();
    if (capacity_ > 0) std::allocator<Kept>().deallocate(ring_, capacity_);
  }
  size_t size() const { return tail_ - head_; }
  template <typename U>
  void Add(U&& item) {
    if (size() == capacity_) [[unlikely]]
      Grow();
    std::construct_at(At(tail_), std::forward<U>(item));
    ++tail_;
  }
  T Take() {
    T item = std::move(ItemIn(*At(head_)));
    Drop();
    return item;
  }
  // Takes one out without looking at it.
  void Drop() { std::destroy_at(At(head_++)); }

 private:
  using Kept = InRing<T>;
  static constexpr size_t kFirstCapacity = 8;  // Capacities are powers of two.

  Kept* At(size_t position) const { return ring_ + (position & (capacity_ - 1)); }
  [[gnu::noinline]] void Grow() {
    FirstInFirstOut larger;
    const size_t capacity = capacity_ == 0 ? kFirstCapacity : capacity_ * 2;
    larger.ring_ = std::allocator<Kept>().allocate(capacity);
    larger.capacity_ = capacity;
    for (size_t i = head_; i != tail_; ++i) {
      std::construct_at(larger.At(larger.tail_), std::move_if_noexcept(*At(i)));
      ++larger.tail_;
    }
    std::swap(ring_, larger.ring_);
    std::swap(head_, larger.head_);
    std::swap(tail_, larger.tail_);
    std::swap(capacity_, larger.capacity_);
  }

  Kept* ring_ = nullptr;
  size_t head_ = 0;  // Running counts, as in ReadyQueue.
  size_t tail_ = 0;
  size_t capacity_ = 0;
};

template <typename T>
class LastInFirstOut {
 public:
  static constexpr const char* kQueueType = "LifoQueue";
  static constexpr const char* kGetCall = "Get";

  LastInFirstOut() {}
  size_t size() const { return items_.size(); }
  template <typename U>
  void Add(U&& item) {
    items_.emplace_back(std::forward<U>(item));
  }
  T Take() {
    T item = std::move(ItemIn(items_.back()));
    Drop();
    return item;
  }
  void Drop() { items_.pop_back(); }

 private:
  std::vector<InVector<T>> items_;
};

// A binary heap whose moves are those of Python's heapq, so that items that compare equal leave in the same order as
// from an asyncio.PriorityQueue (rule R1). std::push_heap orders ties in its own way. It first compares, and moves when
// nothing can throw any more.
template <typename T>
class SmallestFirst {
 public:
  static constexpr const char* kQueueType = "PriorityQueue";
  static constexpr const char* kGetCall = "Get";

  SmallestFirst() {}
  size_t size() const { return items_.size(); }
  template <typename U>
  void Add(U&& item) {
    size_t place = items_.size();
    while (place > 0 && item < At(Parent(place))) place = Parent(place);
    items_.emplace_back(std::forward<U>(item));
    for (size_t i = items_.size() - 1; i != place; i = Parent(i)) std::swap(items_[i], items_[Parent(i)]);
  }
  T Take() {
    const size_t place = items_.size() > 1 ? PlaceOfLast() : 0;
    T smallest = std::move(At(0));
    // The last one goes to its place, and those above it go up by one.
    if (items_.size() > 1) std::swap(items_[place], items_.back());
    for (size_t i = place; i != 0; i = Parent(i)) std::swap(items_.back(), items_[Parent(i)]);
    items_.pop_back();
    return smallest;
  }
  void Drop() { items_.pop_back(); }

 private:
  static size_t Parent(size_t index) { return (index - 1) / 2; }
  T& At(size_t index) { return ItemIn(items_[index]); }

  // Where the last item goes when the root is taken: down to a leaf along the smaller children (the right one of
  // equals), then up. REQUIRES: size() > 1.
  size_t PlaceOfLast() {
    const size_t last = items_.size() - 1;
    size_t leaf = 0;
    for (size_t child = 1; child < last; child = 2 * leaf + 1) {
      const size_t right = child + 1;
      if (right < last && !(At(child) < At(right))) child = right;
      leaf = child;
    }
    size_t place = leaf;
    while (place != 0 && At(last) < At(place)) place = Parent(place);
    return place;
  }

  std::vector<InVector<T>> items_;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_ITEM_ORDER_H_
