// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/threadsafe.h"

namespace detent::internal {
namespace {

void CancelTaskById(uint64_t id) {
  for (const AnyTask& task : AllTasks()) {
    if (task.Id() == id) task.Cancel();
  }
}

}  // namespace

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
    throw InvalidStateError("ThreadFuture::Get(): the result was already moved out by `std::move(future).Get()`; read it "
                            "once, or before that by reference");
  }
  moved_out_ = moves_out;
}

void ThreadResultBase::RequestCancel() {
  const std::lock_guard<std::mutex> held(mutex_);
  cancel_requested_ = true;
  if (!done_ && task_id_ != 0) inbox_->Add([id = task_id_] { CancelTaskById(id); });
}

void ThreadResultBase::SetTask(const AnyTask& task) {
  const std::lock_guard<std::mutex> held(mutex_);
  task_id_ = task.Id();
  if (cancel_requested_) task.Cancel();
}

void ThreadResultBase::Finish(std::exception_ptr error) {
  const std::lock_guard<std::mutex> held(mutex_);
  error_ = std::move(error);
  done_ = true;
  changed_.notify_all();
}

}  // namespace detent::internal
