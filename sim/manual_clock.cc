// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/manual_clock.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/access.h"

namespace detent::sim {
namespace {

SimLoop& RunningSimLoop() {
  if (auto* const loop = dynamic_cast<SimLoop*>(&EventLoop::Current())) return *loop;
  throw InvalidStateError(
      "ManualClock: the running loop is no sim::SimLoop, and its time is real; use it in a SIM_TEST");
}

}  // namespace

ManualClock::ManualClock() : loop_(RunningSimLoop()), stop_(loop_.Time()) {
  if (loop_.time_holder() != nullptr) {
    throw InvalidStateError("ManualClock: this loop has one already; use that, or let it end first");
  }
  internal::NoteUnknownAccess(loop_.core());
  loop_.SetTimeHolder(this);
}

ManualClock::~ManualClock() {
  if (advance_ != nullptr) advance_->ClockIsGone();
  internal::NoteUnknownAccess(loop_.core());
  loop_.SetTimeHolder(nullptr);
}

ManualAdvance ManualClock::AdvanceBy(AnyDuration duration) { return ManualAdvance(*this, duration); }
ManualAdvance ManualClock::AdvanceTo(LoopTime when) { return ManualAdvance(*this, when); }

bool ManualClock::EverybodyWaits() { return advance_ != nullptr && advance_->TimeHasCome(); }

std::string ManualClock::DescribeHold(LoopTime next) const {
  if (next == LoopTime::Never()) return "";
  return absl::StrCat("; a ManualClock holds the time, and the next timer is due at ", next.ToString(),
                      ": co_await its AdvanceBy()");
}

bool ManualAdvance::Ready(internal::TaskState& task) {
  const LoopTime now = task.core().ReadClock();
  if (!is_absolute_) until_ = now + duration_;
  if (until_ < now || until_ == LoopTime::Never()) {
    misuse_ = std::make_exception_ptr(
        std::invalid_argument(absl::StrCat("ManualClock: it is ", now.ToString(), ", and the clock cannot advance to ",
                                           until_.ToString(), "; time moves on, to an end")));
  } else if (clock_->advance_ != nullptr) {
    misuse_ = std::make_exception_ptr(
        InvalidStateError("ManualClock: another task moves the clock; one at a time, so that time is where it says"));
  }
  return misuse_ != nullptr;
}

internal::WaitNode* ManualAdvance::Suspend(internal::TaskState& task) {
  internal::NoteUnknownAccess(task.core());
  Park(task);
  if (misuse_ != nullptr) return this;
  clock_->advance_ = this;
  clock_->stop_ = until_;
  return this;
}

internal::Ending ManualAdvance::End(internal::TaskState& task) {
  if (misuse_ != nullptr) {
    const bool cancelled = IsParked() && EndOfWait(task) == internal::Ending::kCancelled;
    return cancelled ? internal::Ending::kCancelled : internal::Ending::kError;
  }
  Abandon();
  return EndOfWait(task);
}

void ManualAdvance::Abandon() noexcept {
  if (IsOrphan() || misuse_ != nullptr) return;
  clock_->advance_ = nullptr;
  clock_->stop_ = task()->core().ReadClock();
}

void ManualAdvance::Describe(internal::WaitText& text) const {
  text.type = "ManualClock";
  text.verb = is_absolute_ ? "AdvanceTo" : "AdvanceBy";
  text.preposition = "until";
  text.object = until_.ToString();
}

}  // namespace detent::sim
