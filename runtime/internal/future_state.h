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
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/frame_pool.h"
#include "detent/runtime/internal/list.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/ref.h"
#include "detent/runtime/internal/wait_node.h"
#include "detent/runtime/internal/wait_text.h"

namespace detent::internal {

class FutureState;

// Somebody who wants to know when a future is done.
class FutureObserver : public ListLink<FutureObserver> {
 public:
  // Runs inside the completion. It may queue a step and count; it must not run user code or throw.
  virtual void OnDone(FutureState& state) noexcept = 0;

  // The future goes away without having been done.
  virtual void OnDropped() noexcept {}

  bool IsObserving() const { return IsListed(); }

  // The lane of the task that waits through this observer, if one does.
  virtual Lane WaiterLane() const { return Lane(); }

 protected:
  FutureObserver() : ListLink(nullptr) {}
  FutureObserver(const FutureObserver&) : ListLink(nullptr) {}
  FutureObserver& operator=(const FutureObserver&) { return *this; }
  ~FutureObserver() = default;
};

enum class Status : uint8_t { kPending, kValue, kError, kCancelled };

class FutureState : public Pooled {
 public:
  FutureState(const FutureState&) = delete;
  FutureState& operator=(const FutureState&) = delete;
  static void* operator new(size_t size) { return PoolAllocate(size, PoolUse::kFuture); }
  static void operator delete(void* memory, size_t size) noexcept { PoolFree(memory, size); }

  void AddReference() { ++references_; }
  void DropReference() {
    if (--references_ == 0) Destroy();
  }
  uint32_t references() const { return references_; }

  Status status() const { return static_cast<Status>(bits_ & kStatusBits); }
  bool IsDone() const { return (bits_ & kStatusBits) != 0; }
  LoopCore& core() const { return *core_; }

  // asyncio's Future.cancel(): false if it is done; else it is cancelled at once and its observers are told.
  virtual bool Cancel();

  // The stored value, as an address; null for a future without one. REQUIRES: status() is kValue.
  virtual void* Value() = 0;

  bool IsTask() const { return (bits_ & kIsTask) != 0; }
  // Whether its result comes from other futures (Gather, Shield), so that nobody may set it.
  bool IsDerived() const { return (bits_ & kIsDerived) != 0; }
  // For reports: `task "alice" (spawned at bank.cc:41)`, `a future`.
  std::string Describe() const;
  // What it is that is awaited, as data.
  virtual void DescribeAwaited(WaitText& text) const { text.object = "a future"; }
  // Where it was made, for reports; without a line if that is not known.
  virtual std::source_location MadeAt() const { return std::source_location(); }
  const WaitObject* Object() const { return &object_; }
  // Appends the unfinished tasks that complete it: itself, or those behind the futures from which it is derived.
  virtual void AddBlockers(std::vector<TaskState*>& tasks) const { (void)tasks; }

  void Observe(FutureObserver* observer) { observers_.Append(observer); }
  // Nothing if it does not.
  void StopObserving(FutureObserver* observer) { observers_.Unlist(observer); }
  template <typename Predicate>
  FutureObserver* FindObserver(Predicate matches) const {
    return observers_.Find(matches);
  }

  // The error, which from now on counts as looked at. REQUIRES: status() is kError.
  const std::exception_ptr& Error() {
    bits_ |= kRetrieved;
    return error_;
  }
  // For somebody who only watches: it does not count as looked at. Null without an error.
  std::exception_ptr PeekError() const { return status() == Status::kError ? error_ : nullptr; }
  void MarkRetrieved() { bits_ |= kRetrieved; }
  bool IsRetrieved() const { return (bits_ & kRetrieved) != 0; }

  // The state whose value this one shows: its own, except for a shield.
  FutureState& ValueOwner() { return ShowsAnother() ? OtherValueOwner() : *this; }
  // Whether nobody but the caller can read the value.
  bool IsUnshared() const { return references_ == 1 && (!ShowsAnother() || OtherIsUnshared()); }
  // The value was moved out: a later read is an error.
  void MarkMoved() {
    FutureState& owner = ValueOwner();
    NoteAccess(*core_, owner.object_, AccessMode::kWrite);
    owner.bits_ |= kMoved;
  }

