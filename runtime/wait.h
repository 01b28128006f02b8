// SPDX-License-Identifier: Apache-2.0
//
// Wait: waits for the first, for the first failed, or for all of a set of tasks and futures. asyncio's wait().
//
//   WaitResult<Task<int>> result = co_await Wait(tasks, ReturnWhen::kFirstCompleted, absl::Seconds(1));
//   for (Task<int>& task : result.pending) task.Cancel();
//
// The result holds the handles that are done when the waiting task runs again, and the rest, each in the order in which
// they were given; a handle given twice counts once. A time-out throws nothing and cancels nothing; zero or less is
// over in the next iteration. Coros are spawned in argument order, at the call.
//
//   WaitResult<AnyTask> first = co_await Wait(ReturnWhen::kFirstCompleted, absl::Seconds(1), task, Fetch(url));
//
// Errors.        std::invalid_argument for an empty set.
// Suspension.    Always, even if everything is done.
// Cancellation.  Leaves the tasks running.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_WAIT_H_
#define DETENT_RUNTIME_WAIT_H_

#include <cstdint>
#include <exception>
#include <memory>
#include <source_location>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "detent/runtime/handles.h"
#include "detent/runtime/internal/future_state.h"
#include "detent/runtime/internal/timer_heap.h"
#include "detent/runtime/internal/wait_node.h"
#include "detent/runtime/task.h"

namespace detent {

enum class ReturnWhen : uint8_t {
  kFirstCompleted,  // When one is done.
  kFirstException,  // When one ended with an error (a cancellation is none), or all are done.
  kAllCompleted,
};

template <typename H>
class WaitResult {
 public:
  WaitResult() {}
  std::vector<H> done;
  std::vector<H> pending;
};

namespace internal {

template <typename H>
class WaitOperation;
// A ReturnWhen, and where the user wrote it.
class PlacedWhen {
 public:
  PlacedWhen(ReturnWhen its_when, std::source_location its_place = std::source_location::current())  // NOLINT: implicit
      : when(its_when), where(its_place) {}
  const ReturnWhen when;
  const std::source_location where;
};
// For whom some are awaited: the words of the wait.
enum class WaitRole : uint8_t { kWait, kRace, kEndOfBody };
// A time-out and what is waited for.
template <typename D, typename... A>
concept TimedWaitables = std::is_convertible_v<D, AnyDuration> && Waitables<A...>;
// What a WaitResult of things of different types has: AnyTasks, or AnyFutures if there is a Future.
template <typename... A>
using AnyHandle = std::conditional_t<(std::is_base_of_v<AnyTask, HandleOf<A>> && ...), AnyTask, AnyFuture>;

}  // namespace internal

// `co_await Wait(...)` gives a WaitResult.
template <typename H>
  requires std::is_base_of_v<AnyFuture, H>
internal::WaitOperation<H> Wait(std::vector<H> handles, ReturnWhen when,
                                AnyDuration timeout = absl::InfiniteDuration());
template <typename T>
internal::WaitOperation<Task<T>> Wait(std::vector<Coro<T>>&& coros, internal::PlacedWhen when,
                                      AnyDuration timeout = absl::InfiniteDuration());
// Refused when it is compiled: say std::move(coros).
template <typename T>
void Wait(std::vector<Coro<T>>& coros, ReturnWhen when, AnyDuration timeout = absl::InfiniteDuration());
// Handles, operations and Coros of different types; the time-out, if there is one, comes before them.
template <typename... A>
  requires internal::Waitables<A...>
internal::WaitOperation<internal::AnyHandle<A...>> Wait(internal::PlacedWhen when, A&&... handles);
template <typename... A>
  requires internal::Waitables<A...>
internal::WaitOperation<internal::AnyHandle<A...>> Wait(internal::PlacedWhen when, AnyDuration timeout, A&&... handles);

// --------------------------------------------------------------------------------------------------------------------

namespace internal {

[[noreturn]] void ThrowEmptySet(const char* what);

// Whether states[index] stands further left already; `seen` is scratch space for long lists.
std::vector<bool> RepeatedStates(const std::vector<const void*>& states);

template <typename H>
std::vector<H> WithoutRepeats(std::vector<H> handles) {
  if (handles.size() < 2) return handles;
  std::vector<const void*> states;
  states.reserve(handles.size());
  for (const H& handle : handles) states.push_back(&handle.state());
  const std::vector<bool> repeated = RepeatedStates(states);
  if (repeated.empty()) return handles;
  std::vector<H> kept;
  for (size_t i = 0; i < handles.size(); ++i) {
    if (!repeated[i]) kept.push_back(std::move(handles[i]));
  }
  return kept;
}

// Waits until enough of some futures are done. Two trips through the ready queue: the deciding future's, the task's.
class WaitForSome : public WaitNode, public Runnable {
 public:
  WaitForSome(ReturnWhen when, absl::Duration timeout, WaitRole role) : when_(when), role_(role), timeout_(timeout) {}
  WaitForSome(WaitForSome&&) = default;

