// SPDX-License-Identifier: Apache-2.0
//
// Choose, Vary, Fault, Buggify, Shared<T>: how a program under test shares its choices and its plain variables with the
// explorer. Header only; on the real loop they cost next to nothing.
//
//   if (Fault("disk full", 0.01)) throw std::system_error(ENOSPC, std::generic_category());
//   size_t replica = Choose(replicas.size());       // 0 is the calmest choice; always 0 on the real loop
//   const int hosts = Vary(3, 5, 7);                // the first is the calmest; always that on the real loop
//   static constexpr size_t kBatch = 1000;
//   size_t batch = Buggify(kBatch, 1);              // odd in some runs of a simulated world with program faults
//
//   Shared<int> balance(100, "balance");
//   int seen = co_await balance.Load();             // another task may run here; the explorer knows what is touched
//   co_await balance.Store(seen - 30);
//
// Suspension.    Choose(), Vary(), Fault() and Buggify() never. Load(), Store(), Update() always: each is one trip
//                through the ready queue that announces the variable, and acts when the task goes on.
// Cancellation.  A cancelled access did not happen.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_CHOICE_H_
#define DETENT_RUNTIME_CHOICE_H_

#include <cstdint>
#include <ostream>
#include <source_location>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "detent/runtime/closure.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/sleep.h"

namespace detent {

// A number in [0, n). On a simulated loop it comes from the strategy and is on the tape; elsewhere it is 0.
inline uint32_t Choose(uint32_t n) {
  if (n == 0) throw std::invalid_argument("Choose(0): there is nothing to choose from; n must be 1 or more");
  internal::LoopCore* core = internal::CurrentCore();
  return core == nullptr ? 0 : core->owner().ChooseFor(ChoiceKind::kProgram, n);
}

// Whether the fault called `name` strikes here. On a simulated loop with probability `p`, and on the tape (the calmest
// choice is that it does not); elsewhere never. In a simulated world whose faults include sim::kProgramFaults it
// strikes where the run's plan says so, as all faults do there.
inline bool Fault(std::string_view name, double p) {
  if (!(p >= 0 && p <= 1)) {
    throw std::invalid_argument("Fault(\"" + std::string(name) + "\"): the probability must be between 0 and 1");
  }
  internal::LoopCore* core = internal::CurrentCore();
  return core != nullptr && core->owner().DrawFault(name, p);
}

// One of the values: how a test varies its set-up. A Choose() among them.
template <typename T, typename... Others>
T Vary(T first, Others... others) {
  static_assert(sizeof...(Others) > 0, "Vary(): give two or more values to vary among");
  static_assert((std::is_convertible_v<Others, T> && ...), "Vary(): the values must be of the type of the first");
  T values[] = {std::move(first), static_cast<T>(std::move(others))...};
  return std::move(values[Choose(1 + sizeof...(Others))]);
}

// `normal`, or in some runs `odd`: for limits, sizes and time-outs that are never unusual in a test. Drawn once a run
// for each line of the program, in a simulated world whose faults include sim::kProgramFaults; elsewhere `normal`.
template <typename T>
T Buggify(T normal, std::type_identity_t<T> odd, std::source_location where = std::source_location::current()) {
  internal::LoopCore* core = internal::CurrentCore();
  return core != nullptr && core->owner().DrawOdd(where) ? std::move(odd) : std::move(normal);
}

template <typename T>
class Shared;

namespace internal {

// A value for a person, who knows its type; empty if that has no form that can be written.
template <typename T>
std::string ValueText(const T& value) {
  constexpr size_t kElementsMax = 8;
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_arithmetic_v<T>) {
    return std::to_string(value);
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return '"' + std::string(std::string_view(value)) + '"';
  } else if constexpr (std::is_enum_v<T>) {
    return std::to_string(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (requires { value.ToString(); }) {
    return std::string(value.ToString());
  } else if constexpr (requires(std::ostream& out) { out << value; }) {
    std::ostringstream out;
    out << value;
    return std::move(out).str();
  } else if constexpr (requires {
                         value.has_value();
                         *value;
                       }) {
    return value.has_value() ? ValueText(*value) : "none";
  } else if constexpr (requires {
                         value.first;
                         value.second;
                       }) {
    return '(' + ValueText(value.first) + ", " + ValueText(value.second) + ')';
  } else if constexpr (requires {
                         value.begin() != value.end();
                         ValueText(*value.begin());
                       }) {
    std::string text = "[";
    size_t count = 0;
    for (const auto& element : value) {
      if (count == kElementsMax) return text + ", …]";
      text += (count++ == 0 ? "" : ", ") + ValueText(element);
    }
    return text + ']';
  } else {
    return std::string();
  }
}

// One access to a Shared<T>.
template <typename T, typename Act>
class [[nodiscard("does nothing until awaited: write co_await")]] SharedAccess final : public AnnouncedYield {
 public:
  SharedAccess(const NamedObject& object, AccessMode mode, Act act)
      : object_(&object), mode_(mode), act_(std::move(act)) {}

  size_t ObjectCount() const override { return 1; }
  const WaitObject* ObjectAt(size_t) const override { return object_; }
  const WaitObject* Object() const override { return object_; }
  AccessMode Mode() const override { return mode_; }
  void Describe(WaitText& text) const override {
    text.verb = mode_ == AccessMode::kRead ? "reading" : "writing";
    text.is_named = text.name_is_enough = !object_->name().empty();
    if (text.is_named) text.noun = "Shared";
    text.object = text.is_named ? object_->name() : object_->Quoted("Shared");
  }
  decltype(auto) Take() {
    const ValueTeller teller(static_cast<const Shared<T>&>(*object_));
    return act_();
  }

 private:
  // Tells what the variable has become, once the access is done.
  class ValueTeller {
   public:
    explicit ValueTeller(const Shared<T>& shared) : shared_(shared) {}
    ValueTeller(const ValueTeller&) = delete;
    ValueTeller& operator=(const ValueTeller&) = delete;
    ~ValueTeller() {
      AccessObserver* const recorder = CurrentCore()->recorder;
      if (recorder == nullptr || !recorder->WantsValues()) [[likely]]
        return;
      try {
        recorder->OnValue(ValueText(shared_.value_));
      } catch (...) {  // The program's own way to write it; the report does without.
      }
    }

   private:
    const Shared<T>& shared_;
  };

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
    return Access(AccessMode::kRead, [this]() -> T { return value_; });
  }
  auto Store(T value) {
    return Access(AccessMode::kWrite, [this, value = std::move(value)]() mutable { value_ = std::move(value); });
  }
  // Sets the variable to `fn(value)`, in one step, and gives the new value.
  template <typename F>
  auto Update(F&& fn) {
    DETENT_INTERNAL_CHECK_CLOSURE(F);
    return Access(AccessMode::kWrite, [this, fn = std::forward<F>(fn)]() mutable -> T {
      value_ = fn(std::as_const(value_));
      return value_;
    });
  }

  // The value, without a trip and unannounced: for checks after the tasks have ended.
  const T& Peek() const {
    internal::NoteAccess(*this, AccessMode::kRead);
    return value_;
  }

 private:
  template <typename U, typename Act>
  friend class internal::SharedAccess;

  template <typename Act>
  internal::SharedAccess<T, Act> Access(AccessMode mode, Act act) {
    return internal::SharedAccess<T, Act>(*this, mode, std::move(act));
  }

  T value_;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_CHOICE_H_
