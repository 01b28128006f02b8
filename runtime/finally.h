// SPDX-License-Identifier: Apache-2.0
//
// Finally: awaits a clean-up however the body ended: with a value, an error or a cancellation.
//
//   co_await Finally([&]() -> Coro<> { co_await Serve(connection); },
//                    [&]() -> Coro<> { co_await connection.Write("bye\n"); });
//
// A body that gives an AsyncGenerator makes Finally() one: the clean-up runs when the sequence ends, and when somebody
// Close()s it. Dropped, it is destroyed like any generator, without the clean-up.
//
// Errors.        An error of the clean-up replaces the body's.
// Suspension.    Where the body and the clean-up suspend.
// Cancellation.  Of the body: the clean-up runs, then the cancellation goes on. Of the clean-up: it is an error of the
//                clean-up like others.
// Ownership.     Both closures are kept until the end.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_FINALLY_H_
#define DETENT_RUNTIME_FINALLY_H_

#include <exception>
#include <functional>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "detent/runtime/async_generator.h"
#include "detent/runtime/closure.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/outcome.h"
#include "detent/runtime/spawn.h"

namespace detent {
namespace internal {

template <typename F, typename G>
CoroFrom<F> FinallyCoro(F body, G cleanup) {
  auto outcome = co_await Catch(CallBody(body));
  co_await cleanup();
  if (!outcome.ok()) co_await Propagate(std::move(outcome));
  co_return std::move(outcome).value();
}

template <typename G>
inline constexpr bool kIsGenerator = false;
template <typename T>
inline constexpr bool kIsGenerator<AsyncGenerator<T>> = true;

// Callable without arguments, giving an AsyncGenerator.
template <typename F>
concept GeneratorFunction = requires { requires kIsGenerator<std::invoke_result_t<std::decay_t<F>&>>; };

template <typename F, typename G>
CoroFrom<F> FinallyGenerator(F body, G cleanup) {
  CoroFrom<F> values;
  Outcome<> ending = Outcome<>::Value();
  try {
    values = std::invoke(body);
  } catch (...) {
    ending = Outcome<>::Error(std::current_exception());
  }
  while (ending.ok()) {
    auto next = co_await Catch(values.Next());
    if (next.cancelled()) {
      ending = Outcome<>::Cancelled();
    } else if (!next.ok()) {
      ending = Outcome<>::Error(next.exception());
    } else if (!next.value().has_value()) {
      break;
    } else {
      try {
        co_yield std::move(*next.value());
      } catch (const CancelledError&) {  // Somebody closes it.
        ending = Outcome<>::Cancelled();
      }
    }
  }
  Outcome<> closed = co_await Catch(values.Close());
  if (!closed.ok()) ending = std::move(closed);
  co_await cleanup();
  if (!ending.ok()) co_await Propagate(std::move(ending));
}

}  // namespace internal

template <typename F, typename G>
  requires(internal::CoroFunction<F> && internal::CoroFunction<G>)
auto Finally(F&& body, G&& cleanup, std::source_location where = std::source_location::current()) {
  DETENT_INTERNAL_CHECK_CLOSURE(F);
  DETENT_INTERNAL_CHECK_CLOSURE(G);
  return internal::FinallyCoro<std::decay_t<F>, std::decay_t<G>>(std::forward<F>(body), std::forward<G>(cleanup))
      .At(where);
}
template <typename F, typename G>
  requires(internal::GeneratorFunction<F> && internal::CoroFunction<G>)
auto Finally(F&& body, G&& cleanup) {
  return internal::FinallyGenerator<std::decay_t<F>, std::decay_t<G>>(std::forward<F>(body), std::forward<G>(cleanup));
}

}  // namespace detent

#endif  // DETENT_RUNTIME_FINALLY_H_
