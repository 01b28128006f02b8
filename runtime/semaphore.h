// SPDX-License-Identifier: Apache-2.0
//
// Semaphore: at most so many tasks at once. BoundedSemaphore also refuses a Release() too many.
//
//   Semaphore slots(10, "slots");
//   auto permit = co_await slots.Hold();
//
// Order.         First come, first served: also a task that releases and asks again at once goes to the end.
// Suspension.    Acquire() and Hold() suspend unless a permit is free and nobody waits.
// Cancellation.  A cancelled Acquire() holds nothing; a permit that it had been given goes to the next.
// Errors.        std::invalid_argument for a negative value. BoundedSemaphore::Release() throws InvalidStateError when
//                all permits are back already.
// Ownership.     Must outlive those who wait on it, else they get an InvalidStateError; a semaphore destroyed before a
//                Held of it is reported.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_SEMAPHORE_H_
#define DETENT_RUNTIME_SEMAPHORE_H_

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

#include "detent/runtime/held.h"
#include "detent/runtime/internal/awaiting.h"
#include "detent/runtime/internal/wait_list.h"
#include "detent/runtime/internal/wait_node.h"

namespace detent {

class Semaphore;

namespace internal {

class SemaphoreAcquire : public ListedWait, public AwaitsItself<SemaphoreAcquire> {
 public:
  explicit SemaphoreAcquire(Semaphore& semaphore) : semaphore_(&semaphore) {}

  bool Ready(TaskState& task);
  WaitNode* Suspend(TaskState& task);
  Ending End(TaskState& task);
  std::exception_ptr TakeError() const { return OrphanError(); }
  void Take() const {}

  void Abandon() noexcept final;
  WaitKind Kind() const final { return WaitKind::kSemaphore; }
  const WaitObject* Object() const final;
  std::string Describe() const final;

 private:
  Semaphore* semaphore_;
};

}  // namespace internal

class Semaphore : public internal::NamedObject {
 public:
  explicit Semaphore(int64_t value = 1, std::string_view name = {});
  virtual ~Semaphore();

  internal::SemaphoreAcquire Acquire() { return internal::SemaphoreAcquire(*this); }
  internal::HoldOperation<internal::SemaphoreAcquire, Semaphore> Hold() {
    return internal::HoldOperation<internal::SemaphoreAcquire, Semaphore>(*this, *this);
  }
  virtual void Release();
  // Whether Acquire() would suspend.
  bool Locked() const;
  // How many permits are free.
  int64_t Value() const;

 private:
  friend class internal::SemaphoreAcquire;
  friend class Held<Semaphore>;

  // Gives a permit to the first who still waits.
  bool WakeNext();

  internal::WaitList waiters_;
  internal::HeldList helds_;
  int64_t value_;
};

class BoundedSemaphore final : public Semaphore {
 public:
  explicit BoundedSemaphore(int64_t value = 1, std::string_view name = {}) : Semaphore(value, name), bound_(value) {}
  void Release() override;

 private:
  int64_t bound_;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_SEMAPHORE_H_
