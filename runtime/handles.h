// SPDX-License-Identifier: Apache-2.0
//
// What Gather(), Wait(), Race(), Shield() and AsCompleted() take: handles as they are, Coros and operations as the
// tasks that they become. For these; nothing that a user calls.
#ifndef DETENT_RUNTIME_HANDLES_H_
#define DETENT_RUNTIME_HANDLES_H_

#include <exception>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "detent/runtime/internal/placed_forms.h"
#include "detent/runtime/spawn.h"
#include "detent/runtime/task.h"

namespace detent::internal {

// A handle as it is; a Coro or an operation as the task that it becomes, which was spawned where the user called.
template <typename T>
Task<T> EnsureHandle(std::source_location where, Coro<T> coro) {
  return Spawn(std::move(coro), SpawnOptions(), where);
}
template <typename Op>
  requires OneShot<Op>
auto EnsureHandle(std::source_location where, Op&& operation) {
  return Spawn(std::move(operation), SpawnOptions(), where);
}
template <typename H>
  requires std::is_base_of_v<AnyFuture, std::remove_cvref_t<H>>
std::remove_cvref_t<H> EnsureHandle(std::source_location, H&& handle) {
  handle.state();
  return std::forward<H>(handle);
}
template <typename A>
using HandleOf = decltype(EnsureHandle(std::source_location(), std::declval<A>()));
template <typename... A>
concept Waitables = sizeof...(A) > 0 && requires { typename std::tuple<HandleOf<A>...>; };

#define DETENT_INTERNAL_PLACED_FORM(n, name, result, start)                                          \
  template <DETENT_INTERNAL_TYPES(n)>                                                                \
    requires ::detent::internal::Waitables<DETENT_INTERNAL_NAMES(n)>                                 \
  [[nodiscard("needs co_await")]] result<DETENT_INTERNAL_NAMES(n)> name(                             \
      DETENT_INTERNAL_PARAMETERS(n), std::source_location where = std::source_location::current()) { \
    return start(where, DETENT_INTERNAL_FORWARDED(n));                                               \
  }

// Defines name(a, b, ...) of things that can be waited for, in terms of `start(where, a, b, ...)`. Of more than twelve
// the tasks that these become lack the line.
#define DETENT_INTERNAL_PLACED_FORMS(name, result, start)                 \
  DETENT_INTERNAL_FORMS(DETENT_INTERNAL_PLACED_FORM, name, result, start) \
  template <typename... A>                                                \
    requires(sizeof...(A) > 12 && ::detent::internal::Waitables<A...>)    \
  [[nodiscard("needs co_await")]] result<A...> name(A&&... awaitables) {  \
    return start(std::source_location(), std::forward<A>(awaitables)...); \
  }

// The result type of a handle; that of one whose type is erased is void.
template <typename H>
struct ResultTypeOf {
  using type = void;
};
template <typename H>
  requires requires { typename H::Value; }
struct ResultTypeOf<H> {
  using type = typename H::Value;
};
template <typename H>
using ResultType = typename ResultTypeOf<std::remove_cvref_t<H>>::type;

// The result of a handle that is done, moved out as by std::move(handle).Result(); or throws how it ended.
template <typename H>
ResultType<H> TakeResult(H& handle) {
  if constexpr (requires { typename H::Value; }) {
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

// Refuses arguments of `what` before any of them is consumed. The Coros among them will deliberately not run, and are
// no "never awaited" of their own.
template <typename... A>
void RequireUsable(const char* what, A&... awaitables) {
  if (CurrentCore() != nullptr && (IsUsable(awaitables) && ...)) [[likely]]
    return;
  const bool usable[] = {IsUsable(awaitables)...};
  constexpr bool kCoro[] = {kIsCoro<A>...};
  (CloseIfCoro(awaitables), ...);
  for (size_t i = 0; i < sizeof...(A); ++i) {
    if (!usable[i]) ThrowUnusable(kCoro[i]);
  }
  if constexpr ((!kIsHandle<A> || ...)) RequireCore(what);  // Something has to be spawned.
}

// Throws if one of them is empty; closes all if they cannot be spawned.
template <typename T>
void RequireUsableCoros(const char* what, std::vector<Coro<T>>& coros) {
  bool usable = true;
  for (const Coro<T>& coro : coros) usable = usable && coro;
  if (!usable || CurrentCore() == nullptr) [[unlikely]] {
    for (Coro<T>& coro : coros) coro.Close();
    if (!usable) ThrowAwaitedTwice();
    RequireCore(what);
  }
}

// What a function that takes a vector of Coros does with one that is passed by its name.
template <typename T>
void RefuseLvalue() {
  static_assert(kIsMoved<T>, "Coros run once, and are moved and not copied: say std::move(coros)");
}

template <typename T>
std::vector<Task<T>> SpawnAll(const char* what, std::vector<Coro<T>> coros, std::source_location where) {
  RequireUsableCoros(what, coros);
  std::vector<Task<T>> tasks;
  tasks.reserve(coros.size());
  for (Coro<T>& coro : coros) tasks.push_back(Spawn(std::move(coro), SpawnOptions(), where));
  return tasks;
}

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_HANDLES_H_
