// SPDX-License-Identifier: Apache-2.0
//
// Wait: waits for the first, for the first failed, or for all of a set of tasks and futures. asyncio's wait().
//
//   WaitResult<Task<int>> result = co_await Wait(tasks, ReturnWhen::kFirstCompleted, absl::Seconds(1));
//   for (Task<int>& task : result.pending) task.Cancel();
//
// The result holds the handles that are done when the waiting task runs again, and the rest, each in the order in which
// they were given; a handle given twice counts once. A time-out throws nothing and cancels nothing. Coros are spawned
// in argument order, at the call.
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
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "detent/runtime/internal/await_once.h"
#include "detent/runtime/internal/future_state.h"
#include "detent/runtime/internal/timer_heap.h"
#include "detent/runtime/internal/wait_node.h"
#include "detent/runtime/spawn.h"
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

// Waits until enough of some futures are done. Two trips through the ready queue: the deciding future's, the task's.
class WaitForSome : public WaitNode, public Runnable {
 public:
  WaitForSome(ReturnWhen when, absl::Duration timeout) : when_(when), timeout_(timeout) {}
  WaitForSome(WaitForSome&&) = default;

  bool Ready(TaskState&) const { return false; }
  WaitNode* Suspend(TaskState& task);
  Ending End(TaskState& task);
  std::exception_ptr TakeError() const { return nullptr; }

  void Abandon() noexcept final;
  WaitKind Kind() const final { return WaitKind::kWait; }
  std::string Describe() const final;
  void AddBlockers(std::vector<TaskState*>& tasks) const final;
  void Run() final;  // The deciding future's trip.
  uint64_t Lane() const final;

 protected:
  ~WaitForSome() = default;
  void Watch(FutureState& state) { states_.push_back(&state); }

 private:
  class Watcher final : public Observer {
   public:
    Watcher() {}
    void OnDone(FutureState& state) noexcept override { owner->Count(state); }
    WaitForSome* owner = nullptr;
  };
  class Deadline final : public Timer {
   public:
    Deadline() {}
    void Run() override { owner->Wake(); }
    uint64_t Lane() const override { return owner->Lane(); }
    WaitForSome* owner = nullptr;
  };

  void Count(FutureState& state) noexcept;

  ReturnWhen when_;
  bool decided_ = false;
  absl::Duration timeout_;
  size_t left_ = 0;
  std::vector<FutureState*> states_;  // Kept alive by the handles of WaitOperation.
  std::unique_ptr<Watcher[]> watchers_;
  Deadline deadline_;
};

// Removes handles that stand further left already.
template <typename H>
std::vector<H> WithoutRepeats(std::vector<H> handles);

