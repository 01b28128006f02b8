// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/wait.h"

#include <stdexcept>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/access.h"

namespace detent::internal {

WaitNode* WaitForSome::Suspend(TaskState& task) {
  LoopCore& core = task.core();
  for (const auto& state : states_) state->RequireSameLoop(core, "Wait()");
  left_ = states_.size();
  watchers_ = std::make_unique<Watcher[]>(states_.size());
  if (timeout_ != absl::InfiniteDuration()) {
    deadline_.owner = this;
    if (timeout_ <= absl::ZeroDuration()) NoteUnknownAccess(core);  // Ready from the next iteration on.
    core.AddTimer(&deadline_, core.ReadClock() + timeout_);         // The last that may throw.
  }
  Park(task);
  for (size_t i = 0; i < states_.size(); ++i) {
    watchers_[i].owner = this;
    NoteAccess(core, *states_[i]->Object(), AccessMode::kRead);
    if (states_[i]->IsDone()) {
      Count(*states_[i]);
    } else {
      states_[i]->Observe(&watchers_[i]);
    }
  }
  return this;
}

void WaitForSome::Count(FutureState& state) noexcept {
  // Those that only count do so in any order; else the first that is enough decides.
  NoteTask(task()->core(), task()->id(), when_ == ReturnWhen::kAllCompleted ? AccessMode::kCount : AccessMode::kWrite);
  --left_;
  bool enough = left_ == 0 || when_ == ReturnWhen::kFirstCompleted;
  if (!enough && when_ == ReturnWhen::kFirstException && state.status() == Status::kError) {
    state.MarkRetrieved();  // As asyncio: an error that ends the wait early was looked at.
    enough = true;
  }
  if (!enough || decided_) return;
  decided_ = true;
  task()->core().ready.Push(this);
}

void WaitForSome::Run() {
  if (deadline_.IsArmed()) task()->core().timers.Remove(&deadline_);
  Wake();
}

Ending WaitForSome::End(TaskState& task) {
  Abandon();
  return EndOfWait(task);
}

void WaitForSome::Abandon() noexcept {
  LoopCore& core = task()->core();
  for (size_t i = 0; i < states_.size(); ++i) states_[i]->StopObserving(&watchers_[i]);
  if (deadline_.IsArmed()) core.timers.Remove(&deadline_);
  if (deadline_.IsReady()) core.Forget(&deadline_);
  if (IsReady()) core.Forget(this);
}

void WaitForSome::Describe(WaitText& text) const {
  text.pending = left_;
  if (role_ == WaitRole::kRace) {
    const bool is_over = when_ != ReturnWhen::kFirstCompleted;
    text.verb = is_over ? "Race, whose losers end" : "Race";
    if (!is_over) text.object = absl::StrCat("of ", states_.size());
    return;
  }
  if (role_ == WaitRole::kEndOfBody) {
    text.verb = "has ended; what it left has been cancelled and has to end";
    text.brief = "what it left ends";
    return;
  }
  text.verb = "Wait for";
  text.object = absl::StrCat(when_ == ReturnWhen::kFirstCompleted   ? "the first"
                             : when_ == ReturnWhen::kFirstException ? "the first error"
                                                                    : "all",
                             " of ", states_.size());
}

void WaitForSome::AddBlockers(std::vector<TaskState*>& tasks) const {
  for (const FutureState* state : states_) state->AddBlockers(tasks);
}

Lane WaitForSome::lane() const { return Lane::OfTask(task()->id()); }

void ThrowEmptySet(const char* what) {
  throw std::invalid_argument(
      absl::StrCat(what, ": the set of tasks is empty; there is nothing that could ever complete"));
}

std::vector<bool> RepeatedStates(const std::vector<const void*>& states) {
  std::vector<bool> repeated;
  std::unordered_set<const void*> seen;  // Asked for membership only; its order decides nothing.
  for (size_t i = 0; i < states.size(); ++i) {
    if (seen.insert(states[i]).second) continue;
    repeated.resize(states.size());
    repeated[i] = true;
  }
  return repeated;
}

}  // namespace detent::internal
