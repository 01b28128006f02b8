// SPDX-License-Identifier: Apache-2.0
//
// Inbox: where other threads leave functions for a loop. It is shared, because a thread may still work when the loop is
// gone: what it then adds is dropped. Whoever adds keeps a share meanwhile: the function may end the loop before Add()
// has returned.
#ifndef DETENT_RUNTIME_INTERNAL_INBOX_H_
#define DETENT_RUNTIME_INTERNAL_INBOX_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"

namespace detent::internal {

// Gets a loop out of its sleep, from any thread. It may outlive the loop.
class Waker {
 public:
  virtual ~Waker() = default;
  virtual void WakeUp() = 0;
};

class Inbox {
 public:
  using Function = absl::AnyInvocable<void()>;

  // --- Any thread ---

  // Leaves `function`, which is part of something that is bounded already, and wakes the loop if it is the first.
  // False if the loop is closed; `function` is then destroyed here.
  bool Add(Function function) { return Add(std::move(function), size_t{0} - 1); }
  // As Add(), for a call of the program's. InvalidStateError if the loop takes none, QueueFull if the bound is reached.
  bool Post(Function function) {
    if (!refusal_.empty()) throw InvalidStateError(refusal_);
    return Add(std::move(function), size_max_);
  }
  bool IsClosed() const { return closed_.load(std::memory_order_acquire); }

  // --- The loop's thread ---

  // Before other threads know the loop.
  void SetWaker(std::shared_ptr<Waker> waker) { waker_ = std::move(waker); }
  void SetSizeMax(size_t size_max) { size_max_ = size_max; }
  // From now on Post() throws this.
  void Refuse(std::string why) { refusal_ = std::move(why); }

  bool HasMail() const { return has_mail_.load(std::memory_order_acquire); }
  // Gives what was left; `functions`, which is empty, is the storage of what comes next.
  void TakeAll(std::vector<Function>& functions) {
    const std::lock_guard<std::mutex> held(mutex_);
    has_mail_.store(false, std::memory_order_relaxed);
    functions_.swap(functions);
  }
  size_t Size() {
    const std::lock_guard<std::mutex> held(mutex_);
    return functions_.size();
  }
  void Close() {
    std::vector<Function> dropped;
    const std::lock_guard<std::mutex> held(mutex_);
    closed_.store(true, std::memory_order_release);
    dropped.swap(functions_);
  }
  // In a child that fork() made, where a thread that is not there may hold the lock: what is here is the parent's.
  void Disown(std::string why) {
    refusal_ = std::move(why);
    closed_.store(true, std::memory_order_release);
    has_mail_.store(false, std::memory_order_relaxed);
  }

 private:
  bool Add(Function function, size_t size_max) {
    if (IsClosed()) return false;
    bool is_first;
    {
      const std::lock_guard<std::mutex> held(mutex_);
      if (IsClosed()) return false;
      if (functions_.size() >= size_max) [[unlikely]]
        ThrowFull();
      is_first = functions_.empty();
      functions_.push_back(std::move(function));
      if (is_first) has_mail_.store(true, std::memory_order_release);
    }
    // The loop that was woken does not meet the lock.
    if (is_first && waker_ != nullptr) waker_->WakeUp();
    return true;
  }
  [[noreturn]] void ThrowFull() const {
    throw QueueFull(absl::StrCat("CallSoonThreadsafe(): ", size_max_,
                                 " functions wait for the event loop, its limit; it does not keep up: call less often, "
                                 "or see which step holds the loop"));
  }

  std::shared_ptr<Waker> waker_;  // Null for a loop that never sleeps.
  size_t size_max_ = size_t{0} - 1;
  std::string refusal_;
  std::mutex mutex_;
  std::vector<Function> functions_;
  std::atomic<bool> has_mail_{false};
  std::atomic<bool> closed_{false};
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_INBOX_H_
