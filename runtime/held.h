// SPDX-License-Identifier: Apache-2.0
//
// Held<M>: a lock, a permit or a condition's lock, held for a scope. What `co_await lock.Hold()` gives.
//
//   auto held = co_await lock.Hold();
//   ...
//   held.Release();      // or at the end of the scope
//
// Ownership.     Move-only. Should not outlive what it holds: an object that is destroyed while held is reported, and
//                the Held is then empty. The destructor never throws: if what it would release is not held any more,
//                it says so to the exception handler.
#ifndef DETENT_RUNTIME_HELD_H_
#define DETENT_RUNTIME_HELD_H_

#include <exception>
#include <utility>

#include "detent/runtime/internal/awaiting.h"

namespace detent {

template <typename M>
class Held;

namespace internal {

// Tells the running loop's exception handler, or standard error, that a scoped release failed.
void ReportFailedRelease(std::exception_ptr error) noexcept;

// What a Held is to the object that it holds: an entry in its list, so that an object that is destroyed first can empty
// it.
class HeldEntry {
 protected:
  HeldEntry() {}
  HeldEntry(HeldEntry&& other) noexcept { TakePlaceOf(other); }
  ~HeldEntry() = default;

  bool IsListed() const { return link_ != nullptr; }
  void Enter(HeldEntry*& list) {
    next_ = list;
    link_ = &list;
    *link_ = this;
    if (next_ != nullptr) next_->link_ = &next_;
  }
  void Leave() {
    *link_ = next_;
    if (next_ != nullptr) next_->link_ = link_;
    link_ = nullptr;
  }
  // REQUIRES: !IsListed().
  void TakePlaceOf(HeldEntry& other) {
    if (!other.IsListed()) return;
    link_ = std::exchange(other.link_, nullptr);
    next_ = other.next_;
    *link_ = this;
    if (next_ != nullptr) next_->link_ = &next_;
  }

 private:
  friend class HeldList;
  HeldEntry** link_ = nullptr;  // The pointer that points here; null if it is in no list.
  HeldEntry* next_ = nullptr;
};

// The Helds of one object.
class HeldList {
 public:
  HeldList() {}
  HeldList(const HeldList&) = delete;
  HeldList& operator=(const HeldList&) = delete;
  ~HeldList() {
    for (; first_ != nullptr; first_ = first_->next_) first_->link_ = nullptr;
  }
  bool empty() const { return first_ == nullptr; }

 private:
  template <typename M>
  friend class detent::Held;
  HeldEntry* first_ = nullptr;
};

// An acquisition whose result is the scoped form.
template <typename Acquire, typename M>
class HoldOperation;

}  // namespace internal

template <typename M>
class [[nodiscard]] Held : private internal::HeldEntry {
 public:
  Held() {}
  Held(Held&& other) noexcept : HeldEntry(std::move(other)), held_(other.held_) {}
  Held& operator=(Held&& other) noexcept {
    if (this != &other) {
      Drop();
      TakePlaceOf(other);
      held_ = other.held_;
    }
    return *this;
  }
  ~Held() { Drop(); }

  explicit operator bool() const { return IsListed(); }

  // Releases now. Does nothing if it is empty: released, moved from, or its object destroyed. Throws what the object's
  // own Release() throws.
  void Release() {
    if (!IsListed()) return;
    Leave();
    held_->Release();
  }

 private:
  template <typename Acquire, typename N>
  friend class internal::HoldOperation;
  explicit Held(M* held) : held_(held) { Enter(held->helds_.first_); }

  void Drop() noexcept {
    try {
      Release();
    } catch (...) {
      internal::ReportFailedRelease(std::current_exception());
    }
  }

  M* held_ = nullptr;  // Good while it is listed.
};

namespace internal {

template <typename Acquire, typename M>
class HoldOperation final : public Acquire, public AwaitsItself<HoldOperation<Acquire, M>> {
  using Itself = AwaitsItself<HoldOperation>;

 public:
  using Itself::await_ready;
  using Itself::await_resume;
  using Itself::await_suspend;

  template <typename... A>
  explicit HoldOperation(M& object, A&&... arguments)
      : Acquire(std::forward<A>(arguments)...), object_(&object) {}
  Held<M> Take() {
    Acquire::Take();
    return Held<M>(object_);
  }

 private:
  M* object_;
};

}  // namespace internal
}  // namespace detent

#endif  // DETENT_RUNTIME_HELD_H_
