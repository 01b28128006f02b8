// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/future_state.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/task_state.h"

namespace detent::internal {

FutureState::~FutureState() { core_->DropReference(); }

void FutureState::Destroy() noexcept {
  if (status_ == Status::kError && !retrieved_) {
    ReportToHandler(*core_, absl::StrCat(Describe(), " failed and nobody looked at the error"), error_);
  }
  while (Observer* observer = first_observer_) {
    StopObserving(observer);
    observer->OnDropped();
  }
  delete this;
}

bool FutureState::CheckCancel(const char* what) const {
  if (core_->loop == nullptr) return false;
  core_->loop->CheckThread(what);
  return true;
}

bool FutureState::Cancel() {
  NoteAccess(*core_, object_, AccessMode::kRead);
  if (IsDone()) return RefuseCancel();
  if (!CheckCancel("Future::Cancel()")) return false;
  CompleteCancelled();
  return true;
}

void FutureState::Observe(Observer* observer) {
  if (first_observer_ == nullptr) {
    observer->previous_ = observer->next_ = observer;
    first_observer_ = observer;
    return;
  }
  observer->next_ = first_observer_;
  observer->previous_ = first_observer_->previous_;
  observer->previous_->next_ = observer;
  first_observer_->previous_ = observer;
}

void FutureState::StopObserving(Observer* observer) {
  if (observer->next_ == nullptr) return;
  if (observer->next_ == observer) {
    first_observer_ = nullptr;
  } else {
    observer->previous_->next_ = observer->next_;
    observer->next_->previous_ = observer->previous_;
    if (first_observer_ == observer) first_observer_ = observer->next_;
  }
  observer->previous_ = observer->next_ = nullptr;
}

void FutureState::Complete(Status status) {
  NoteAccess(*core_, object_, AccessMode::kWrite);
  status_ = status;
  AddReference();  // An observer may drop the last handle.
  while (Observer* observer = first_observer_) {
    StopObserving(observer);
    observer->OnDone(*this);
  }
  DropReference();
}

void FutureState::CompleteWithError(std::exception_ptr error) {
  error_ = std::move(error);
  Complete(Status::kError);
}

uint64_t FutureState::WaiterLane() const {
  const Observer* waiter = FindObserver([](const Observer* observer) { return observer->WaiterLane() != 0; });
  return waiter == nullptr ? 0 : waiter->WaiterLane();
}

void FutureState::MarkMoved() {
  FutureState& owner = ValueOwner();
  NoteAccess(*core_, owner.object_, AccessMode::kWrite);
  owner.moved_ = true;
}

void FutureState::CompleteWithCancelledError() {
  failed_by_cancellation_ = true;
  CompleteWithError(std::make_exception_ptr(CancelledError()));
}

void FutureState::RequireSameLoop(const LoopCore& core, const char* what) const {
  if (core_ == &core || IsDone()) return;
  throw InvalidStateError(absl::StrCat(what, " on ", Describe(),
                                       ": it belongs to another event loop than the caller; use "
                                       "RunCoroutineThreadsafe() or CallSoonThreadsafe() to cross loops"));
}

void FutureState::RequirePending(const char* what) const {
  NoteAccess(*core_, object_, AccessMode::kRead);
  if (core_->loop == nullptr) {
    throw InvalidStateError(absl::StrCat(what, " on ", Describe(), ": its event loop is gone"));
  }
  core_->loop->CheckThread(what);
  if (!IsDone()) return;
  throw InvalidStateError(absl::StrCat(what, " on ", Describe(), ": it is already done (",
                                       status_ == Status::kCancelled ? "cancelled"
                                       : status_ == Status::kError   ? "with an error"
                                                                     : "with a result",
                                       "); a future is completed once, check Done() first"));
}

void FutureState::RequireValue() {
  NoteAccess(*core_, object_, AccessMode::kRead);
  switch (status_) {
    case Status::kPending:
      throw InvalidStateError(
          absl::StrCat("Result() of ", Describe(), ": it is not done yet; co_await it, or check Done() first"));
    case Status::kCancelled:
      throw CancelledError();
    case Status::kError:
      std::rethrow_exception(Error());
    case Status::kValue:
      if (ValueOwner().moved_) {
        throw InvalidStateError(absl::StrCat("the result of ", Describe(),
                                             " was already moved out by `co_await std::move(handle)` or "
                                             "`std::move(handle).Result()`; read it before, or without std::move"));
      }
  }
}

}  // namespace detent::internal
