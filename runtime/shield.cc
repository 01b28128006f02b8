// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/shield.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/step_text.h"

namespace detent::internal {

Ref<FutureState> ShieldState::Make(Ref<FutureState> inner, std::source_location where) {
  if (inner->core().IsClosed()) inner->RequireSameLoop(RequireCore("Shield()"), "Shield()");
  return Ref<FutureState>(new ShieldState(std::move(inner), where));
}

ShieldState::ShieldState(Ref<FutureState> inner, std::source_location where)
    : FutureState(inner->core(), kIsDerived),
      inner_(std::move(inner)),
      source_(RunningSource(core())),
      made_at_(where) {
  SetShowsAnother();
  inner_hop_.owner = outer_hop_.owner = this;
  AddReference();  // While it watches the inner.
  core().Keep(this);
  inner_->Observe(&inner_hop_);
}

void ShieldState::InnerHop::OnDone(FutureState&) noexcept {
  NoteAccess(owner->core(), *owner->Object(), AccessMode::kWrite);  // Against a cancellation of the shield.
  // The reference of the watch becomes that of the hop.
  owner->core().self_kept.Remove(owner);
  owner->core().ready.Push(this);
}

void ShieldState::FinishFromInner() {
  if (IsDone()) {
    // Cancelled just before: the inner's error counts as looked at.
    inner_->MarkRetrieved();
  } else {
    switch (inner_->status()) {
      case Status::kError:
        if (inner_->FailedByCancellation()) {
          inner_->MarkRetrieved();
          CompleteWithCancelledError();
        } else {
          CompleteWithError(inner_->Error());
        }
        break;
      case Status::kCancelled:
        CompleteCancelled();
        break;
      default:
        Complete(Status::kValue);
    }
  }
  DropReference();
}

bool ShieldState::Cancel() {
  NoteAccess(core(), *Object(), AccessMode::kWrite);
  if (IsDone()) return RefuseCancel();
  if (!CheckCancel("Future::Cancel()")) return false;
  AddReference();
  core().ready.Push(&outer_hop_);
  CompleteCancelled();
  return true;
}

void ShieldState::StopWatching() {
  NoteAccess(core(), *Object(), AccessMode::kWrite);
  if (inner_hop_.IsObserving()) {
    core().self_kept.Remove(this);
    LetGo();
  }
  DropReference();
}

void ShieldState::LetGo() {
  inner_->StopObserving(&inner_hop_);
  DropReference();
}

Lane ShieldState::lane() const {
  const Lane lane = WaiterLane();
  return lane ? lane : Lane::OfCallbacks(source_);
}

void ShieldState::DescribeStep(StepText& text) const {
  text.what = "end of a Shield";
  text.where = made_at_;
}

void ShieldState::DescribeAwaited(WaitText& text) const {
  inner_->DescribeAwaited(text);
  text.noun = text.noun.empty() ? "Shield of" : absl::StrCat("Shield of ", text.noun);
  text.awaits_task = false;
}

}  // namespace detent::internal
