// SPDX-License-Identifier: Apache-2.0
//
// AsCompleted: handles in the order in which they finish. asyncio's as_completed().
//
//   auto completed = AsCompleted(std::move(tasks), absl::Seconds(5));
//   while (std::optional<Task<Page>> next = co_await completed.Next()) Show(next->Result());
//
// Next() gives a handle that is done, as it was passed in, and nothing when all have been given. Coros are spawned at
// the call, in argument order. Several tasks may await Next() at once; each gets another handle.
//
// Errors.        TimeoutError from Next(), once for each handle that was not done in time; the tasks run on.
// Suspension.    Next() suspends until a handle is done.
// Cancellation.  A cancelled Next() counts as one of the handles; the tasks run on.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_AS_COMPLETED_H_
#define DETENT_RUNTIME_AS_COMPLETED_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <source_location>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/timer_heap.h"
#include "detent/runtime/queue.h"
#include "detent/runtime/wait.h"

namespace detent {

namespace internal {
class CompletionQueue;
}

// What AsCompleted() gives. Movable and copyable; copies share what is left.
template <typename H>
class [[nodiscard("it gives what finishes to co_await Next() only")]] CompletedIterator {
 public:
  CompletedIterator(std::vector<H> handles, absl::Duration timeout, std::source_location where);

  // `co_await completed.Next()` gives a std::optional<H>.
  Coro<std::optional<H>> Next(std::source_location where = std::source_location::current());

 private:
  std::shared_ptr<std::vector<H>> handles_;
  std::shared_ptr<internal::CompletionQueue> queue_;
};

template <typename H>
  requires std::is_base_of_v<AnyFuture, H>
CompletedIterator<H> AsCompleted(std::vector<H> handles, AnyDuration timeout = absl::InfiniteDuration(),
                                 std::source_location where = std::source_location::current()) {
  return CompletedIterator<H>(std::move(handles), timeout, where);
}
template <typename T>
CompletedIterator<Task<T>> AsCompleted(std::vector<Coro<T>>&& coros, AnyDuration timeout = absl::InfiniteDuration(),
                                       std::source_location where = std::source_location::current()) {
  return CompletedIterator<Task<T>>(internal::SpawnAll("AsCompleted()", std::move(coros), where), timeout, where);
}
// Refused when it is compiled: say std::move(coros).
template <typename T>
void AsCompleted(std::vector<Coro<T>>&, AnyDuration = absl::InfiniteDuration()) {
  internal::RefuseLvalue<T>();
}

// --------------------------------------------------------------------------------------------------------------------

namespace internal {

// As finishing is told of: `AsCompleted::Next`.
class CompletionOrder : public FirstInFirstOut<size_t> {
 public:
  static constexpr const char* kQueueType = "AsCompleted";
  static constexpr const char* kGetCall = "Next";
};

// Watches some futures and queues their indices as they finish. Each takes one trip of its own.
class CompletionQueue {
 public:
  static constexpr size_t kTimedOut = ~size_t{0};

  CompletionQueue(LoopCore& core, std::vector<AnyFuture> futures, absl::Duration timeout, std::source_location where);
  CompletionQueue(const CompletionQueue&) = delete;
  CompletionQueue& operator=(const CompletionQueue&) = delete;
  ~CompletionQueue();

  // Whether Next() has been called for every future.
  bool Exhausted() const {
    NoteUnknownAccess(*core_);  // Others may claim, too.
    return unclaimed_ == 0;
  }
  void Claim() { --unclaimed_; }
  auto Get() { return finished_.Get(); }

 private:
  class Watcher final : public FutureObserver, public Runnable {
   public:
    Watcher() {}
    void OnDone(FutureState&) noexcept override {
      NoteUnknownAccess(*owner->core_);  // The order in which they finish is what the reader asks for.
      owner->core_->ready.Push(this);
    }
    void Run() override { owner->OnFinished(*this); }
    void DescribeStep(StepText& text) const override { owner->DescribeStep("AsCompleted, one is done", text); }
    Lane lane() const override { return Lane::OfCallbacks(owner->source_); }
    CompletionQueue* owner = nullptr;
    size_t index = 0;
    bool finished = false;
  };
  class Deadline final : public Timer {
   public:
    Deadline() {}
    void Run() override { owner->OnTimeout(); }
    void DescribeStep(StepText& text) const override { owner->DescribeStep("time-out of AsCompleted", text); }
    Lane lane() const override { return Lane::OfCallbacks(owner->source_); }
    CompletionQueue* owner = nullptr;
  };

  void OnFinished(Watcher& watcher);
  void OnTimeout();
  void DescribeStep(std::string_view what, StepText& text) const;
  void Watch(absl::Duration timeout);
  void LetGo() noexcept;
  void Disarm();

  LoopCore* core_;
  std::vector<AnyFuture> futures_;
  std::unique_ptr<Watcher[]> watchers_;
  Deadline deadline_;
  BasicQueue<size_t, CompletionOrder> finished_;
  size_t left_;
  size_t unclaimed_;
  uint64_t source_;
  const std::source_location made_at_;
};

template <typename H>
Coro<std::optional<H>> NextCompleted(std::shared_ptr<CompletionQueue> queue,
                                     std::shared_ptr<const std::vector<H>> handles) {
  if (queue->Exhausted()) co_return std::nullopt;
  queue->Claim();
  const size_t index = co_await queue->Get();
  if (index == CompletionQueue::kTimedOut)
    throw TimeoutError("AsCompleted(): the deadline passed before all were done");
  co_return (*handles)[index];
}

}  // namespace internal

template <typename H>
CompletedIterator<H>::CompletedIterator(std::vector<H> handles, absl::Duration timeout, std::source_location where)
    : handles_(std::make_shared<std::vector<H>>(internal::WithoutRepeats(std::move(handles)))),
      queue_(std::make_shared<internal::CompletionQueue>(internal::RequireCore("AsCompleted()"),
                                                         std::vector<AnyFuture>(handles_->begin(), handles_->end()),
                                                         timeout, where)) {}

template <typename H>
Coro<std::optional<H>> CompletedIterator<H>::Next(std::source_location where) {
  return internal::NextCompleted<H>(queue_, handles_).At(where);
}

}  // namespace detent

#endif  // DETENT_RUNTIME_AS_COMPLETED_H_