  // An error that is a CancelledError: a gather whose child was cancelled fails, but is not cancelled itself.
  bool FailedByCancellation() const { return (bits_ & kFailedByCancellation) != 0; }

  // The lane of the first task that waits for this future, so that a combinator's hop runs in it.
  Lane WaiterLane() const;

  // REQUIRES: !IsDone().
  void CompleteWithError(std::exception_ptr error);
  void CompleteCancelled() { Complete(Status::kCancelled); }
  void CompleteWithCancelledError();

  // Throws InvalidStateError if done; `what` is the refused call.
  void RequirePending(const char* what) const;
  // As RequirePending(), and throws if its result comes from what it runs.
  void RequireSettable(const char* what) const;
  // Throws InvalidStateError if it is pending in another loop than `core`'s; `what` is the refused call.
  void RequireSameLoop(const LoopCore& core, const char* what) const {
    if ((core_ != &core || core.has_homes) && !IsDone()) [[unlikely]]
      CheckLoop(core, what);
  }
  // Whether it is a task of the same core, but of another home than the running one's, from which one of them is apart.
  bool IsOfAnotherHome(const LoopCore& core) const;
  // REQUIRES: !IsDone(). `what` is the refused call.
  [[noreturn]] void ThrowPending(const char* what) const;
  // Throws unless there is a value to read: CancelledError, the error, or InvalidStateError.
  void RequireValue() {
    NoteAccess(*core_, object_, AccessMode::kRead);
    RequireNotedValue();
  }
  // RequireValue() for FutureWait, whose End() recorded the read already.
  void RequireNotedValue() {
    if ((bits_ & (kStatusBits | kMoved | kShowsAnother)) == static_cast<uint8_t>(Status::kValue)) [[likely]]
      return;
    if (status() != Status::kValue || (ValueOwner().bits_ & kMoved) != 0) ThrowNoValue();
  }

 protected:
  // More of bits_: what kind of state it is; a plain future has none.
  static constexpr uint8_t kIsTask = 64;
  static constexpr uint8_t kIsDerived = 128;

  explicit FutureState(LoopCore& core, uint8_t kind = 0, uint32_t references = 0) noexcept
      : core_(&core),
        wait_(nullptr),
        object_(core.run_number, core.next_object_ordinal++),
        references_(references),
        bits_(kind) {
    core.AddReference();
  }
  // The work is Dismantle()'s: a destructor would first put this class's vtable into place.
  ~FutureState() {}
  void Dismantle() noexcept {
    if (status() == Status::kError) [[unlikely]]
      DropError();
  }
  // Dismantle(), then `delete this` of the most derived class, then DropReference() of the core: in this order the last
  // is a jump.
  virtual void DeleteThis() noexcept = 0;

  void Complete(Status status) {
    AddReference();  // An observer may drop the last handle.
    Announce(status);
    DropReference();
  }
  // Complete() for whoever holds a reference meanwhile.
  void Announce(Status status);
  // For Shield: has no value of its own; Value() is the inner's.
  void SetShowsAnother() { bits_ |= kShowsAnother; }
  virtual FutureState& OtherValueOwner() { return *this; }
  virtual bool OtherIsUnshared() const { return true; }
  // REQUIRES: Complete(Status::kError) comes next.
  void SetError(std::exception_ptr error) { ::new (static_cast<void*>(&error_)) std::exception_ptr(std::move(error)); }
  // False if there is no loop left that could tell anybody; throws InvalidStateError on another thread than the loop's.
  bool CheckCancel(const char* what) const;
  // What Cancel() of a done future does: whoever wanted it gone does not miss its error, which counts as looked at.
  bool RefuseCancel() {
    MarkRetrieved();
    return false;
  }

