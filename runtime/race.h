// SPDX-License-Identifier: Apache-2.0
//
// Race: the first to finish wins; the others are cancelled, and have ended before Race() goes on.
//
//   Reply reply = co_await Race(Ask(primary), Ask(replica));
//
// Coros become tasks. The result is the winner's value, or its error; of things with different results it is a
// std::variant of them in argument order (void, and what an AnyTask gives, count as std::monostate). If several have finished when the racing task
// runs again, the one furthest left wins. An error of a loser counts as looked at.
//
// Errors.        The winner's; std::invalid_argument for an empty vector.
// Suspension.    Always.
// Cancellation.  Cancels all and throws when they have ended.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_RACE_H_
#define DETENT_RUNTIME_RACE_H_

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "detent/runtime/coro.h"
#include "detent/runtime/finally.h"
#include "detent/runtime/wait.h"

namespace detent {
namespace internal {

// Waits until one of `handles` is done, then cancels and awaits the rest; gives the winner's index.
Coro<size_t> RunRace(std::vector<AnyFuture> handles);

template <typename... T>
using RaceResult = std::conditional_t<(std::is_same_v<std::tuple_element_t<0, std::tuple<std::type_identity<T>...>>,
                                                      std::type_identity<T>> &&
                                       ...),
                                      typename std::tuple_element_t<0, std::tuple<std::type_identity<T>...>>::type,
                                      std::variant<Stored<T>...>>;

template <typename R, size_t kIndex, typename... H>
R TakeWinner(std::tuple<H...>& handles, size_t winner) {
  if constexpr (kIndex + 1 < sizeof...(H)) {
    if (winner != kIndex) return TakeWinner<R, kIndex + 1>(handles, winner);
  }
  auto& handle = std::get<kIndex>(handles);
  if constexpr (std::is_same_v<R, ResultType<decltype(handle)>>) {
    return TakeResult(handle);
  } else if constexpr (std::is_void_v<ResultType<decltype(handle)>>) {
    TakeResult(handle);
    return R(std::in_place_index<kIndex>);
  } else {
    return R(std::in_place_index<kIndex>, TakeResult(handle));
  }
}

template <typename... H>
Coro<RaceResult<ResultType<H>...>> RaceTuple(std::tuple<H...> handles) {
  std::vector<AnyFuture> erased;
  std::apply([&](const auto&... handle) { (erased.push_back(handle), ...); }, handles);
  const size_t winner = co_await RunRace(std::move(erased));
  co_return TakeWinner<RaceResult<ResultType<H>...>, 0>(handles, winner);
}

template <typename H>
Coro<ResultType<H>> RaceVector(std::vector<H> handles) {
  std::vector<AnyFuture> erased(handles.begin(), handles.end());
  const size_t winner = co_await RunRace(std::move(erased));
  co_return TakeResult(handles[winner]);
}

}  // namespace internal

template <typename... A>
  requires(sizeof...(A) > 0 && requires { typename std::tuple<internal::HandleOf<A>...>; })
auto Race(A&&... awaitables) {
  internal::RequireUsable(awaitables...);
  std::tuple<internal::HandleOf<A>...> handles{internal::EnsureHandle(std::forward<A>(awaitables))...};
  return internal::RaceTuple(std::move(handles));
}
template <typename H>
  requires std::is_base_of_v<AnyFuture, H>
auto Race(std::vector<H> handles) {
  if (handles.empty()) internal::ThrowEmptyWait();
  return internal::RaceVector(std::move(handles));
}
template <typename T>
auto Race(std::vector<Coro<T>> coros) {
  if (coros.empty()) internal::ThrowEmptyWait();
  return internal::RaceVector(internal::SpawnAll(std::move(coros)));
}

}  // namespace detent

#endif  // DETENT_RUNTIME_RACE_H_