  bool Ready(TaskState&) const { return false; }
  WaitNode* Suspend(TaskState& task);
  Ending End(TaskState& task);
  std::exception_ptr TakeError() const { return nullptr; }

  void Abandon() noexcept final;
  WaitKind Kind() const final { return WaitKind::kWait; }
  void Describe(WaitText& text) const final;
  void AddBlockers(std::vector<TaskState*>& tasks) const final;
  void Run() final;  // The deciding future's trip.
  Lane lane() const final;

 protected:
  ~WaitForSome() = default;
  void Watch(FutureState& state) { states_.push_back(&state); }

 private:
  class Watcher final : public FutureObserver {
   public:
    Watcher() {}
    void OnDone(FutureState& state) noexcept override { owner->Count(state); }
    WaitForSome* owner = nullptr;
  };
  class Deadline final : public Timer {
   public:
    Deadline() {}
    void Run() override { owner->Wake(); }
    Lane lane() const override { return owner->lane(); }
    WaitForSome* owner = nullptr;
  };

  void Count(FutureState& state) noexcept;

  ReturnWhen when_;
  WaitRole role_;
  bool decided_ = false;
  absl::Duration timeout_;
  size_t left_ = 0;
  std::vector<FutureState*> states_;  // Kept alive by the handles of WaitOperation.
  std::unique_ptr<Watcher[]> watchers_;
  Deadline deadline_;
};

template <typename H>
class [[nodiscard("does nothing until awaited: write co_await")]] WaitOperation final : public WaitForSome {
 public:
  WaitOperation(std::vector<H> handles, ReturnWhen when, absl::Duration timeout, WaitRole role = WaitRole::kWait)
      : WaitForSome(when, timeout, role), handles_(WithoutRepeats(std::move(handles))) {
    for (const H& handle : handles_) Watch(handle.state());
  }

  WaitResult<H> Take() {
    WaitResult<H> result;
    for (H& handle : handles_) (handle.Done() ? result.done : result.pending).push_back(std::move(handle));
    return result;
  }

 private:
  std::vector<H> handles_;
};

template <typename V>
inline constexpr bool kIsVector = false;
template <typename E>
inline constexpr bool kIsVector<std::vector<E>> = true;

}  // namespace internal

template <typename H>
  requires std::is_base_of_v<AnyFuture, H>
internal::WaitOperation<H> Wait(std::vector<H> handles, ReturnWhen when, AnyDuration timeout) {
  if (handles.empty()) internal::ThrowEmptySet("Wait()");
  return internal::WaitOperation<H>(std::move(handles), when, timeout);
}

template <typename T>
internal::WaitOperation<Task<T>> Wait(std::vector<Coro<T>>&& coros, internal::PlacedWhen when, AnyDuration timeout) {
  if (coros.empty()) internal::ThrowEmptySet("Wait()");
  return internal::WaitOperation<Task<T>>(internal::SpawnAll("Wait()", std::move(coros), when.where), when.when,
                                          timeout);
}
template <typename T>
void Wait(std::vector<Coro<T>>&, ReturnWhen, AnyDuration) {
  internal::RefuseLvalue<T>();
}

template <typename... A>
  requires internal::Waitables<A...>
internal::WaitOperation<internal::AnyHandle<A...>> Wait(internal::PlacedWhen when, A&&... handles) {
  return Wait(when, absl::InfiniteDuration(), std::forward<A>(handles)...);
}

template <typename... A>
  requires internal::Waitables<A...>
internal::WaitOperation<internal::AnyHandle<A...>> Wait(internal::PlacedWhen when, AnyDuration timeout,
                                                        A&&... handles) {
  internal::RequireUsable("Wait()", handles...);
  using H = internal::AnyHandle<A...>;
  std::vector<H> erased;
  erased.reserve(sizeof...(A));
  (erased.push_back(internal::EnsureHandle(when.where, std::forward<A>(handles))), ...);
  return internal::WaitOperation<H>(std::move(erased), when.when, timeout);
}

// Arguments that no other form takes: says why.
template <typename A, typename... B>
  requires(!internal::Waitables<A, B...> && !internal::TimedWaitables<A, B...>)
internal::WaitOperation<AnyFuture> Wait(ReturnWhen when, A&&, B&&...) {
  static_assert(!(internal::kIsVector<std::remove_cvref_t<A>> || ... || internal::kIsVector<std::remove_cvref_t<B>>),
                "Wait(): a vector comes first: Wait(std::move(tasks), ReturnWhen::kAllCompleted)");
  static_assert((internal::kIsVector<std::remove_cvref_t<A>> || ... || internal::kIsVector<std::remove_cvref_t<B>>),
                "Wait() takes Coros as rvalues (`std::move(coro)`), Tasks, Futures, and operations such as "
                "queue.Get(); a closure needs Spawn(closure) or Invoke(closure); a time-out comes right after the "
                "ReturnWhen");
  return internal::WaitOperation<AnyFuture>(std::vector<AnyFuture>(), when, absl::InfiniteDuration());
}

}  // namespace detent

#endif  // DETENT_RUNTIME_WAIT_H_
