// SPDX-License-Identifier: Apache-2.0
//
// DescriptorCallback: a function that runs whenever a descriptor is ready, for EventLoop::AddReader() and the like.
#ifndef DETENT_RUNTIME_IO_INTERNAL_DESCRIPTOR_CALLBACK_H_
#define DETENT_RUNTIME_IO_INTERNAL_DESCRIPTOR_CALLBACK_H_

#include <cstdint>
#include <exception>
#include <source_location>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "detent/runtime/internal/callback.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/task_state.h"

namespace detent::internal {

// Counted: the ready queue, and so its own run, holds it too.
class DescriptorCallback final : public Runnable {
 public:
  DescriptorCallback(LoopCore& core, absl::AnyInvocable<void()> fn, std::source_location where)
      : core_(core), source_(RunningSource(core)), context_(RunningContext(core)), where_(where), fn_(std::move(fn)) {}

  void AddReference() { ++references_; }
  void DropReference() {
    if (--references_ == 0) delete this;
  }

  void Schedule() {
    if (IsReady()) return;
    core_.ready.Push(this);
    AddReference();
  }
  void TakeBack() {
    if (!IsReady()) return;
    core_.Forget(this);
    DropReference();
  }

  void Run() override {
    const CallbackScope scope(core_, source_, context_);
    try {
      fn_();
    } catch (...) {
      core_.Report(ExceptionContext("a callback threw", std::current_exception(), ReportKind::kCallbackThrew));
    }
    DropReference();
  }
  Lane lane() const override { return Lane::OfCallbacks(source_); }
  void DescribeStep(StepText& text) const override { text.where = where_; }
  void Discard() override { DropReference(); }

 private:
  ~DescriptorCallback() = default;

  LoopCore& core_;
  const uint64_t source_;
  const ContextRef context_;
  const std::source_location where_;
  absl::AnyInvocable<void()> fn_;
  uint32_t references_ = 0;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_INTERNAL_DESCRIPTOR_CALLBACK_H_
