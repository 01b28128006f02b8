// SPDX-License-Identifier: Apache-2.0
//
// StopWhenDone: while it lives, stops a loop one step after a future is done, as asyncio's run_until_complete().
#ifndef DETENT_RUNTIME_INTERNAL_STOP_WHEN_DONE_H_
#define DETENT_RUNTIME_INTERNAL_STOP_WHEN_DONE_H_

#include "detent/runtime/internal/future_state.h"
#include "detent/runtime/internal/ready_queue.h"

namespace detent::internal {

// `Loop` is EventLoop, which stands above this.
template <typename Loop>
class StopWhenDone final : public FutureObserver, public Runnable {
 public:
  StopWhenDone(Loop& loop, FutureState& state) : loop_(loop), state_(state) {
    if (state.IsDone()) {
      loop_.core().ready.Push(this);
    } else {
      state.Observe(this);
    }
  }
  ~StopWhenDone() {
    state_.StopObserving(this);
    if (IsReady()) loop_.core().Forget(this);
  }
  void OnDone(FutureState&) noexcept override { loop_.core().ready.Push(this); }
  void Run() override { loop_.StopAnywhere(); }
  Lane lane() const override { return Lane::OfCallbacks(0); }

 private:
  Loop& loop_;
  FutureState& state_;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_STOP_WHEN_DONE_H_
