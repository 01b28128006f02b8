// SPDX-License-Identifier: Apache-2.0
//
// Things that are awaited once and are neither a Coro nor a handle: an operation such as Sleep(d) or queue.Get(), a
// generator's Next(), what Settle() gives. Whatever takes a Coro takes them too, as the Coro that awaits them.
#ifndef DETENT_RUNTIME_INTERNAL_AWAIT_ONCE_H_
#define DETENT_RUNTIME_INTERNAL_AWAIT_ONCE_H_

#include <type_traits>
#include <utility>

#include "detent/runtime/coro.h"
#include "detent/runtime/future.h"
#include "detent/runtime/internal/awaiting.h"

namespace detent::internal {

template <typename C>
inline constexpr bool kIsCoro = false;
template <typename T>
inline constexpr bool kIsCoro<Coro<T>> = true;

template <typename H>
inline constexpr bool kIsHandle = std::is_base_of_v<AnyFuture, std::remove_cvref_t<H>>;

template <typename A>
concept OneShot = Awaitable<A> && !std::is_reference_v<A> && !kIsCoro<A> && !kIsHandle<A>;

// Of an operation that refers to something of its caller's, which the task may outlive: takes that along.
template <typename A>
  requires requires(A&& awaitable) { std::move(awaitable).TakingAlong(); }
auto AwaitOnce(A&& awaitable) {
  return std::move(awaitable).TakingAlong();
}
template <typename A>
  requires(!requires(A&& awaitable) { std::move(awaitable).TakingAlong(); })
auto AwaitOnce(A awaitable) -> Coro<std::remove_cvref_t<AwaitResult<A>>> {
  co_return co_await std::move(awaitable);
}

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_AWAIT_ONCE_H_
