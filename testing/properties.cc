// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/properties.h"

#include <cstring>
#include <exception>
#include <map>
#include <stdexcept>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/source_text.h"
#include "detent/testing/schedule_runner.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace internal {
namespace {

SometimesProperty* first_sometimes = nullptr;

// Fails the schedule that runs or, without one, GoogleTest's test.
void FailHere(std::string_view kind, std::string_view text, const std::source_location& where) {
  if (ScheduleRunner* runner = ScheduleRunner::Current()) {
    runner->AddFailure(kind, text);
  } else {
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line())) << text;
  }
}

bool IsSamePlace(const std::source_location& a, const std::source_location& b) {
  return a.line() == b.line() && a.column() == b.column() && std::strcmp(a.file_name(), b.file_name()) == 0;
}

[[noreturn]] void ThrowNameTwice(std::string_view name, const std::source_location& a, const std::source_location& b) {
  throw std::invalid_argument(absl::StrCat("the property \"", std::string(name), "\" stands at ",
                                           detent::internal::SourceText(a), " and at ", detent::internal::SourceText(b),
                                           "; give each its own name"));
}

// Which place has which name. A test that uses a name at two places would mix up what it is told.
void ClaimName(std::string_view name, const std::source_location& where) {
  thread_local auto* places = new std::map<std::string, std::source_location, std::less<>>;
  const auto it = places->find(name);
  if (it == places->end()) {
    places->emplace(std::string(name), where);
  } else if (!IsSamePlace(it->second, where)) {
    ThrowNameTwice(name, it->second, where);
  }
}

}  // namespace

SometimesProperty::SometimesProperty(std::string_view name) : name_(name), next_(first_sometimes) {
  first_sometimes = this;
}

void SometimesProperty::Evaluate(bool condition, std::source_location where) {
  if (!ever_evaluated_) {
    where_ = where;
    ever_evaluated_ = true;
    ClaimName(name_, where);
  } else if (!IsSamePlace(where_, where)) {
    ThrowNameTwice(name_, where_, where);
  }
  ++evaluated_;
  if (condition) ++held_;
}

std::string SometimesProperty::Place() const {
  return ever_evaluated_ ? detent::internal::SourceText(where_) : where_elsewhere_;
}

SometimesCheck::SometimesCheck() {
  for (SometimesProperty* p = first_sometimes; p != nullptr; p = p->next_) p->evaluated_ = p->held_ = 0;
}

std::string SometimesCheck::Failures() const {
  std::string text;
  for (const SometimesProperty* p = first_sometimes; p != nullptr; p = p->next_) {
    if (p->evaluated_ == 0 || p->held_ > 0) continue;
    absl::StrAppend(&text, text.empty() ? "" : "\n", "Sometimes<\"", std::string(p->name_), "\"> at ", p->Place(),
                    " was evaluated ", p->evaluated_,
                    " times and never held; run more schedules, or look why it cannot happen");
  }
  return text;
}

std::string SometimesCheck::State() {
  std::string text;
  for (const SometimesProperty* p = first_sometimes; p != nullptr; p = p->next_) {
    if (p->evaluated_ == 0) continue;
    absl::StrAppend(&text, p->evaluated_, " ", p->held_, "\t", absl::CEscape(std::string(p->name_)), "\t",
                    absl::CEscape(p->Place()), "\n");
  }
  return text;
}

bool SometimesCheck::Merge(std::string_view line) {
  const std::vector<std::string> parts = absl::StrSplit(absl::string_view(line.data(), line.size()), '\t');
  if (parts.size() != 3) return false;
  const std::pair<std::string, std::string> numbers = absl::StrSplit(parts[0], ' ');
  uint64_t evaluated, held;
  std::string name, place;
  if (!absl::SimpleAtoi(numbers.first, &evaluated) || !absl::SimpleAtoi(numbers.second, &held) ||
      !absl::CUnescape(parts[1], &name) || !absl::CUnescape(parts[2], &place)) {
    return false;
  }
  for (SometimesProperty* p = first_sometimes; p != nullptr; p = p->next_) {
    if (p->name_ != name) continue;
    p->evaluated_ += evaluated;
    p->held_ += held;
    p->where_elsewhere_ = place;
    return true;
  }
  return false;
}

