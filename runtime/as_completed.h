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

// Watches some futures and queues their indices as they finish. Each takes one trip of its own.
class CompletionQueue {
 public:
  static constexpr size_t kTimedOut = ~size_t{0};

  CompletionQueue(LoopCore& core, std::vector<AnyFuture> futures, absl::Duration timeout);
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
  class Watcher final : public Observer, public Runnable {
   public:
    Watcher() {}
    void OnDone(FutureState&) noexcept override {
      NoteUnknownAccess(*owner->core_);  // The order in which they finish is what the reader asks for.
      owner->core_->ready.Push(this);
    }
    void Run() override { owner->OnFinished(*this); }
    uint64_t Lane() const override { return LaneOfCallbacks(owner->source_); }
    CompletionQueue* owner = nullptr;
    size_t index = 0;
    bool finished = false;
  };
  class Deadline final : public Timer {
   public:
    Deadline() {}
    void Run() override { owner->OnTimeout(); }
    uint64_t Lane() const override { return LaneOfCallbacks(owner->source_); }
    CompletionQueue* owner = nullptr;
  };

  void OnFinished(Watcher& watcher);
  void OnTimeout();
  void Disarm();

  LoopCore* core_;
  std::vector<AnyFuture> futures_;
  std::unique_ptr<Watcher[]> watchers_;
  Deadline deadline_;
  Queue<size_t> finished_;
  size_t left_;
  size_t unclaimed_;
  uint64_t source_;
};

template <typename H>
Coro<std::optional<H>> NextCompleted(std::shared_ptr<CompletionQueue> queue,
                                     std::shared_ptr<const std::vector<H>> handles) {
  if (queue->Exhausted()) co_return std::nullopt;
  queue->Claim();
  const size_t index = co_await queue->Get();
  if (index == CompletionQueue::kTimedOut) throw TimeoutError("AsCompleted(): the deadline passed before all were done");
  co_return (*handles)[index];
}

}  // namespace internal

template <typename H>
class CompletedIterator {
 public:
  CompletedIterator(std::vector<H> handles, absl::Duration timeout)
      : handles_(std::make_shared<std::vector<H>>(internal::WithoutRepeats(std::move(handles)))),
        queue_(std::make_shared<internal::CompletionQueue>(
            internal::RequireCore("AsCompleted()"), std::vector<AnyFuture>(handles_->begin(), handles_->end()),
            timeout)) {}

  // `co_await completed.Next()` gives a std::optional<H>.
  Coro<std::optional<H>> Next() { return internal::NextCompleted<H>(queue_, handles_); }

 private:
  std::shared_ptr<std::vector<H>> handles_;
  std::shared_ptr<internal::CompletionQueue> queue_;
};

template <typename H>
  requires std::is_base_of_v<AnyFuture, H>
CompletedIterator<H> AsCompleted(std::vector<H> handles, absl::Duration timeout = absl::InfiniteDuration()) {
  return CompletedIterator<H>(std::move(handles), timeout);
}
template <typename T>
CompletedIterator<Task<T>> AsCompleted(std::vector<Coro<T>> coros, absl::Duration timeout = absl::InfiniteDuration()) {
  return CompletedIterator<Task<T>>(internal::SpawnAll(std::move(coros)), timeout);
}

}  // namespace detent

#endif  // DETENT_RUNTIME_AS_COMPLETED_H_
