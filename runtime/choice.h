// SPDX-License-Identifier: Apache-2.0
//
// Choose, Fault, Shared<T>: how a program under test shares its choices and its plain variables with the explorer.
// Header only; on the real loop they cost next to nothing.
//
//   if (Fault("disk full", 0.01)) throw std::system_error(ENOSPC, std::generic_category());
//   size_t replica = Choose(replicas.size());       // 0 is the calmest choice; always 0 on the real loop
//
//   Shared<int> balance(100, "balance");
//   int seen = co_await balance.Load();             // another task may run here, and the explorer knows what is touched
//   co_await balance.Store(seen - 30);
//
// Suspension.    Choose() and Fault() never. Load(), Store(), Update() always: each is one trip through the ready queue
//                that announces the variable, and acts when the task goes on.
// Cancellation.  A cancelled access did not happen.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_CHOICE_H_
#define DETENT_RUNTIME_CHOICE_H_

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/keep_closure.h"
#include "detent/runtime/sleep.h"

namespace detent {

// A number in [0, n). On a simulated loop it comes from the strategy and is on the tape; elsewhere it is 0.
inline uint32_t Choose(uint32_t n) {
  if (n == 0) throw std::invalid_argument("Choose(0): there is nothing to choose from; n must be 1 or more");
  internal::LoopCore* core = internal::CurrentCore();
  return core == nullptr ? 0 : core->loop->ChooseFor(internal::ChoiceKind::kProgram, n);
}

// Whether the fault called `name` strikes here. On a simulated loop with probability `p`, and on the tape (the calmest
// choice is that it does not); elsewhere never.
inline bool Fault(std::string_view name, double p) {
  if (!(p >= 0 && p <= 1)) {
    throw std::invalid_argument("Fault(\"" + std::string(name) + "\"): the probability must be between 0 and 1");
  }
  internal::LoopCore* core = internal::CurrentCore();
  return core != nullptr && core->loop->DrawFault(name, p);
}

namespace internal {

// One access to a Shared<T>.
template <typename T, typename Act>
class SharedAccess final : public AnnouncedYield {
 public:
  SharedAccess(const NamedObject& object, AccessMode mode, Act act)
      : object_(&object), mode_(mode), act_(std::move(act)) {}

  size_t ObjectCount() const override { return 1; }
  const WaitObject* ObjectAt(size_t) const override { return object_; }
  const WaitObject* Object() const override { return object_; }
  AccessMode Mode() const override { return mode_; }
  std::string Describe() const override {
    return (mode_ == AccessMode::kRead ? "reading " : "writing ") + object_->Called("Shared");
  }
  decltype(auto) Take() { return act_(); }

 private:
  const NamedObject* object_;
  AccessMode mode_;
  Act act_;
};

}  // namespace internal

template <typename T>
class Shared : public internal::NamedObject {
 public:
  explicit Shared(T value = T(), std::string_view name = {}) : NamedObject(name), value_(std::move(value)) {}

  // Gives the value that the variable has when the task goes on.
  auto Load() {
    return Access(internal::AccessMode::kRead, [this]() -> T { return value_; });
  }
  auto Store(T value) {
    return Access(internal::AccessMode::kWrite, [this, value = std::move(value)]() mutable { value_ = std::move(value); });
  }
  // Sets the variable to `fn(value)`, in one step, and gives the new value.
  template <typename F>
  auto Update(F&& fn) {
    DETENT_INTERNAL_CHECK_CLOSURE(F);
    return Access(internal::AccessMode::kWrite, [this, fn = std::forward<F>(fn)]() mutable -> T {
      value_ = fn(std::as_const(value_));
      return value_;
    });
  }

  // The value, without a trip and unannounced: for checks after the tasks have ended.
  const T& Peek() const {
    internal::NoteAccess(*this, internal::AccessMode::kRead);
    return value_;
  }

 private:
  template <typename Act>
  internal::SharedAccess<T, Act> Access(internal::AccessMode mode, Act act) {
    return internal::SharedAccess<T, Act>(*this, mode, std::move(act));
  }

  T value_;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_CHOICE_H_
