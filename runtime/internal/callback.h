// SPDX-License-Identifier: Apache-2.0
//
// Callback: a function that the loop runs as a step, soon or at a time. One pooled block holds it and its closure.
#ifndef DETENT_RUNTIME_INTERNAL_CALLBACK_H_
#define DETENT_RUNTIME_INTERNAL_CALLBACK_H_

#include <cstdint>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#include "detent/runtime/internal/context.h"
#include "detent/runtime/internal/frame_pool.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/step_text.h"
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
  // Makes it that of another than whoever runs. REQUIRES: it is not scheduled.
  void SetMaker(uint64_t source, ContextRef context) {
    source_ = source;
    context_ = std::move(context);
  }
  // Takes it back if it has not run, and drops its closure: at once, or when the run that cancels it is over.
  void Cancel();
  bool IsCancelled() const { return cancelled_; }

  void Run() final;
  Lane lane() const final { return Lane::OfCallbacks(source_); }
  const Home* home() const final { return context_.home(); }
  void DescribeStep(StepText& text) const override { text.where = where_; }
  void Discard() final { DropReference(); }

 protected:
  Callback(LoopCore& core, std::source_location where);
  virtual ~Callback() { core_->DropReference(); }

  virtual void Invoke() = 0;
  virtual void DestroyClosure() noexcept = 0;
  bool HasClosure() const { return closure_ != Closure::kGone; }

 private:
  enum class Closure : uint8_t { kKept, kRuns, kGone };

  void DropClosure() noexcept;

  LoopCore* core_;
  uint64_t source_;
  ContextRef context_;
  std::source_location where_;  // Where it was made.
  uint32_t references_ = 0;
  bool cancelled_ = false;
  Closure closure_ = Closure::kKept;
};

// A function that is more than a callback says so by an `F::kStep`: `function in the executor`.
template <typename F>
class CallbackOf final : public Callback {
 public:
  template <typename G>
  CallbackOf(LoopCore& core, G&& function, std::source_location where)
      : Callback(core, where), function_(std::forward<G>(function)) {}

  void DescribeStep(StepText& text) const override {
    Callback::DescribeStep(text);
    if constexpr (requires { F::kStep; }) text.what = F::kStep;
  }

 private:
  ~CallbackOf() override {
    if (HasClosure()) DestroyClosure();
  }
  void Invoke() override { function_(); }
  void DestroyClosure() noexcept override { std::destroy_at(&function_); }

  union {
    F function_;
  };
};

template <typename F>
Callback* MakeCallback(LoopCore& core, F&& function, std::source_location where) {
  return new CallbackOf<std::decay_t<F>>(core, std::forward<F>(function), where);
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
