// SPDX-License-Identifier: Apache-2.0
//
// List<T>: elements in the order in which they were appended, linked through themselves: nothing is allocated, and an
// element joins and leaves without a branch.
//
//   class Waiter : public ListLink<Waiter> {...};
//   List<Waiter> waiters;
//   waiters.Append(&waiter);
//   for (Waiter* each = waiters.first(); each != nullptr; each = waiters.Next(each)) ...
//
// An element is in at most one List<T> at a time, and stays where it is while it is there.
#ifndef DETENT_RUNTIME_INTERNAL_LIST_H_
#define DETENT_RUNTIME_INTERNAL_LIST_H_

#include <cstddef>

namespace detent::internal {

template <typename T>
class List;
template <typename T>
class SlimList;

// A base of T.
template <typename T>
class ListLink {
 public:
  // For an element that began as ListLink(nullptr) and leaves by Unlist() only.
  bool IsListed() const { return next_ != nullptr; }

 protected:
  ListLink() {}  // Good while it is listed.
  explicit ListLink(std::nullptr_t) : next_(nullptr) {}
  ~ListLink() = default;
  // A copy is in no list.
  ListLink(const ListLink&) = delete;
  ListLink& operator=(const ListLink&) = delete;

  [[gnu::always_inline]] void PrefetchNeighbours() const {
    __builtin_prefetch(previous_);
    __builtin_prefetch(next_);
  }

 private:
  friend class List<T>;
  friend class SlimList<T>;
  // Nobody looks at previous_ of one that is not listed, and nobody clears it: a compiler would clear both with one
  // wide store, and where that crosses two cache lines, which is chance, it takes as long as a step.
  ListLink* previous_;
  ListLink* next_;
};

// A circle through the elements and the list itself.
template <typename T>
class List : private ListLink<T> {
 public:
  using Link = ListLink<T>;

  List() { this->previous_ = this->next_ = this; }
  List(const List&) = delete;
  List& operator=(const List&) = delete;

  bool empty() const { return this->next_ == this; }
  void Append(Link* element) {
    Link* const last = this->previous_;
    element->previous_ = last;
    element->next_ = this;
    last->next_ = this->previous_ = element;
  }
  // REQUIRES: it is in a list.
  static void Remove(Link* element) {
    Link* const previous = element->previous_;
    Link* const next = element->next_;
    previous->next_ = next;
    next->previous_ = previous;
  }
  // As Remove(), and from then on it is not IsListed().
  static void Unlist(Link* element) {
    Remove(element);
    element->next_ = nullptr;
  }
  // Puts `element` into the place of `listed`, which is then not IsListed().
  static void Replace(Link* listed, Link* element) {
    element->previous_ = listed->previous_;
    element->next_ = listed->next_;
    element->previous_->next_ = element->next_->previous_ = element;
    listed->next_ = nullptr;
  }

  // Null where there is none.
  T* first() const { return At(this->next_); }
  T* last() const { return At(this->previous_); }
  T* Next(const Link* element) const { return At(element->next_); }

 protected:
  // The circle itself, for who keeps a place in it: end() is where it closes.
  const Link* end() const { return this; }
  Link* end() { return this; }
  Link* begin() const { return this->next_; }
  static Link* NextLink(const Link* link) { return link->next_; }
  static Link* PreviousLink(const Link* link) { return link->previous_; }
  // REQUIRES: it is not end().
  static T* ElementAt(Link* link) { return static_cast<T*>(link); }

 private:
  T* At(Link* link) const { return link == this ? nullptr : static_cast<T*>(link); }
};

// A List<T> with a head of one pointer instead of two, and a branch for it: every future has one.
template <typename T>
class SlimList {
 public:
  using Link = ListLink<T>;

  SlimList() {}
  SlimList(const SlimList&) = delete;
  SlimList& operator=(const SlimList&) = delete;

  bool empty() const { return first_ == nullptr; }
  // REQUIRES: it began as ListLink(nullptr).
  void Append(T* element) {
    Link* const link = element;
    if (first_ == nullptr) {
      link->previous_ = link->next_ = link;
      first_ = element;
      return;
    }
    Link* const first = first_;
    Link* const last = first->previous_;
    link->next_ = first;
    link->previous_ = last;
    last->next_ = link;
    first->previous_ = link;
  }
  // Nothing if it is not listed. It is not IsListed() then.
  void Unlist(T* element) {
    Link* const link = element;
    Link* const next = link->next_;
    if (next == nullptr) return;
    if (next == link) {
      first_ = nullptr;
    } else {
      Link* const previous = link->previous_;
      previous->next_ = next;
      next->previous_ = previous;
      if (first_ == element) first_ = static_cast<T*>(next);
    }
    link->next_ = nullptr;
  }
  T* first() const { return first_; }
  // The first that `matches`, or null.
  template <typename Predicate>
  T* Find(Predicate matches) const {
    if (T* element = first_) {
      do {
        if (matches(element)) return element;
        element = static_cast<T*>(static_cast<Link*>(element)->next_);
      } while (element != first_);
    }
    return nullptr;
  }

 private:
  T* first_ = nullptr;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_LIST_H_