std::string SometimesCheck::NeverEvaluated() {
  std::string text;
  for (const SometimesProperty* p = first_sometimes; p != nullptr; p = p->next_) {
    if (!p->ever_evaluated_ && p->where_elsewhere_.empty())
      absl::StrAppend(&text, "  Sometimes<\"", std::string(p->name_), "\">\n");
  }
  return text;
}

CheckedProperty::CheckedProperty(std::string_view name, std::function<bool()> predicate, std::source_location where)
    : name_(name),
      predicate_(std::move(predicate)),
      where_(where),
      runner_(ScheduleRunner::Current()),
      exceptions_(std::uncaught_exceptions()) {
  ClaimName(name, where);
  if (runner_ != nullptr) runner_->AddObserver(this);
}

CheckedProperty::~CheckedProperty() {
  if (runner_ != nullptr) runner_->RemoveObserver(this);
}

void CheckedProperty::OutlivesItsRun() {
  runner_->AddFailure(absl::StrCat("outlives ", name_),
                      absl::StrCat("the property \"", name_, "\" (", Place(),
                                   ") outlives its schedule; keep it in a variable of a coroutine of the test"));
  runner_ = nullptr;
}

bool CheckedProperty::Holds() {
  try {
    return predicate_();
  } catch (...) {
    return false;
  }
}

std::string CheckedProperty::Place() const { return detent::internal::SourceText(where_); }

bool CheckedProperty::IsUnwinding() const {
  if (std::uncaught_exceptions() > exceptions_ || detent::internal::IsTearingDown()) return true;
  // A cancellation that destroys the task's frames instead of throwing.
  const detent::internal::LoopCore* core = detent::internal::CurrentCore();
  const detent::internal::TaskState* task = core == nullptr ? nullptr : core->current_task;
  return task != nullptr && task->DestroysOnCancel() && task->Cancelling() > 0;
}

void CheckedProperty::Fail(std::string_view kind, std::string_view text) const { FailHere(kind, text, where_); }

InvariantProperty::InvariantProperty(std::string_view name, std::function<bool()> predicate, std::source_location where)
    : CheckedProperty(name, std::move(predicate), where) {
  if (!Holds()) {
    violated_ = true;
    Fail(absl::StrCat("invariant ", std::string(name)),
         absl::StrCat("the invariant \"", std::string(name), "\" (", Place(), ") does not hold where it is made"));
  }
}

InvariantProperty::~InvariantProperty() {
  if (violated_ || IsUnwinding() || Holds()) return;
  Fail(absl::StrCat("invariant ", name()),
       absl::StrCat("the invariant \"", name(), "\" (", Place(), ") does not hold at the end of its scope"));
}

void InvariantProperty::AfterStep() {
  if (violated_ || Holds()) return;
  violated_ = true;
  Fail(absl::StrCat("invariant ", name()),
       absl::StrCat("the invariant \"", name(), "\" (", Place(), ") does not hold any more after step ",
                    ScheduleRunner::Current()->loop().steps(), ", at ",
                    ScheduleRunner::Current()->loop().Time().ToString()));
  throw ScheduleFailed();
}

EventuallyProperty::EventuallyProperty(std::string_view name, std::function<bool()> predicate,
                                       std::source_location where)
    : CheckedProperty(name, std::move(predicate), where) {
  held_ = Holds();
}

EventuallyProperty::~EventuallyProperty() {
  if (held_ || IsUnwinding() || Holds()) return;
  Fail(absl::StrCat("eventually ", name()),
       absl::StrCat("\"", name(), "\" (", Place(), ") did not hold at any time up to the end of its scope"));
}

void EventuallyProperty::AfterStep() { held_ = held_ || Holds(); }

}  // namespace internal

void Always(bool condition, std::string_view name, std::source_location where) {
  internal::ClaimName(name, where);
  if (condition) return;
  internal::FailHere(absl::StrCat("always ", std::string(name)),
                     absl::StrCat(detent::internal::SourceText(where), ": \"", std::string(name), "\" does not hold"),
                     where);
}

}  // namespace detent_testing
