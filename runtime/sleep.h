// SPDX-License-Identifier: Apache-2.0
//
// Yield, Sleep, SleepUntil: let the other tasks run, for a moment or for a while.
//
//   co_await Yield();                      // one trip through the ready queue: asyncio's sleep(0)
//   co_await Sleep(absl::Seconds(1));
//   co_await SleepUntil(deadline);
//   co_await Yield(lock, account);         // also tells the explorer what the next step will touch
//
// Order.         Tasks that sleep until the same instant wake in the order in which they went to sleep.
// Suspension.    Always. A duration of zero or less, and a point that has passed, are a Yield(). InfiniteDuration() and
//                LoopTime::Never() sleep until cancelled.
// Cancellation.  Wakes at once; the timer is taken back.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_SLEEP_H_
#define DETENT_RUNTIME_SLEEP_H_

#include <array>
#include <cstddef>
#include <exception>
#include <string>

#include "absl/time/time.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/awaiting.h"
#include "detent/runtime/internal/timer_heap.h"
#include "detent/runtime/internal/wait_node.h"
#include "detent/runtime/loop_time.h"

namespace detent {
namespace internal {

class [[nodiscard("does nothing until awaited: write co_await")]] YieldOperation {
 public:
  YieldOperation() {}
  bool Ready(TaskState&) const { return false; }
  WaitNode* Suspend(TaskState& task) const {
    CurrentCore()->ready.Push(&task);
    return nullptr;
  }
  Ending End(TaskState& task) const { return task.ConsumeCancel() ? Ending::kCancelled : Ending::kValue; }
  std::exception_ptr TakeError() const { return nullptr; }
  void Take() const {}
};

// A trip through the ready queue that announces what the next step touches.
class AnnouncedYield : public WaitNode {
 public:
  bool Ready(TaskState&) const { return false; }
  WaitNode* Suspend(TaskState& task) {
    Park(task);
    Wake();
    return this;
  }
  Ending End(TaskState& task) const {
    if (task.core().recorder != nullptr) [[unlikely]]
      NoteObjects(task.core());
    return EndOfWait(task);
  }
  std::exception_ptr TakeError() const { return nullptr; }
  void Take() const {}

  void Abandon() noexcept final {}
  WaitKind Kind() const final { return WaitKind::kShared; }
  void Describe(WaitText& text) const override {
    text.verb = "its turn";
    text.brief = "Yield";
  }

  // The announced objects; Object() is the first.
  virtual size_t ObjectCount() const = 0;
  virtual const WaitObject* ObjectAt(size_t index) const = 0;
  virtual AccessMode Mode() const { return AccessMode::kWrite; }

 protected:
  AnnouncedYield() {}
  ~AnnouncedYield() = default;

 private:
  // What was announced is touched now.
  void NoteObjects(LoopCore& core) const {
    for (size_t i = 0; i < ObjectCount(); ++i) NoteAccess(core, *ObjectAt(i), Mode());
  }
};

template <size_t kCount>
class [[nodiscard("does nothing until awaited: write co_await")]] YieldOn final : public AnnouncedYield,
                                                                                  public OwnAwaiter<YieldOn<kCount>> {
 public:
  template <typename... O>
  explicit YieldOn(const O&... objects) : objects_{&objects...} {}
  size_t ObjectCount() const override { return kCount; }
  const WaitObject* ObjectAt(size_t index) const override { return objects_[index]; }
  const WaitObject* Object() const override { return objects_[0]; }

 private:
  std::array<const WaitObject*, kCount> objects_;
};

class [[nodiscard("does nothing until awaited: write co_await")]] SleepOperation final
    : public WaitNode,
      public Timer,
      public OwnAwaiter<SleepOperation> {
 public:
  explicit SleepOperation(absl::Duration duration) : Timer(LoopTime() + duration), is_absolute_(false) {}
  explicit SleepOperation(LoopTime until) : Timer(until), is_absolute_(true) {}

  bool Ready(TaskState&) const { return false; }
  WaitNode* Suspend(TaskState& task);
  Ending End(TaskState& task);
  std::exception_ptr TakeError() const { return nullptr; }
  void Take() const {}

  void Abandon() noexcept override;
  WaitKind Kind() const override { return WaitKind::kSleep; }
  void Describe(WaitText& text) const override;
  void Run() override { Wake(); }
  Lane lane() const override;
  void PrefetchForNext() const override { task()->Prefetch(); }
  void PrefetchForRun() const override {
    task()->PrefetchNeighbours();
    task()->PrefetchLeaf();  // By g++ it may begin far from its timer.
  }

 private:
  // Before Suspend(), deadline() is the request (a duration counted from zero); afterwards, the instant.
  bool is_absolute_;
};

}  // namespace internal

inline internal::YieldOperation Yield() { return internal::YieldOperation(); }
template <typename... O>
  requires(sizeof...(O) > 0)
internal::YieldOn<sizeof...(O)> Yield(const O&... objects) {
  return internal::YieldOn<sizeof...(O)>(objects...);
}
inline internal::SleepOperation Sleep(AnyDuration duration) { return internal::SleepOperation(duration); }
inline internal::SleepOperation SleepUntil(LoopTime until) { return internal::SleepOperation(until); }

}  // namespace detent

#endif  // DETENT_RUNTIME_SLEEP_H_
