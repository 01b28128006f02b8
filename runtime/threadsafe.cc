// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/threadsafe.h"

namespace detent {

LoopHandle::LoopHandle(EventLoop& loop)
    : inbox_(loop.inbox()), loop_(&loop), thread_marker_(&internal::tls_thread_marker) {
  loop.CheckThread("LoopHandle()");
}

bool LoopHandle::CallSoonThreadsafe(absl::AnyInvocable<void()> fn) const {
  if (thread_marker_ != &internal::tls_thread_marker) return inbox_->Post(std::move(fn));
  if (inbox_->IsClosed()) return false;
  loop_->CallSoonThreadsafe(std::move(fn));
  return true;
}

namespace internal {

void ThrowEmptyThreadFuture() {
  throw InvalidStateError("the ThreadFuture is empty: assign it what RunCoroutineThreadsafe() gives before using it");
}

bool ThreadResultBase::Done() const {
  const std::lock_guard<std::mutex> held(mutex_);
  return done_;
}

void ThreadResultBase::Wait(absl::Duration timeout, bool moves_out) {
  std::unique_lock<std::mutex> held(mutex_);
  if (timeout == absl::InfiniteDuration()) {
    changed_.wait(held, [this] { return done_; });
  } else if (!changed_.wait_for(held, absl::ToChronoNanoseconds(timeout), [this] { return done_; })) {
    throw TimeoutError("ThreadFuture::Get(): the task was not done in time; it runs on, Cancel() it to end it");
  }
  if (error_ != nullptr) std::rethrow_exception(error_);
  if (moved_out_) {
    throw InvalidStateError(
        "ThreadFuture::Get(): the result was already moved out by `std::move(future).Get()`; read it "
        "once, or before that by reference");
  }
  moved_out_ = moves_out;
}

void ThreadResultBase::RequestCancel() {
  const std::lock_guard<std::mutex> held(mutex_);
  cancel_requested_ = true;
  if (done_ || !spawned_) return;
  inbox_->Add([self = shared_from_this()] {
    if (self->task_) self->task_.Cancel();
  });
}

void ThreadResultBase::SetTask(const AnyTask& task) {
  const std::lock_guard<std::mutex> held(mutex_);
  task_ = task;
  spawned_ = true;
  if (cancel_requested_) task.Cancel();
}

void ThreadResultBase::Finish(std::exception_ptr error) {
  task_ = AnyTask();
  const std::lock_guard<std::mutex> held(mutex_);
  error_ = std::move(error);
  done_ = true;
  changed_.notify_all();
}

}  // namespace internal
}  // namespace detent
