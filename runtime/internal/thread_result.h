// SPDX-License-Identifier: Apache-2.0
//
// ThreadResult<T>: the result of a task, as another thread waits for it.
#ifndef DETENT_RUNTIME_INTERNAL_THREAD_RESULT_H_
#define DETENT_RUNTIME_INTERNAL_THREAD_RESULT_H_

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/inbox.h"
#include "detent/runtime/task.h"

namespace detent::internal {

[[noreturn]] void ThrowEmptyThreadFuture();

// Any thread. It knows the task by number only: handles belong to the loop's thread.
class ThreadResultBase {
 public:
  explicit ThreadResultBase(std::shared_ptr<Inbox> inbox) : inbox_(std::move(inbox)) {}

  bool Done() const;
  // Blocks until done; throws the error, or TimeoutError, or InvalidStateError if a call before this one was to move the
  // value out, as this one is if `moves_out`.
  void Wait(absl::Duration timeout, bool moves_out);
  void RequestCancel();

  // Called on the loop's thread.
  void SetTask(const AnyTask& task);
  void Finish(std::exception_ptr error);

 protected:
  ~ThreadResultBase() = default;

 private:
  const std::shared_ptr<Inbox> inbox_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  bool moved_out_ = false;
  bool cancel_requested_ = false;
  uint64_t task_id_ = 0;  // 0 before the task was spawned.
  std::exception_ptr error_;
};

template <typename T>
class ThreadResult final : public ThreadResultBase {
 public:
  using ThreadResultBase::ThreadResultBase;
  std::optional<Stored<T>>& value() { return value_; }

 private:
  std::optional<Stored<T>> value_;
};

// The loop's end of a ThreadResult. If it goes away before the task is done, the loop is gone.
template <typename T>
class ThreadResultSender {
 public:
  explicit ThreadResultSender(std::shared_ptr<ThreadResult<T>> result) : result_(std::move(result)) {}
  ThreadResultSender(ThreadResultSender&&) noexcept = default;
  ThreadResultSender& operator=(ThreadResultSender&&) = delete;
  ~ThreadResultSender() {
    if (result_ == nullptr) return;
    Fail(std::make_exception_ptr(InvalidStateError(
        "RunCoroutineThreadsafe(): the event loop was closed before the task was done; keep the loop until then")));
  }

  void Fail(std::exception_ptr error) { std::exchange(result_, nullptr)->Finish(std::move(error)); }

  void Watch(const Task<T>& task) {
    result_->SetTask(task);
    task.AddDoneCallback([sender = std::move(*this)](Task<T> done) mutable { sender.Deliver(std::move(done)); });
  }

 private:
  void Deliver(Task<T> task) {
    std::exception_ptr error;
    try {
      if constexpr (std::is_void_v<T>) {
        std::move(task).Result();
        result_->value().emplace();
      } else {
        result_->value().emplace(std::move(task).Result());
      }
    } catch (...) {
      error = std::current_exception();
    }
    std::exchange(result_, nullptr)->Finish(std::move(error));
  }

  std::shared_ptr<ThreadResult<T>> result_;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_THREAD_RESULT_H_
