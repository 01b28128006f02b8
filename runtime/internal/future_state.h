// SPDX-License-Identifier: Apache-2.0
//
// FutureState: the shared state behind Future<T> and Task<T>: a status, a value or an error, and who wants to know.
//
// Completing a state runs no user code: it tells the observers in the order in which they came, and they put tasks
// and hops into the ready queue (rule R1). Counted without atomics: a state belongs to its loop's thread.
#ifndef DETENT_RUNTIME_INTERNAL_FUTURE_STATE_H_
#define DETENT_RUNTIME_INTERNAL_FUTURE_STATE_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/frame_pool.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/wait_node.h"

namespace detent::internal {

class FutureState;

// Somebody who wants to know when a future is done.
class Observer {
 public:
  // Runs inside the completion. It may queue a step and count; it must not run user code or throw.
  virtual void OnDone(FutureState& state) noexcept = 0;

  // The future goes away without having been done.
  virtual void OnDropped() noexcept {}

  bool IsObserving() const { return next_ != nullptr; }

  // The lane of the task that waits through this observer; 0 if none does.
  virtual uint64_t WaiterLane() const { return 0; }

 protected:
  Observer() {}
  Observer(const Observer&) {}
  Observer& operator=(const Observer&) { return *this; }
  ~Observer() = default;

 private:
  friend class FutureState;
  Observer* previous_ = nullptr;
  Observer* next_ = nullptr;
};

enum class Status : uint8_t { kPending, kValue, kError, kCancelled };

class FutureState : public Pooled {
 public:
  FutureState(const FutureState&) = delete;
  FutureState& operator=(const FutureState&) = delete;

  void AddReference() { ++references_; }
  void DropReference() {
    if (--references_ == 0) Destroy();
  }
  uint32_t references() const { return references_; }

  Status status() const { return status_; }
  bool IsDone() const { return status_ != Status::kPending; }
  LoopCore& core() const { return *core_; }

  // asyncio's Future.cancel(): false if it is done; else it is cancelled at once and its observers are told.
  virtual bool Cancel();

  // The stored value, as an address; null for a future without one. REQUIRES: status() is kValue.
  virtual void* Value() = 0;

  virtual bool IsTask() const { return false; }
  // Whether its result comes from other futures (Gather, Shield), so that nobody may set it.
  virtual bool IsDerived() const { return false; }
  // For reports: `task "alice"`, `a future`.
  virtual std::string Describe() const { return "a future"; }
  const WaitObject* Object() const { return &object_; }
  // Appends the unfinished tasks that complete it: itself, or those behind the futures from which it is derived.
  virtual void AddBlockers(std::vector<TaskState*>& tasks) const { (void)tasks; }

  void Observe(Observer* observer);
  void StopObserving(Observer* observer);
  template <typename Predicate>
  Observer* FindObserver(Predicate matches) const {
    if (Observer* observer = first_observer_) {
      do {
        if (matches(observer)) return observer;
        observer = observer->next_;
      } while (observer != first_observer_);
    }
    return nullptr;
  }

  // The error, which from now on counts as looked at. REQUIRES: status() is kError.
  const std::exception_ptr& Error() {
    retrieved_ = true;
    return error_;
  }
  // The same for somebody who only watches; null without an error.
  const std::exception_ptr& PeekError() const { return error_; }
  void MarkRetrieved() { retrieved_ = true; }
  bool IsRetrieved() const { return retrieved_; }

  // The state whose value this one shows: its own, except for a shield.
  FutureState& ValueOwner() { return shows_another_ ? OtherValueOwner() : *this; }
  // Whether nobody but the caller can read the value.
  bool IsUnshared() const { return references_ == 1 && (!shows_another_ || OtherIsUnshared()); }
  // The value was moved out: a later read is an error.
  void MarkMoved() {
    FutureState& owner = ValueOwner();
    NoteAccess(*core_, owner.object_, AccessMode::kWrite);
    owner.moved_ = true;
  }

  // An error that is a CancelledError: a gather whose child was cancelled fails, but is not cancelled itself.
  bool FailedByCancellation() const { return failed_by_cancellation_; }

  // The lane of the first task that waits for this future, so that a combinator's hop runs in it.
  uint64_t WaiterLane() const;

  // REQUIRES: !IsDone().
  void CompleteWithError(std::exception_ptr error);
  void CompleteCancelled() { Complete(Status::kCancelled); }
  void CompleteWithCancelledError();

