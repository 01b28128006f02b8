// SPDX-License-Identifier: Apache-2.0
//
// The forms of Spawn(), written once for the free function and for TaskGroup.
//
// A defaulted source_location cannot follow a parameter pack, so the forms with arguments are spelled out up to four;
// with more the task's report lacks the line that spawned it.
#ifndef DETENT_RUNTIME_INTERNAL_SPAWN_FORMS_H_
#define DETENT_RUNTIME_INTERNAL_SPAWN_FORMS_H_

#include <source_location>
#include <type_traits>
#include <utility>

#include "detent/runtime/internal/await_once.h"
#include "detent/runtime/internal/keep_closure.h"
#include "detent/runtime/task.h"

namespace detent::internal {

// Callable with A..., giving a Coro.
template <typename F, typename... A>
concept CoroFunction = requires { requires kIsCoro<std::invoke_result_t<std::decay_t<F>&, std::decay_t<A>...>>; };

template <typename F, typename... A>
using TaskFrom = Task<typename std::invoke_result_t<std::decay_t<F>&, std::decay_t<A>...>::Result>;

}  // namespace detent::internal

// Defines Spawn(coro, options), Spawn(operation, options), Spawn(fn, options) and Spawn(fn, arguments...) in terms of
// `start(coro, options, where)`.
#define DETENT_INTERNAL_SPAWN_FORMS(start)                                                                           \
  template <typename T>                                                                                              \
  ::detent::Task<T> Spawn(::detent::Coro<T> coro, ::detent::SpawnOptions options = ::detent::SpawnOptions(),        \
                          std::source_location where = std::source_location::current()) {                           \
    return start(std::move(coro), options, where);                                                                   \
  }                                                                                                                  \
  template <typename Op>                                                                                             \
    requires(::detent::internal::OneShot<Op>)                                                                        \
  auto Spawn(Op&& operation, ::detent::SpawnOptions options = ::detent::SpawnOptions(),                              \
             std::source_location where = std::source_location::current()) {                                        \
    return start(::detent::internal::AwaitOnce<Op>(std::move(operation)), options, where);                           \
  }                                                                                                                  \
  template <typename F>                                                                                              \
    requires(::detent::internal::CoroFunction<F>)                                                                    \
  ::detent::internal::TaskFrom<F> Spawn(F&& fn, ::detent::SpawnOptions options = ::detent::SpawnOptions(),          \
                                        std::source_location where = std::source_location::current()) {             \
    return start(::detent::internal::KeepClosure<std::decay_t<F>>(std::forward<F>(fn)), options, where);             \
  }                                                                                                                  \
  template <typename F, typename A>                                                                                  \
    requires(::detent::internal::CoroFunction<F, A>)                                                                 \
  ::detent::internal::TaskFrom<F, A> Spawn(F&& fn, A&& a,                                                            \
                                           std::source_location where = std::source_location::current()) {          \
    return start(::detent::internal::KeepClosure<std::decay_t<F>, std::decay_t<A>>(std::forward<F>(fn),              \
                                                                                   std::forward<A>(a)),              \
                 ::detent::SpawnOptions(), where);                                                                   \
  }                                                                                                                  \
  template <typename F, typename A, typename B>                                                                      \
    requires(::detent::internal::CoroFunction<F, A, B>)                                                              \
  ::detent::internal::TaskFrom<F, A, B> Spawn(F&& fn, A&& a, B&& b,                                                  \
                                              std::source_location where = std::source_location::current()) {       \
    return start(::detent::internal::KeepClosure<std::decay_t<F>, std::decay_t<A>, std::decay_t<B>>(                 \
                     std::forward<F>(fn), std::forward<A>(a), std::forward<B>(b)),                                   \
                 ::detent::SpawnOptions(), where);                                                                   \
  }                                                                                                                  \
  template <typename F, typename A, typename B, typename C>                                                          \
    requires(::detent::internal::CoroFunction<F, A, B, C>)                                                           \
  ::detent::internal::TaskFrom<F, A, B, C> Spawn(F&& fn, A&& a, B&& b, C&& c,                                        \
                                                 std::source_location where = std::source_location::current()) {    \
    return start(::detent::internal::KeepClosure<std::decay_t<F>, std::decay_t<A>, std::decay_t<B>, std::decay_t<C>>( \
                     std::forward<F>(fn), std::forward<A>(a), std::forward<B>(b), std::forward<C>(c)),               \
                 ::detent::SpawnOptions(), where);                                                                   \
  }                                                                                                                  \
  template <typename F, typename A, typename B, typename C, typename D, typename... E>                               \
    requires(::detent::internal::CoroFunction<F, A, B, C, D, E...>)                                                  \
  ::detent::internal::TaskFrom<F, A, B, C, D, E...> Spawn(F&& fn, A&& a, B&& b, C&& c, D&& d, E&&... e) {            \
    return start(::detent::internal::KeepClosure<std::decay_t<F>, std::decay_t<A>, std::decay_t<B>, std::decay_t<C>, \
                                                 std::decay_t<D>, std::decay_t<E>...>(                               \
                     std::forward<F>(fn), std::forward<A>(a), std::forward<B>(b), std::forward<C>(c),                \
                     std::forward<D>(d), std::forward<E>(e)...),                                                     \
                 ::detent::SpawnOptions(), std::source_location());                                                  \
  }

#endif  // DETENT_RUNTIME_INTERNAL_SPAWN_FORMS_H_
