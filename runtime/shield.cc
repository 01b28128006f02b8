// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/shield.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/access.h"

namespace detent::internal {

StateRef<FutureState> ShieldState::Make(StateRef<FutureState> inner) {
  return StateRef<FutureState>(new ShieldState(std::move(inner)));
}

ShieldState::ShieldState(StateRef<FutureState> inner)
    : FutureState(inner->core(), kIsDerived), inner_(std::move(inner)), source_(core().RunningSource()) {
  SetShowsAnother();
  inner_hop_.owner = outer_hop_.owner = this;
  AddReference();  // While it watches the inner.
  core().self_kept.Add(this);
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

uint64_t ShieldState::Lane() const {
  const uint64_t lane = WaiterLane();
  return lane != 0 ? lane : LaneOfCallbacks(source_);
}

std::string ShieldState::Describe() const { return absl::StrCat("Shield of ", inner_->Describe()); }

}  // namespace detent::internal