  // Throws InvalidStateError if done; `what` is the refused call.
  void RequirePending(const char* what) const;
  // Throws InvalidStateError if it is pending in another loop than `core`'s; `what` is the refused call.
  void RequireSameLoop(const LoopCore& core, const char* what) const;
  // Throws unless there is a value to read: CancelledError, the error, or InvalidStateError.
  void RequireValue() {
    NoteAccess(*core_, object_, AccessMode::kRead);
    if (status_ != Status::kValue || ValueOwner().moved_) [[unlikely]] ThrowNoValue();
  }

 protected:
  explicit FutureState(LoopCore& core) : core_(&core), object_(core.run_number, core.next_object_ordinal++) {
    core.AddReference();
  }
  virtual ~FutureState() { core_->DropReference(); }

  void Complete(Status status);
  // Of a state that shows another's value (shows_another_).
  virtual FutureState& OtherValueOwner() { return *this; }
  virtual bool OtherIsUnshared() const { return true; }
  void SetError(std::exception_ptr error) { error_ = std::move(error); }
  // False if there is no loop left that could tell anybody; throws InvalidStateError on another thread than the loop's.
  bool CheckCancel(const char* what) const;
  // What Cancel() of a done future does: whoever wanted it gone does not miss its error, which counts as looked at.
  bool RefuseCancel() {
    retrieved_ = true;
    return false;
  }

  bool retrieved_ = false;
  bool moved_ = false;
  bool failed_by_cancellation_ = false;
  bool shows_another_ = false;
  Status status_ = Status::kPending;

 private:
  void Destroy() noexcept;
  [[noreturn]] void ThrowNoValue();

  uint32_t references_ = 0;
  LoopCore* core_;
  Observer* first_observer_ = nullptr;  // A circular list.
  std::exception_ptr error_;
  WaitObject object_;
};

// These are inline because every task that ends goes through them.
inline void FutureState::Observe(Observer* observer) {
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

inline void FutureState::StopObserving(Observer* observer) {
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

inline void FutureState::Complete(Status status) {
  NoteAccess(*core_, object_, AccessMode::kWrite);
  status_ = status;
  AddReference();  // An observer may drop the last handle.
  while (Observer* observer = first_observer_) {
    StopObserving(observer);
    observer->OnDone(*this);
  }
  DropReference();
}

// A counted pointer to a state.
template <typename S>
class StateRef {
 public:
  StateRef() {}
  explicit StateRef(S* state) : state_(state) {
    if (state_ != nullptr) state_->AddReference();
  }
  StateRef(const StateRef& other) : StateRef(other.state_) {}
  StateRef(StateRef&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  template <typename U>
    requires std::is_convertible_v<U*, S*>
  StateRef(StateRef<U> other) : state_(other.Release()) {}  // NOLINT: as a pointer converts.
  StateRef& operator=(StateRef other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~StateRef() {
    if (state_ != nullptr) state_->DropReference();
  }

  S* get() const { return state_; }
  S* operator->() const { return state_; }
  S& operator*() const { return *state_; }
  explicit operator bool() const { return state_ != nullptr; }
  S* Release() { return std::exchange(state_, nullptr); }

 private:
  S* state_ = nullptr;
};

// void is stored as std::monostate, a reference as a pointer.
template <typename T>
struct StorageOf {
  using type = T;
};
template <>
struct StorageOf<void> {
  using type = std::monostate;
};
template <typename T>
struct StorageOf<T&> {
  using type = T*;
};
template <typename T>
using Stored = typename StorageOf<T>::type;

// Adds room for a value to a state.
template <typename T, typename Base>
class WithValue : public Base {
 public:
  void* Value() override { return &value_; }
  Stored<T>& value() { return value_; }

  // REQUIRES: !IsDone(). If constructing the value throws, nothing has changed.
  template <typename... A>
  void CompleteWithValue(A&&... arguments) {
    ConstructValue(std::forward<A>(arguments)...);
    Base::Complete(Status::kValue);
  }

 protected:
  template <typename... A>
  void ConstructValue(A&&... arguments) {
    ::new (static_cast<void*>(&value_)) Stored<T>(std::forward<A>(arguments)...);
  }
  template <typename... A>
  explicit WithValue(A&&... arguments) : Base(std::forward<A>(arguments)...) {}
  ~WithValue() override {
    if (Base::status_ == Status::kValue) value_.~Stored<T>();
  }

 private:
  union {
    Stored<T> value_;
  };
};

// The state of a Future<T>.
template <typename T>
class PromiseState final : public WithValue<T, FutureState> {
 public:
  explicit PromiseState(LoopCore& core) : WithValue<T, FutureState>(core) {}

 private:
  ~PromiseState() override = default;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_FUTURE_STATE_H_
