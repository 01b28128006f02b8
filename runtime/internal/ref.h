// SPDX-License-Identifier: Apache-2.0
//
// Ref<S>: a pointer that counts: S has AddReference() and DropReference(), which deletes it at zero. Without atomics:
// what it points at belongs to one thread.
#ifndef DETENT_RUNTIME_INTERNAL_REF_H_
#define DETENT_RUNTIME_INTERNAL_REF_H_

#include <type_traits>
#include <utility>

namespace detent::internal {

template <typename S>
class Ref {
 public:
  Ref() {}
  explicit Ref(S* state) : state_(state) {
    if (state_ != nullptr) state_->AddReference();
  }
  Ref(const Ref& other) : Ref(other.state_) {}
  Ref(Ref&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  template <typename U>
    requires std::is_convertible_v<U*, S*>
  Ref(Ref<U> other) : state_(other.Release()) {}  // NOLINT: as a pointer converts.
  Ref& operator=(Ref other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~Ref() {
    if (state_ != nullptr) state_->DropReference();
  }
  // Takes over a reference that is counted already. REQUIRES, of the second: this one is empty.
  static Ref Adopted(S* state) {
    Ref reference;
    reference.state_ = state;
    return reference;
  }
  void Adopt(S* state) { state_ = state; }

  S* get() const { return state_; }
  S* operator->() const { return state_; }
  S& operator*() const { return *state_; }
  explicit operator bool() const { return state_ != nullptr; }
  S* Release() { return std::exchange(state_, nullptr); }

 private:
  S* state_ = nullptr;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_REF_H_
