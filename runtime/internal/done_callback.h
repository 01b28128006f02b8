// SPDX-License-Identifier: Apache-2.0
//
// Done-callbacks: user functions that run as steps of their own once a future is done.
#ifndef DETENT_RUNTIME_INTERNAL_DONE_CALLBACK_H_
#define DETENT_RUNTIME_INTERNAL_DONE_CALLBACK_H_

#include <cstdint>
#include <source_location>
#include <utility>

#include "detent/runtime/internal/context.h"
#include "detent/runtime/internal/future_state.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/ready_queue.h"
#include "detent/runtime/internal/self_kept.h"
#include "detent/runtime/internal/step_text.h"

namespace detent::internal {

// Owns itself: it is deleted when it ran, was removed, went down with its future, or when the loop ends: a function
// that captures the handle of its own future would keep both alive for good if the future is never done.
class DoneCallback : public FutureObserver, public Runnable, public SelfKept, public Pooled {
 public:
  void OnDone(FutureState& state) noexcept final {
    StopKeeping();
    Queue(state);
  }
  void OnDropped() noexcept final {
    StopKeeping();
    delete this;
  }
  void LetGo() final {
    std::exchange(watched_, nullptr)->StopObserving(this);
    delete this;
  }
  void Run() final;
  Lane lane() const final { return Lane::OfCallbacks(source_); }
  const Home* home() const final { return context_.home(); }
  void DescribeStep(StepText& text) const final {
    text.what = "done-callback";
    text.where = where_;
  }
  void Discard() final { delete this; }

  uint64_t id() const { return id_; }
  // REQUIRES: state.IsDone().
  void Queue(FutureState& state);
  // REQUIRES: !state.IsDone().
  void Watch(FutureState& state);

  static DoneCallback* From(FutureObserver* observer) { return dynamic_cast<DoneCallback*>(observer); }

 protected:
  DoneCallback(LoopCore& core, std::source_location where);
  virtual ~DoneCallback() { core_->DropReference(); }
  virtual void Invoke(Ref<FutureState> state) = 0;

 private:
  void StopKeeping() {
    if (std::exchange(watched_, nullptr) != nullptr) core_->self_kept.Remove(this);
  }

  LoopCore* core_;
  FutureState* watched_ = nullptr;  // While it is pending: not counted, so that it does not keep itself alive.
  Ref<FutureState> state_;          // Once it is done.
  uint64_t id_;
  uint64_t source_ = 0;
  ContextRef context_;
  std::source_location where_;  // Where it was added.
};

template <typename Handle, typename F>
class DoneCallbackOf final : public DoneCallback {
 public:
  template <typename G>
  DoneCallbackOf(LoopCore& core, G&& function, std::source_location where)
      : DoneCallback(core, where), function_(std::forward<G>(function)) {}

 private:
  ~DoneCallbackOf() override = default;
  void Invoke(Ref<FutureState> state) override { function_(Handle(std::move(state))); }
  F function_;
};

uint64_t InstallDoneCallback(FutureState& state, DoneCallback* callback);
int RemoveDoneCallback(FutureState& state, uint64_t id);

template <typename Handle, typename F>
uint64_t AddDoneCallback(FutureState& state, F&& function, std::source_location where) {
  return InstallDoneCallback(
      state, new DoneCallbackOf<Handle, std::decay_t<F>>(state.core(), std::forward<F>(function), where));
}

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_DONE_CALLBACK_H_
