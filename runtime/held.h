// SPDX-License-Identifier: Apache-2.0
//
// Held<M>: a lock, a permit or a condition's lock, held for a scope. What `co_await lock.Hold()` gives.
//
//   auto held = co_await lock.Hold();
//   ...
//   held.Release();      // or at the end of the scope
//
// Ownership.     Move-only. Must not outlive what it holds. The destructor never throws: if what it would release is
//                not held any more, it says so to the exception handler.
#ifndef DETENT_RUNTIME_HELD_H_
#define DETENT_RUNTIME_HELD_H_

#include <exception>
#include <utility>

namespace detent {
namespace internal {

// Tells the running loop's exception handler, or standard error, that a scoped release failed.
void ReportFailedRelease(std::exception_ptr error) noexcept;

// An acquisition whose result is the scoped form.
template <typename Acquire, typename M>
class HoldOperation;

}  // namespace internal

template <typename M>
class [[nodiscard]] Held {
 public:
  Held() {}
  Held(Held&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
  Held& operator=(Held&& other) noexcept {
    if (this != &other) {
      Drop();
      held_ = std::exchange(other.held_, nullptr);
    }
    return *this;
  }
  ~Held() { Drop(); }

  explicit operator bool() const { return held_ != nullptr; }

  // Releases now. Does nothing if it was released or moved from. Throws what the object's own Release() throws.
  void Release() {
    if (M* held = std::exchange(held_, nullptr)) held->Release();
  }

 private:
  template <typename Acquire, typename N>
  friend class internal::HoldOperation;
  explicit Held(M* held) : held_(held) {}

  void Drop() noexcept {
    try {
      Release();
    } catch (...) {
      internal::ReportFailedRelease(std::current_exception());
    }
  }

  M* held_ = nullptr;
};

namespace internal {

template <typename Acquire, typename M>
class HoldOperation final : public Acquire {
 public:
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
