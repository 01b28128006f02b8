// SPDX-License-Identifier: Apache-2.0
//
// Inbox: where other threads leave functions for a loop. It is shared, because a thread may still work when the loop is
// gone: what it then adds is dropped.
#ifndef DETENT_RUNTIME_INTERNAL_INBOX_H_
#define DETENT_RUNTIME_INTERNAL_INBOX_H_

#include <atomic>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"

namespace detent::internal {

class Inbox {
 public:
  // `wake` gets the loop out of its sleep. It is called with the inbox locked, and not after Close().
  explicit Inbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  // Any thread. False if the loop is closed; `function` is then destroyed here.
  bool Add(absl::AnyInvocable<void()> function) {
    const std::lock_guard<std::mutex> held(mutex_);
    if (closed_) return false;
    functions_.push_back(std::move(function));
    has_mail_.store(true, std::memory_order_release);
    wake_();
    return true;
  }

  // The loop's thread.
  bool HasMail() const { return has_mail_.load(std::memory_order_acquire); }
  std::vector<absl::AnyInvocable<void()>> TakeAll() {
    const std::lock_guard<std::mutex> held(mutex_);
    has_mail_.store(false, std::memory_order_relaxed);
    return std::exchange(functions_, {});
  }
  void Close() {
    std::vector<absl::AnyInvocable<void()>> dropped;
    const std::lock_guard<std::mutex> held(mutex_);
    closed_ = true;
    dropped.swap(functions_);
  }

 private:
  std::mutex mutex_;
  std::function<void()> wake_;
  std::vector<absl::AnyInvocable<void()>> functions_;
  std::atomic<bool> has_mail_{false};
  bool closed_ = false;
};

// An address that differs from thread to thread: cheaper to compare than a thread id.
inline thread_local char tls_thread_marker;
inline const void* ThisThreadMarker() { return &tls_thread_marker; }

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_INBOX_H_
