// SPDX-License-Identifier: Apache-2.0
//
// PromiseBase: what every coroutine of ours has in its frame: who awaits it, where it stands, how it ended.
//
// Ownership. A coroutine that was never started belongs to its Coro; one that runs belongs to the awaiter in its
// parent's frame, or to its task. Awaiters own nothing that a destructor frees: when a suspended chain is destroyed,
// the task destroys it from the innermost frame outwards (rule R5: a chain of any depth, in constant stack).
//
// Transfer. Starting a child and returning to a parent are symmetric transfers, where the compiler makes them tail
// calls: always with clang; with gcc only at -O2 and without AddressSanitizer, which no macro tells, so that
// DETENT_SYMMETRIC_TRANSFER=1 has to say so. Elsewhere the coroutine returns to the loop's trampoline, which resumes
// the next one.
#ifndef DETENT_RUNTIME_INTERNAL_PROMISE_H_
#define DETENT_RUNTIME_INTERNAL_PROMISE_H_

#include <coroutine>
#include <cstdint>
#include <source_location>
#include <utility>

#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/shifted_frame.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/internal/wait_node.h"

#ifndef DETENT_SYMMETRIC_TRANSFER
#ifdef __clang__
#define DETENT_SYMMETRIC_TRANSFER 1
#else
#define DETENT_SYMMETRIC_TRANSFER 0
#endif
#endif

namespace detent::internal {

class PromiseBase : public ShiftedFrame {
 public:
  PromiseBase(const PromiseBase&) = delete;
  PromiseBase& operator=(const PromiseBase&) = delete;

  // The frame's handle. Every promise of ours starts with its PromiseBase and is aligned to at most 16 bytes
  // (Promise<T> asserts it), so that the address does not depend on the promise's own type.
  std::coroutine_handle<PromiseBase> handle() { return std::coroutine_handle<PromiseBase>::from_promise(*this); }

  // Exactly one of the two is set once the coroutine was started.
  PromiseBase* parent() const { return (up_ & kIsTask) != 0 || up_ == 0 ? nullptr : &Up().promise(); }
  TaskState* root_of() const { return (up_ & kIsTask) != 0 ? reinterpret_cast<TaskState*>(up_ & ~kIsTask) : nullptr; }
  void SetParent(PromiseBase& parent) { up_ = reinterpret_cast<uintptr_t>(parent.handle().address()); }
  void SetTask(TaskState* task) { up_ = reinterpret_cast<uintptr_t>(task) | kIsTask; }

  // Where the coroutine last awaited; before that, where it was made if that is known, else where it is defined.
  const std::source_location& where() const { return where_; }
  void set_where(const std::source_location& where) { where_ = where; }

  Ending ending() const { return ending_; }

  // A generator's frame belongs to its AsyncGenerator, a test's body to who runs it: not to the chain of awaits.
  bool owned_elsewhere() const { return owned_elsewhere_; }
  void OwnElsewhere() { owned_elsewhere_ = true; }

  // The coroutine that goes on when this one has ended.
  std::coroutine_handle<> EndTransfer() noexcept {
    if ((up_ & kIsTask) != 0) {
      reinterpret_cast<TaskState*>(up_ - kIsTask)->RootEnded(handle());
      return std::noop_coroutine();
    }
    return Up();
  }

 private:
  static constexpr uintptr_t kIsTask = 1;

  std::coroutine_handle<PromiseBase> Up() const {
    return std::coroutine_handle<PromiseBase>::from_address(reinterpret_cast<void*>(up_));
  }

  uintptr_t up_ = 0;  // The task, and kIsTask; or the parent's frame.
  std::source_location where_;

 public:
  // Whether this coroutine's child was destroyed by a cancellation (Unwind::kDestroy), and whether the await it
  // stands at can take that as an outcome (Catch).
  bool child_destroyed = false;
  bool catches = false;

 protected:
  PromiseBase() {}
  ~PromiseBase() = default;

  Ending ending_ = Ending::kValue;
  bool owned_elsewhere_ = false;
};

// Here, where a promise is known: the hottest function of all.
inline void TaskState::Step(LoopCore& core) {
  core.current_task = this;
  core.budget = LoopCore::kStepBudget;
  if (flags_ != kStarted) {
    if ((flags_ & kPrepare) != 0 && !PrepareStep()) return;
    flags_ |= kStarted;
  }
  wait_ = nullptr;
  leaf_.resume();
#if !DETENT_SYMMETRIC_TRANSFER
  while (core.next) std::exchange(core.next, nullptr).resume();
#endif
  if ((flags_ & kRootEnded) != 0) FinishRoot();
}

inline void TaskState::PrefetchLeaf() const {
  const char* const frame = static_cast<const char*>(leaf_.address());
  __builtin_prefetch(frame);
  __builtin_prefetch(frame + 64);
}

// Goes on with `next`: by symmetric transfer or through the trampoline. What await_suspend() returns.
#if DETENT_SYMMETRIC_TRANSFER
using Transfer = std::coroutine_handle<>;
inline Transfer TransferTo(std::coroutine_handle<> next) noexcept { return next; }
#else
using Transfer = void;
inline Transfer TransferTo(std::coroutine_handle<> next) noexcept { CurrentCore()->next = next; }
#endif

// The end of every coroutine of ours: back to whoever awaits it.
class FinalAwaiter {
 public:
  FinalAwaiter() noexcept {}
  bool await_ready() const noexcept { return false; }
  template <typename P>
  Transfer await_suspend(std::coroutine_handle<P> handle) const noexcept {
    return TransferTo(PromiseOf(handle).EndTransfer());
  }
  void await_resume() const noexcept {}
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_PROMISE_H_
