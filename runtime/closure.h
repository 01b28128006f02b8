// SPDX-License-Identifier: Apache-2.0
//
// A closure and its arguments, kept in the frame of the coroutine that calls it: a lambda's captures die with the
// lambda, not with the coroutine that it returned.
#ifndef DETENT_RUNTIME_CLOSURE_H_
#define DETENT_RUNTIME_CLOSURE_H_

#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

#include "detent/runtime/coro.h"

namespace detent {

// Tells a function that takes a closure that `closure` is a named object, not a temporary of the co_await expression;
// see DETENT_INTERNAL_CHECK_CLOSURE.
//
//   auto body = [name = std::move(name)](Timeout&) -> Coro<> { ... };
//   co_await WithTimeout(absl::Seconds(1), Named(std::move(body)));
template <typename F>
class Named {
 public:
  explicit Named(F&& closure) : closure_(std::move(closure)) {}
  template <typename... A>
  auto operator()(A&&... arguments) {
    return closure_(std::forward<A>(arguments)...);
  }

 private:
  F closure_;
};

namespace internal {

template <typename F>
inline constexpr bool kIsNamed = false;
template <typename F>
inline constexpr bool kIsNamed<Named<F>> = true;

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ <= 12
inline constexpr bool kDestroysClosuresTwice = true;
#else
inline constexpr bool kDestroysClosuresTwice = false;
#endif

// Whether a closure of type F (as a forwarding reference) may be made inside a co_await expression.
template <typename F>
inline constexpr bool kClosureIsSafe = !kDestroysClosuresTwice || std::is_lvalue_reference_v<F> ||
                                       std::is_trivially_destructible_v<std::decay_t<F>> || kIsNamed<std::decay_t<F>>;

#define DETENT_INTERNAL_CHECK_CLOSURE(F)                                                                        \
  static_assert(::detent::internal::kClosureIsSafe<F>,                                                          \
                "g++ 12 destroys a temporary closure twice if it is made inside a co_await expression and has " \
                "captures with destructors. Give the closure a name first and pass it as an lvalue or as "      \
                "detent::Named(std::move(closure)), or capture by reference")

// What a callable of ours returns when called with A...: a Coro.
template <typename F, typename... A>
using CoroFrom = std::invoke_result_t<F&, A...>;

template <typename F, typename... A>
CoroFrom<F, A...> KeepClosure(F function, A... arguments) {
  // Called right here where that works: what the call converts for its parameters (a literal for a const std::string&)
  // then lives until the await has ended, and not only inside std::invoke().
  if constexpr (requires { function(std::forward<A>(arguments)...); }) {
    co_return co_await function(std::forward<A>(arguments)...);
  } else {
    co_return co_await std::invoke(function, std::forward<A>(arguments)...);
  }
}

// A coroutine that ends with `error`.
template <typename T>
Coro<T> FailedCoro(std::exception_ptr error) {
  std::rethrow_exception(std::move(error));
  co_return co_await Coro<T>();  // Makes it a coroutine.
}

// `function(arguments...)` for a block that has work to do at its end: a function that throws before it gives a
// coroutine gives one that throws, and the block ends like any other.
template <typename F, typename... A>
CoroFrom<F, A&...> CallBody(F& function, A&... arguments) {
  try {
    return std::invoke(function, arguments...);
  } catch (...) {
    return FailedCoro<typename CoroFrom<F, A&...>::Result>(std::current_exception());
  }
}

}  // namespace internal
}  // namespace detent

#endif  // DETENT_RUNTIME_CLOSURE_H_
