// SPDX-License-Identifier: Apache-2.0
//
// Properties: what must hold in every schedule, and what must happen in some.
//
//   Always(queue.size() <= 10, "the queue is bounded");             // checked where it stands
//   Sometimes<"a retry succeeded">(attempt > 1 && ok);              // must be true in some schedule
//   // Checked after every step, while in scope:
//   auto i = Invariant("no money is lost", [&] { return a + b == 100; });
//   // Must have held by the end of its scope:
//   auto e = Eventually("a leader is elected", [&] { return leader != 0; });
//
// A property that does not hold fails its schedule: Always() and Eventually() let it go on, an Invariant ends it there.
// Sometimes<...>() that was evaluated in a test, and was never true in any of its schedules, fails the test; one that
// no test evaluated is listed when the program ends. On the real loop, which has no steps to check after, an Invariant
// and an Eventually are evaluated where they are made and where their scope ends.
//
// Errors.        std::invalid_argument if two places use one name.
// Threads.       The loop's own thread only.
#ifndef DETENT_TESTING_PROPERTIES_H_
#define DETENT_TESTING_PROPERTIES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

#include "detent/sim/strategy/observer.h"
#include "detent/testing/schedule_runner.h"

namespace detent_testing {
namespace internal {

// A name as a template argument.
template <size_t kSize>
struct PropertyName {
  constexpr PropertyName(const char (&text)[kSize]) { std::copy_n(text, kSize, value); }  // NOLINT: from a literal
  char value[kSize];
};

// One Sometimes<...>, registered when the program starts.
class SometimesProperty {
 public:
  explicit SometimesProperty(std::string_view name);
  void Evaluate(bool condition, std::source_location where);

 private:
  friend class SometimesCheck;
  std::string Place() const;
  std::string_view name_;
  std::source_location where_;
  std::string where_elsewhere_;  // The place, if only other processes have evaluated it.
  bool ever_evaluated_ = false;
  uint64_t evaluated_ = 0;  // In the test that runs.
  uint64_t held_ = 0;
  SometimesProperty* next_;
};

template <PropertyName kName>
inline SometimesProperty sometimes_property(std::string_view(kName.value));

// The Sometimes<...> of one test.
class SometimesCheck {
 public:
  // Begins a test: what was evaluated before does not count.
  SometimesCheck();
  // The properties that were evaluated since and never held, a line each.
  std::string Failures() const;
  // What another process must know of the properties that were evaluated, a line each.
  static std::string State();
  // Takes over such a line of another process. False if it makes no sense.
  static bool Merge(std::string_view line);
  // The properties that no test evaluated, a line each.
  static std::string NeverEvaluated();
};

// A predicate that is checked after every step.
class CheckedProperty : public detent::sim::RunObserver, public RunScoped {
 public:
  CheckedProperty(const CheckedProperty&) = delete;
  CheckedProperty& operator=(const CheckedProperty&) = delete;

 protected:
  CheckedProperty(std::string_view name, std::function<bool()> predicate, std::source_location where);
  ~CheckedProperty() override;

  // Evaluates the predicate; one that throws does not hold.
  bool Holds();
  const std::string& name() const { return name_; }
  std::string Place() const;
  // Whether the scope ends because the run or its task does: that says nothing about the property.
  bool IsUnwinding() const;
  // Fails the schedule, or without one the test.
  void Fail(std::string_view kind, std::string_view text) const;

 private:
  void OutlivesItsRun() override;

  std::string name_;
  std::function<bool()> predicate_;
  std::source_location where_;
  ScheduleRunner* runner_;
  int exceptions_;
};

class InvariantProperty final : public CheckedProperty {
 public:
  InvariantProperty(std::string_view name, std::function<bool()> predicate, std::source_location where);
  ~InvariantProperty() override;

 private:
  void AfterStep() override;
  bool violated_ = false;
};

class EventuallyProperty final : public CheckedProperty {
 public:
  EventuallyProperty(std::string_view name, std::function<bool()> predicate, std::source_location where);
  ~EventuallyProperty() override;

 private:
  void AfterStep() override;
  bool held_ = false;
};

}  // namespace internal

void Always(bool condition, std::string_view name, std::source_location where = std::source_location::current());

template <internal::PropertyName kName>
void Sometimes(bool condition, std::source_location where = std::source_location::current()) {
  internal::sometimes_property<kName>.Evaluate(condition, where);
}

[[nodiscard]] inline internal::InvariantProperty Invariant(
    std::string_view name, std::function<bool()> predicate,
    std::source_location where = std::source_location::current()) {
  return internal::InvariantProperty(name, std::move(predicate), where);
}

[[nodiscard]] inline internal::EventuallyProperty Eventually(
    std::string_view name, std::function<bool()> predicate,
    std::source_location where = std::source_location::current()) {
  return internal::EventuallyProperty(name, std::move(predicate), where);
}

}  // namespace detent_testing

#endif  // DETENT_TESTING_PROPERTIES_H_
