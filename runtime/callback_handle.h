// SPDX-License-Identifier: Apache-2.0
//
// CallbackHandle: a callback that was scheduled, to take it back.
//
//   CallbackHandle handle = loop.CallLater(absl::Seconds(1), [] { Log("late"); });
//   handle.Cancel();
//
// Copyable; dropping it cancels nothing.
//
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_CALLBACK_HANDLE_H_
#define DETENT_RUNTIME_CALLBACK_HANDLE_H_

#include "detent/runtime/internal/callback.h"
#include "detent/runtime/internal/ref.h"
#include "detent/runtime/loop_time.h"

namespace detent {

class CallbackHandle {
 public:
  CallbackHandle() {}

  // Takes the callback back if it has not run, and drops its closure at once; of a callback that cancels itself while
  // it runs, when it returns.
  void Cancel() {
    if (callback_) callback_->Cancel();
  }
  bool Cancelled() const { return callback_ && callback_->IsCancelled(); }
  // When it is due; the clock's zero for CallSoon().
  LoopTime When() const { return callback_ ? callback_->deadline() : LoopTime(); }

  // --- For the library ---

  explicit CallbackHandle(internal::Callback* callback) : callback_(callback) {}
  internal::Callback* callback() const { return callback_.get(); }

 private:
  internal::Ref<internal::Callback> callback_;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_CALLBACK_HANDLE_H_