template <typename H>
class WaitOperation final : public WaitForSome {
 public:
  WaitOperation(std::vector<H> handles, ReturnWhen when, absl::Duration timeout)
      : WaitForSome(when, timeout), handles_(WithoutRepeats(std::move(handles))) {
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

[[noreturn]] void ThrowEmptyWait();

template <typename V>
inline constexpr bool kIsVector = false;
template <typename E>
inline constexpr bool kIsVector<std::vector<E>> = true;

// A handle as it is; a Coro or an operation as the task that it becomes.
template <typename T>
Task<T> EnsureHandle(Coro<T> coro) {
  return Spawn(std::move(coro));
}
template <typename Op>
  requires OneShot<Op>
auto EnsureHandle(Op&& operation) {
  return Spawn(std::move(operation));
}
template <typename H>
  requires std::is_base_of_v<AnyFuture, std::remove_cvref_t<H>>
std::remove_cvref_t<H> EnsureHandle(H&& handle) {
  handle.state();
  return std::forward<H>(handle);
}
template <typename A>
using HandleOf = decltype(EnsureHandle(std::declval<A>()));

// The result type of a handle; that of one whose type is erased is void.
template <typename H>
struct ResultTypeOf {
  using type = void;
};
template <typename H>
  requires requires { typename H::Result_; }
struct ResultTypeOf<H> {
  using type = typename H::Result_;
};
template <typename H>
using ResultType = typename ResultTypeOf<std::remove_cvref_t<H>>::type;

// The result of a handle that is done, moved out as by std::move(handle).Result(); or throws how it ended.
template <typename H>
ResultType<H> TakeResult(H& handle) {
  if constexpr (requires { typename H::Result_; }) {
    return std::move(handle).Result();
  } else {
    if (std::exception_ptr error = handle.Exception()) std::rethrow_exception(std::move(error));
  }
}

template <typename A>
bool IsUsable(const A& awaitable) {
  if constexpr (kIsCoro<A> || kIsHandle<A>) {
    return static_cast<bool>(awaitable);
  } else {
    return true;
  }
}

template <typename A>
void CloseIfCoro(A& awaitable) {
  if constexpr (kIsCoro<A>) awaitable.Close();
}

[[noreturn]] void ThrowUnusable(bool is_coro);

// Refuses arguments before any of them is consumed. The Coros among them will deliberately not run, and are no "never
// awaited" of their own.
template <typename... A>
void RequireUsable(A&... awaitables) {
  if (CurrentCore() != nullptr && (IsUsable(awaitables) && ...)) [[likely]] return;
  const bool usable[] = {IsUsable(awaitables)...};
  constexpr bool kCoro[] = {kIsCoro<A>...};
  (CloseIfCoro(awaitables), ...);
  for (size_t i = 0; i < sizeof...(A); ++i) {
    if (!usable[i]) ThrowUnusable(kCoro[i]);
  }
}

// Throws if one of them is empty; closes all if they cannot be spawned.
template <typename T>
void RequireUsableCoros(std::vector<Coro<T>>& coros) {
  bool usable = true;
  for (const Coro<T>& coro : coros) usable = usable && coro;
  if (!usable || CurrentCore() == nullptr) [[unlikely]] {
    for (Coro<T>& coro : coros) coro.Close();
    if (!usable) ThrowAwaitedTwice();
  }
}

template <typename T>
std::vector<Task<T>> SpawnAll(std::vector<Coro<T>> coros) {
  RequireUsableCoros(coros);
  std::vector<Task<T>> tasks;
  tasks.reserve(coros.size());
  for (Coro<T>& coro : coros) tasks.push_back(Spawn(std::move(coro)));
  return tasks;
}

}  // namespace internal

template <typename H>
  requires std::is_base_of_v<AnyFuture, H>
internal::WaitOperation<H> Wait(std::vector<H> handles, ReturnWhen when,
                                absl::Duration timeout = absl::InfiniteDuration()) {
  if (handles.empty()) internal::ThrowEmptyWait();
  return internal::WaitOperation<H>(std::move(handles), when, timeout);
}

template <typename T>
internal::WaitOperation<Task<T>> Wait(std::vector<Coro<T>> coros, ReturnWhen when,
                                      absl::Duration timeout = absl::InfiniteDuration()) {
  if (coros.empty()) internal::ThrowEmptyWait();
  return internal::WaitOperation<Task<T>>(internal::SpawnAll(std::move(coros)), when, timeout);
}

// The same for handles and Coros of different types: the result has AnyTasks, or AnyFutures if there is a Future.
template <typename... A>
  requires(sizeof...(A) > 0 && requires { typename std::tuple<internal::HandleOf<A>...>; })
auto Wait(ReturnWhen when, A&&... handles) {
  internal::RequireUsable(handles...);
  constexpr bool kAllTasks = (std::is_base_of_v<AnyTask, internal::HandleOf<A>> && ...);
  using H = std::conditional_t<kAllTasks, AnyTask, AnyFuture>;
  std::vector<H> erased;
  erased.reserve(sizeof...(A));
  (erased.push_back(internal::EnsureHandle(std::forward<A>(handles))), ...);
  return internal::WaitOperation<H>(std::move(erased), when, absl::InfiniteDuration());
}

// Arguments that no other form takes: says why.
template <typename... A>
  requires(sizeof...(A) > 0 && !requires { typename std::tuple<internal::HandleOf<A>...>; })
internal::WaitOperation<AnyFuture> Wait(ReturnWhen when, A&&...) {
  static_assert(!(internal::kIsVector<std::remove_cvref_t<A>> || ...),
                "Wait(): a vector comes first: Wait(std::move(tasks), ReturnWhen::kAllCompleted)");
  static_assert((internal::kIsVector<std::remove_cvref_t<A>> || ...),
                "Wait() takes Coros as rvalues (`std::move(coro)`), Tasks, Futures, and operations such as "
                "queue.Get(); a closure needs Spawn(closure) or Invoke(closure)");
  return internal::WaitOperation<AnyFuture>(std::vector<AnyFuture>(), when, absl::InfiniteDuration());
}

// ---------------------------------------------------------------------------------------------------------------------

namespace internal {

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

}  // namespace internal
}  // namespace detent

#endif  // DETENT_RUNTIME_WAIT_H_
