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
#include <string_view>

#include "detent/runtime/held.h"
#include "detent/runtime/internal/awaiting.h"
#include "detent/runtime/internal/parked_wait.h"
#include "detent/runtime/internal/wait_list.h"

namespace detent {

namespace internal {
class SemaphoreAcquire;
}

class Semaphore : public internal::NamedObject {
 public:
  explicit Semaphore(int64_t value = 1, std::string_view name = {}) : Semaphore(value, name, "Semaphore") {}
  virtual ~Semaphore();

  internal::SemaphoreAcquire Acquire();
  internal::HoldOperation<internal::SemaphoreAcquire, Semaphore> Hold();
  virtual void Release();
  // Whether Acquire() would suspend.
  bool Locked() const;
  // How many permits are free.
  int64_t Value() const;

 protected:
  // `type` is the name of the class that the user wrote.
  Semaphore(int64_t value, std::string_view name, const char* type);

 private:
  friend class internal::ParkedWait<Semaphore>;
  friend class internal::SemaphoreAcquire;
  friend class Held<Semaphore>;

  // Gives a permit to the first who still waits.
  bool WakeNext();

  internal::TurnList waiters_;
  internal::HeldList helds_;
  int64_t value_;
  const char* type_;
};

class BoundedSemaphore final : public Semaphore {
 public:
  explicit BoundedSemaphore(int64_t value = 1, std::string_view name = {})
      : Semaphore(value, name, "BoundedSemaphore"), bound_(value) {}
  void Release() override;

 private:
  int64_t bound_;
};

namespace internal {

class [[nodiscard("does nothing until awaited: write co_await")]] SemaphoreAcquire
    : public ParkedWait<Semaphore>,
      public OwnAwaiter<SemaphoreAcquire> {
 public:
  explicit SemaphoreAcquire(Semaphore& semaphore) : ParkedWait(semaphore) {}

  bool Ready(TaskState& task);
  void GiveBack(TaskState& task) {
    ++object().value_;
    ParkedWait::GiveBack(task);
  }
  void WakeForTurn() final { object().WakeNext(); }
  Ending End(TaskState& task);

  void Abandon() noexcept final;
  WaitKind Kind() const final { return WaitKind::kSemaphore; }
  void Describe(WaitText& text) const final {
    DescribeCall(text, IsOrphan() ? "Semaphore" : object().type_, "Acquire");
  }
};

}  // namespace internal

inline internal::SemaphoreAcquire Semaphore::Acquire() { return internal::SemaphoreAcquire(*this); }
inline internal::HoldOperation<internal::SemaphoreAcquire, Semaphore> Semaphore::Hold() {
  return internal::HoldOperation<internal::SemaphoreAcquire, Semaphore>(*this, *this);
}

}  // namespace detent

#endif  // DETENT_RUNTIME_SEMAPHORE_H_
