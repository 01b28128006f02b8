// SPDX-License-Identifier: Apache-2.0
//
// Callback: a function that the loop runs as a step, soon or at a time. One pooled block holds it and its closure.
#ifndef DETENT_RUNTIME_INTERNAL_CALLBACK_H_
#define DETENT_RUNTIME_INTERNAL_CALLBACK_H_

#include <cstdint>
#include <type_traits>
#include <utility>

#include "detent/runtime/internal/context.h"
#include "detent/runtime/internal/frame_pool.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/timer_heap.h"

namespace detent::internal {

class Callback : public Timer, public Pooled {
 public:
  void AddReference() { ++references_; }
  void DropReference() {
    if (--references_ == 0) delete this;
  }

  // Puts it into the ready queue, or arms it. The loop then holds a reference.
  void Schedule();
  void ScheduleAt(LoopTime when);
  // Takes it back; nothing if it already ran.
  void Cancel();
  bool IsCancelled() const { return cancelled_; }

  void Run() final;
  uint64_t Lane() const final { return LaneOfCallbacks(source_); }
  void Discard() final { DropReference(); }

 protected:
  explicit Callback(LoopCore& core);
  virtual ~Callback() { core_->DropReference(); }

  virtual void Invoke() = 0;

 private:
  LoopCore* core_;
  uint64_t source_;
  ContextRef context_;
  uint32_t references_ = 0;
  bool cancelled_ = false;
};

template <typename F>
class CallbackOf final : public Callback {
 public:
  template <typename G>
  CallbackOf(LoopCore& core, G&& function) : Callback(core), function_(std::forward<G>(function)) {}

 private:
  ~CallbackOf() override = default;
  void Invoke() override { function_(); }

  F function_;
};

template <typename F>
Callback* MakeCallback(LoopCore& core, F&& function) {
  return new CallbackOf<std::decay_t<F>>(core, std::forward<F>(function));
}

// While in scope, user code runs as a callback of `source` and sees its context variables.
class CallbackScope {
 public:
  CallbackScope(LoopCore& core, uint64_t source, const ContextRef& context) : core_(core) {
    core.callback_source = source;
    core.callback_context = context;
  }
  CallbackScope(const CallbackScope&) = delete;
  CallbackScope& operator=(const CallbackScope&) = delete;
  ~CallbackScope() {
    core_.callback_source = 0;
    core_.callback_context = ContextRef();
  }

 private:
  LoopCore& core_;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_CALLBACK_H_
