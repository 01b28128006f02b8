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

#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/internal/awaiting.h"
#include "detent/runtime/internal/held_list.h"
#include "detent/runtime/internal/task_state.h"

namespace detent {

namespace internal {

template <typename Acquire, typename M>
class HoldOperation;
// Who holds something, by the number of the task: `"alice"`, or `"alice", which has ended`.
std::string HolderName(uint64_t task_id);
std::string DescribeHolder(uint64_t task_id);
// Of several, each once: `task "alice" and task "bob"`.
std::string DescribeHolders(const std::vector<uint64_t>& task_ids);
// Tells the running loop's exception handler, or standard error, that a scoped release failed.
void ReportFailedRelease(std::exception_ptr error) noexcept;

}  // namespace internal

template <typename M>
class [[nodiscard("dropped, it is released at once: write auto held = co_await ...")]] Held
    : private internal::HeldEntry {
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
    internal::HeldList::Unlist(this);
    held_->Release();
  }

 private:
  template <typename Acquire, typename N>
  friend class internal::HoldOperation;
  // In the task that has acquired it.
  explicit Held(M* held) : HeldEntry(internal::CurrentTaskState()->id()), held_(held) { held->helds_.Append(this); }

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

// An acquisition whose result is the scoped form.
template <typename Acquire, typename M>
class [[nodiscard("does nothing until awaited: write co_await")]] HoldOperation final
    : public Acquire,
      public OwnAwaiter<HoldOperation<Acquire, M>> {
  using Itself = OwnAwaiter<HoldOperation>;

 public:
  using Itself::await_ready;
  using Itself::await_resume;
  using Itself::await_suspend;

  template <typename... A>
  explicit HoldOperation(M& object, A&&... arguments) : Acquire(std::forward<A>(arguments)...), object_(&object) {}
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
