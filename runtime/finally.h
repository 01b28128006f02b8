// SPDX-License-Identifier: Apache-2.0
//
// Finally: awaits a clean-up however the body ended: with a value, an error or a cancellation.
//
//   co_await Finally([&]() -> Coro<> { co_await Serve(connection); },
//                    [&]() -> Coro<> { co_await connection.Write("bye\n"); });
//
// Errors.        An error of the clean-up replaces the body's.
// Suspension.    Where the body and the clean-up suspend.
// Cancellation.  Of the body: the clean-up runs, then the cancellation goes on. Of the clean-up: it is an error of the
//                clean-up like others.
// Ownership.     Both closures are kept until the end.
#ifndef DETENT_RUNTIME_FINALLY_H_
#define DETENT_RUNTIME_FINALLY_H_

#include <type_traits>
#include <utility>

#include "detent/runtime/coro.h"
#include "detent/runtime/internal/keep_closure.h"
#include "detent/runtime/internal/spawn_forms.h"
#include "detent/runtime/outcome.h"

namespace detent {
namespace internal {

template <typename F, typename G>
CoroFrom<F> FinallyCoro(F body, G cleanup) {
  auto outcome = co_await Catch(body());
  co_await cleanup();
  if (!outcome.ok()) co_await Propagate(std::move(outcome));
  co_return std::move(outcome).value();
}

}  // namespace internal

template <typename F, typename G>
  requires(internal::CoroFunction<F> && internal::CoroFunction<G>)
auto Finally(F&& body, G&& cleanup) {
  DETENT_INTERNAL_CHECK_CLOSURE(F);
  DETENT_INTERNAL_CHECK_CLOSURE(G);
  return internal::FinallyCoro<std::decay_t<F>, std::decay_t<G>>(std::forward<F>(body), std::forward<G>(cleanup));
}

}  // namespace detent

#endif  // DETENT_RUNTIME_FINALLY_H_
