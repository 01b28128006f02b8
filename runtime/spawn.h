// SPDX-License-Identifier: Apache-2.0
//
// Spawn: starts a task. Invoke: calls a closure that returns a Coro and keeps it alive.
//
//   Task<int> a = Spawn(Length("example.org"), {.name = "a"});
//   Task<>    b = Spawn([&]() -> Coro<> { co_await a; }, {.name = "b"});
//   Task<int> c = Spawn(Add, 1, 2);
//   Task<Order> d = Spawn(orders.Get());              // an operation; so too Gather(), Race(), Shield()
//   int n = co_await Invoke([x = 1](int y) -> Coro<int> { co_return x + y; }, 2);
//
// The forms with a callable move it and its arguments into the task's own frame, as std::thread does. Plain
// `[x]() -> Coro<> {…}()` would leave the coroutine with a closure that is gone.
//
// Suspension.    Neither suspends; the task's first step runs in the next iteration. Awaiting Invoke()'s Coro runs it
//                inline.
// Cancellation.  As Task<T> and Coro<T>.
// Errors.        InvalidStateError outside a running loop.
// Threads.       The loop's own thread only; see RunCoroutineThreadsafe().
#ifndef DETENT_RUNTIME_SPAWN_H_
#define DETENT_RUNTIME_SPAWN_H_

#include <source_location>
#include <type_traits>
#include <utility>

#include "detent/runtime/internal/spawn_forms.h"
#include "detent/runtime/task.h"

namespace detent {
namespace internal {

template <typename T>
[[gnu::always_inline]] inline Task<T> SpawnHere(Coro<T>&& coro, const SpawnOptions& options, std::source_location where) {
  LoopCore* core = CurrentCore();
  if (core == nullptr) [[unlikely]] {
    coro.Close();
    core = &RequireCore("Spawn()");
  }
  return SpawnOn(*core, std::move(coro), options, where);
}

}  // namespace internal

DETENT_INTERNAL_SPAWN_FORMS(internal::SpawnHere)

template <typename F, typename... A>
  requires internal::CoroFunction<F, A...>
auto Invoke(F&& fn, A&&... arguments) {
  DETENT_INTERNAL_CHECK_CLOSURE(F);
  return internal::KeepClosure<std::decay_t<F>, std::decay_t<A>...>(std::forward<F>(fn), std::forward<A>(arguments)...);
}

}  // namespace detent

#endif  // DETENT_RUNTIME_SPAWN_H_
