// SPDX-License-Identifier: Apache-2.0
//
// FutureWait: the wait for a future or a task.
#ifndef DETENT_RUNTIME_INTERNAL_FUTURE_WAIT_H_
#define DETENT_RUNTIME_INTERNAL_FUTURE_WAIT_H_

#include <exception>
#include <string>
#include <type_traits>
#include <utility>

#include "detent/runtime/internal/copyable.h"
#include "detent/runtime/internal/future_state.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/internal/wait_node.h"

namespace detent::internal {

// A base, so that no destructor of FutureWait's has anything to do: it would put FutureWait's vtable into place first.
class HoldsState {
 protected:
  explicit HoldsState(Ref<FutureState> state) : state_(std::move(state)) {}

  Ref<FutureState> state_;
};

class FutureWait : public HoldsState, public FutureObserver, public WaitNode {
 public:
  explicit FutureWait(FutureState& state) : HoldsState(Ref<FutureState>(&state)) {}
  explicit FutureWait(Ref<FutureState> state) : HoldsState(std::move(state)) {}
  FutureWait(const FutureWait&) = delete;
  FutureWait& operator=(const FutureWait&) = delete;

  static constexpr bool kTakesTurns = true;

  bool Ready(TaskState& task) const {
    NoteAccess(task.core(), *state_->Object(), AccessMode::kRead);
    return state_->IsDone();
  }
  void GiveBack(TaskState&) const {}
  WaitNode* Suspend(TaskState& task) {
    if (&state_->core() != &task.core() || state_.get() == &task) [[unlikely]]
      Refuse(task);
    if (task.core().checks_awaits) [[unlikely]]
      LookCloser(task);
    Park(task);
    state_->Observe(this);
    return this;
  }
  Ending End(TaskState& task) {
    NoteAccess(task.core(), *state_->Object(), AccessMode::kRead);
    const bool cancelled = task.ConsumeCancel();
    if (!cancelled && state_->status() == Status::kValue) [[likely]]
      return Ending::kValue;
    return EndWithoutValue(cancelled);
  }
  std::exception_ptr TakeError() { return state_->Error(); }

  // Whether the await ended cancelled because the awaited future was, and not because this task was.
  bool EndedByAwaited() const { return ended_by_awaited_; }

  bool CancelWait() final;
  void WakeForTurn() final;
  TaskState* PassCancelTo() final;
  bool TookCancel() const final {
    return passed_ && (state_->status() == Status::kCancelled || state_->FailedByCancellation());
  }
  void Abandon() noexcept final;
  WaitKind Kind() const final { return state_->IsTask() ? WaitKind::kTask : WaitKind::kFuture; }
  const WaitObject* Object() const final { return state_->Object(); }
  void Describe(WaitText& text) const final;
  void AddBlockers(std::vector<TaskState*>& tasks) const final { state_->AddBlockers(tasks); }

  void OnDone(FutureState&) noexcept final { Wake(); }
  Lane WaiterLane() const final;

 protected:
  ~FutureWait() = default;

 private:
  // The task cannot wait for this: throws InvalidStateError, unless it is done.
  void Refuse(TaskState& task) const;
  [[noreturn]] void ThrowOtherLoop() const;
  // Of a task whose core checks_awaits.
  void LookCloser(TaskState& task) const;
  Ending EndWithoutValue(bool cancelled);

  bool passed_ = false;  // This task was cancelled while it waited, and passed that on.
  bool ended_by_awaited_ = false;
};

class AnyFutureWait final : public FutureWait {
 public:
  using FutureWait::FutureWait;
  void Take() const {}
};

// The value of a done future of a T.
template <typename T>
Stored<T>& ValueIn(FutureState& state) {
  if (state.IsTask()) return static_cast<WithValue<T, TaskState>&>(state).value();
  if (!state.IsDerived()) [[likely]]
    return static_cast<WithValue<T, FutureState>&>(state).value();
  return *static_cast<Stored<T>*>(state.Value());
}

// Reads it: moved out if T cannot be copied or nobody else holds the state, who could read it again.
template <typename T>
T TakeFrom(FutureState& state) {
  if constexpr (!std::is_void_v<T>) {
    T& value = ValueIn<T>(state);
    if constexpr (std::is_trivially_copyable_v<T>) {
      return value;
    } else if constexpr (kIsCopyable<T>) {
      if (!state.IsUnshared()) return value;
      return std::move(value);
    } else {
      state.MarkMoved();
      return std::move(value);
    }
  }
}

template <typename T>
class ReferenceWait final : public FutureWait {
 public:
  using FutureWait::FutureWait;
  decltype(auto) Take() {
    state_->RequireNotedValue();
    if constexpr (!std::is_void_v<T>) return static_cast<const T&>(ValueIn<T>(*state_));
  }
};

template <typename T>
class ValueWait final : public FutureWait {
 public:
  using FutureWait::FutureWait;
  [[gnu::always_inline]] T Take() {
    state_->RequireNotedValue();
    return TakeFrom<T>(*state_);
  }
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_FUTURE_WAIT_H_
