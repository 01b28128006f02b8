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

#include "detent/runtime/closure.h"
#include "detent/runtime/internal/awaiting.h"
#include "detent/runtime/internal/placed_forms.h"
#include "detent/runtime/task.h"

namespace detent {
namespace internal {

// --- What can be spawned ---
//
// Besides a Coro and a closure: what is awaited once and is no handle, an operation such as Sleep(d) or queue.Get(), a
// generator's Next(), what Settle() gives. Whatever takes a Coro takes them too, as the Coro that awaits them.

template <typename C>
inline constexpr bool kIsCoro = false;
template <typename T>
inline constexpr bool kIsCoro<Coro<T>> = true;

template <typename H>
inline constexpr bool kIsHandle = std::is_base_of_v<AnyFuture, std::remove_cvref_t<H>>;

template <typename A>
concept OneShot = Awaitable<A> && !std::is_reference_v<A> && !kIsCoro<A> && !kIsHandle<A>;

// An operation that borrows (Put(T&&)) offers IntoCoro(): a Coro that owns what was borrowed.
template <typename A>
  requires requires(A&& awaitable) { std::move(awaitable).IntoCoro(); }
auto AsCoro(A&& awaitable) {
  return std::move(awaitable).IntoCoro();
}
template <typename A>
  requires(!requires(A&& awaitable) { std::move(awaitable).IntoCoro(); })
auto AsCoro(A awaitable) -> Coro<std::remove_cvref_t<AwaitResult<A>>> {
  co_return co_await std::move(awaitable);
}

// Callable with A..., giving a Coro.
template <typename F, typename... A>
concept CoroFunction = requires { requires kIsCoro<std::invoke_result_t<std::decay_t<F>&, std::decay_t<A>...>>; };

template <typename F, typename... A>
using TaskFrom = Task<typename std::invoke_result_t<std::decay_t<F>&, std::decay_t<A>...>::Result>;

// The Coro that calls `fn` and keeps it and its arguments.
template <typename F, typename... A>
auto KeepCall(F&& fn, A&&... arguments) {
  return KeepClosure<std::decay_t<F>, std::decay_t<A>...>(std::forward<F>(fn), std::forward<A>(arguments)...);
}

}  // namespace internal

#define DETENT_INTERNAL_SPAWN_FORM(n, start)                                                                       \
  template <typename F, DETENT_INTERNAL_TYPES(n)>                                                                  \
    requires(::detent::internal::CoroFunction<F, DETENT_INTERNAL_NAMES(                                            \
                                                     n)>)::detent::internal::TaskFrom<F, DETENT_INTERNAL_NAMES(n)> \
  Spawn(F&& fn, DETENT_INTERNAL_PARAMETERS(n), std::source_location where = std::source_location::current()) {     \
    return start(::detent::internal::KeepCall(std::forward<F>(fn), DETENT_INTERNAL_FORWARDED(n)),                  \
                 ::detent::SpawnOptions(), where);                                                                 \
  }

// Defines Spawn(coro, options), Spawn(operation, options), Spawn(fn, options) and Spawn(fn, arguments...) in terms of
// `start(coro, options, where)`: for the free function and for TaskGroup. With more than twelve arguments the task's
// report lacks the line.
#define DETENT_INTERNAL_SPAWN_FORMS(start)                                                                        \
  template <typename T>                                                                                           \
  ::detent::Task<T> Spawn(::detent::Coro<T> coro, ::detent::SpawnOptions options = ::detent::SpawnOptions(),      \
                          std::source_location where = std::source_location::current()) {                         \
    return start(std::move(coro), options, where);                                                                \
  }                                                                                                               \
  template <typename Op>                                                                                          \
    requires(::detent::internal::OneShot<Op>)                                                                     \
  auto Spawn(Op&& operation, ::detent::SpawnOptions options = ::detent::SpawnOptions(),                           \
             std::source_location where = std::source_location::current()) {                                      \
    return start(::detent::internal::AsCoro<Op>(std::move(operation)), options, where);                           \
  }                                                                                                               \
  template <typename F>                                                                                           \
    requires(::detent::internal::CoroFunction<F>)::detent::internal::TaskFrom<F>                                  \
  Spawn(F&& fn, ::detent::SpawnOptions options = ::detent::SpawnOptions(),                                        \
        std::source_location where = std::source_location::current()) {                                           \
    return start(::detent::internal::KeepCall(std::forward<F>(fn)), options, where);                              \
  }                                                                                                               \
  DETENT_INTERNAL_FORMS(DETENT_INTERNAL_SPAWN_FORM, start)                                                        \
  template <typename F, typename... A>                                                                            \
    requires(sizeof...(A) > 12 && ::detent::internal::CoroFunction<F, A...>)::detent::internal::TaskFrom<F, A...> \
  Spawn(F&& fn, A&&... arguments) {                                                                               \
    return start(::detent::internal::KeepCall(std::forward<F>(fn), std::forward<A>(arguments)...),                \
                 ::detent::SpawnOptions(), std::source_location());                                               \
  }

namespace internal {

template <typename T>
[[gnu::always_inline]] inline Task<T> SpawnHere(Coro<T>&& coro, const SpawnOptions& options,
                                                std::source_location where) {
  LoopCore* core = CurrentCore();
  if (core == nullptr || core->IsDisowned()) [[unlikely]] {
    coro.Close();
    core = &RequireCore("Spawn()");
  }
  return SpawnOn(*core, std::move(coro), options, where);
}

}  // namespace internal

DETENT_INTERNAL_SPAWN_FORMS(internal::SpawnHere)

#define DETENT_INTERNAL_INVOKE_FORM(n, at)                                                                           \
  template <typename F, DETENT_INTERNAL_TYPES(n)>                                                                    \
    requires internal::CoroFunction<F, DETENT_INTERNAL_NAMES(n)>                                                     \
  auto Invoke(F&& fn, DETENT_INTERNAL_PARAMETERS(n), std::source_location where = std::source_location::current()) { \
    DETENT_INTERNAL_CHECK_CLOSURE(F);                                                                                \
    return internal::KeepCall(std::forward<F>(fn), DETENT_INTERNAL_FORWARDED(n)).at(where);                          \
  }

template <typename F>
  requires internal::CoroFunction<F>
auto Invoke(F&& fn, std::source_location where = std::source_location::current()) {
  DETENT_INTERNAL_CHECK_CLOSURE(F);
  return internal::KeepCall(std::forward<F>(fn)).At(where);
}
DETENT_INTERNAL_FORMS(DETENT_INTERNAL_INVOKE_FORM, At)
// With more than twelve arguments a report lacks the line.
template <typename F, typename... A>
  requires(sizeof...(A) > 12 && internal::CoroFunction<F, A...>)
auto Invoke(F&& fn, A&&... arguments) {
  DETENT_INTERNAL_CHECK_CLOSURE(F);
  return internal::KeepCall(std::forward<F>(fn), std::forward<A>(arguments)...).At(std::source_location());
}

}  // namespace detent

#endif  // DETENT_RUNTIME_SPAWN_H_