 private:
  // Of bits_: the status and four flags, so that the usual read of a value is one test.
  static constexpr uint8_t kStatusBits = 3;
  static constexpr uint8_t kRetrieved = 4;
  static constexpr uint8_t kMoved = 8;
  static constexpr uint8_t kFailedByCancellation = 16;
  static constexpr uint8_t kShowsAnother = 32;

  bool ShowsAnother() const { return (bits_ & kShowsAnother) != 0; }
  void Destroy() noexcept {
    if (!observers_.empty() || (bits_ & (kStatusBits | kRetrieved)) == static_cast<uint8_t>(Status::kError))
        [[unlikely]]
      TellEnd();
    DeleteThis();
  }
  // Tells those who wait for it that it will never be done, and the exception handler of an error nobody looked at.
  [[gnu::noinline, gnu::cold]] void TellEnd() noexcept;
  [[gnu::noinline, gnu::cold]] void DropError() noexcept;
  [[noreturn]] void ThrowNoValue();
  [[gnu::noinline, gnu::cold]] void CheckLoop(const LoopCore& core, const char* what) const;

  LoopCore* core_;
  SlimList<FutureObserver> observers_;

 protected:
  // An end with an error takes the place of what a task waits on.
  union {
    std::exception_ptr error_;
    WaitNode* wait_;
  };

 private:
  WaitObject object_;
  uint32_t references_;
  uint8_t bits_;

 protected:
  // A task's, here because it would be padding. More requests than the type holds are not counted.
  uint8_t flags_ = 0;
  uint16_t cancel_requests_ = 0;
};

// Inline because every task that ends goes through it.
inline void FutureState::Announce(Status status) {
  NoteAccess(*core_, object_, AccessMode::kWrite);
  bits_ |= static_cast<uint8_t>(status);
  while (FutureObserver* observer = observers_.first()) {
    StopObserving(observer);
    observer->OnDone(*this);
  }
}

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

// Room for a value that its owner constructs and destroys.
template <typename S>
class ValueRoom {
 public:
  ValueRoom() {}
  ~ValueRoom() {}
  S& value() { return value_; }

 private:
  union {
    S value_;
  };
};
// No room: half of all tasks have no value.
template <>
class ValueRoom<std::monostate> {
 public:
  ValueRoom() {}
  std::monostate& value() { return value_; }

 private:
  static inline std::monostate value_;
};

// Adds room for a value to a state.
template <typename T, typename Base>
class WithValue : public Base {
 public:
  void* Value() override { return &value(); }
  Stored<T>& value() { return room_.value(); }

  // REQUIRES: !IsDone(). If constructing the value throws, nothing has changed.
  template <typename... A>
  void CompleteWithValue(A&&... arguments) {
    ConstructValue(std::forward<A>(arguments)...);
    Base::Complete(Status::kValue);
  }

 protected:
  template <typename... A>
  void ConstructValue(A&&... arguments) {
    ::new (static_cast<void*>(&value())) Stored<T>(std::forward<A>(arguments)...);
  }
  template <typename... A>
  [[gnu::always_inline]] explicit WithValue(A&&... arguments) noexcept(std::is_nothrow_constructible_v<Base, A...>)
      : Base(std::forward<A>(arguments)...) {}
  ~WithValue() {}
  void Dismantle() noexcept {
    if (Base::status() == Status::kValue) std::destroy_at(&value());
    Base::Dismantle();
  }

 private:
  [[no_unique_address]] ValueRoom<Stored<T>> room_;
};

// The state of a Future<T>.
template <typename T>
class PlainFutureState final : public WithValue<T, FutureState> {
 public:
  PlainFutureState(LoopCore& core, const std::source_location& made_at)
      : WithValue<T, FutureState>(core), made_at_(made_at) {}
  std::source_location MadeAt() const override { return made_at_; }

 private:
  ~PlainFutureState() = default;
  void DeleteThis() noexcept override {
    LoopCore& core = this->core();
    this->Dismantle();
    delete this;
    core.DropReference();
  }

  const std::source_location made_at_;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_FUTURE_STATE_H_
