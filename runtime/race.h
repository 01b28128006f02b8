// SPDX-License-Identifier: Apache-2.0
//
// Race: the first to finish wins; the others are cancelled, and have ended before Race() goes on.
//
//   Reply reply = co_await Race(Ask(primary), Ask(replica));
//   std::variant<Order, std::monostate> next = co_await Race(orders.Get(), stop.Wait());
//
// Coros become tasks, and the race is on from the call. The result is the winner's value, or its error; of things with
// different results it is a std::variant of them in argument order (void, and what an AnyTask gives, count as
// std::monostate). An error of a loser counts as looked at.
//
// Order.         Whatever finishes first has won in that very step, in which all others are cancelled. So an operation
//                that takes something (Queue::Get(), Lock::Acquire(), Semaphore::Acquire(), Accept(), Read()) has won,
//                or has taken nothing. Of several that are done at the call the one furthest left wins; the results of
//                the others are their handles'. A Coro of yours that has taken something and then awaits something
//                else can lose with it, like any task that is cancelled, and has to give it back (in a destructor, or
//                with Catch()); if it catches its cancellation and returns a value, nobody gets that. A Race() that
//                is made in the call of a Race() decides both at once: what it has won, the outer one gives. A Coro of
//                yours that awaits a Race() does not: until the losers have ended it can lose with what was won. A
//                Future that loses is cancelled: whoever would have completed it looks at Done() first.
// Errors.        The winner's; std::invalid_argument for an empty vector.
// Suspension.    Always.
// Cancellation.  Before something has finished: cancels all, and throws when they have ended. After that the result or
//                the error comes out all the same, so that nothing is lost, and the next await throws.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_RACE_H_
#define DETENT_RUNTIME_RACE_H_

#include <cstddef>
#include <memory>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "detent/runtime/coro.h"
#include "detent/runtime/handles.h"
#include "detent/runtime/internal/list.h"
#include "detent/runtime/wait.h"

namespace detent {
namespace internal {

// The results' common type, or a variant of them.
template <typename... T>
using RaceResult = std::conditional_t<
    (std::is_same_v<std::tuple_element_t<0, std::tuple<std::type_identity<T>...>>, std::type_identity<T>> && ...),
    typename std::tuple_element_t<0, std::tuple<std::type_identity<T>...>>::type, std::variant<Stored<T>...>>;
template <typename... A>
using RaceCoro = Coro<RaceResult<ResultType<HandleOf<A>>...>>;

}  // namespace internal

// Besides Race(a, b, ...).
template <typename H>
  requires std::is_base_of_v<AnyFuture, H>
Coro<internal::ResultType<H>> Race(std::vector<H> handles,
                                   std::source_location where = std::source_location::current());
template <typename T>
Coro<T> Race(std::vector<Coro<T>>&& coros, std::source_location where = std::source_location::current());
template <typename T>
void Race(std::vector<Coro<T>>& coros);  // Refused when it is compiled: say std::move(coros).

// --------------------------------------------------------------------------------------------------------------------

namespace internal {

// Decides a race, inside the step in which the first of some futures is done: there it has won, and the others are
// cancelled. (Later, two may be done, each with something that nobody else can get any more.) A race that another one
// was made of is decided or called off in the same step as that.
class RaceWatch : public ListLink<RaceWatch> {
 public:
  explicit RaceWatch(std::vector<AnyFuture> contestants);
  RaceWatch(const RaceWatch&) = delete;
  RaceWatch& operator=(const RaceWatch&) = delete;
  ~RaceWatch();

  // `frame` is that of the coroutine that is the race, and has no task yet.
  void SetFrame(PromiseBase& frame);
  // The race has a step of its own.
  void Begin() noexcept;

  const std::vector<AnyFuture>& contestants() const { return contestants_; }
  bool HasWinner() const { return winner_ < contestants_.size(); }
  // REQUIRES: HasWinner().
  size_t winner() const { return winner_; }
  bool IsWinner(const AnyFuture& contestant) const { return HasWinner() && contestant == contestants_[winner_]; }
  // Cancels them all, unless that is done; nobody will win any more. REQUIRES: !HasWinner().
  void CallOff() { CancelLosers(); }

 private:
  class Finish final : public FutureObserver {
   public:
    Finish() {}
    void OnDone(FutureState&) noexcept override { watch->OnFinished(*this); }
    RaceWatch* watch = nullptr;
    RaceWatch* inner = nullptr;  // If what finishes is a race that was made for this one.
  };

  // RunRace() refuses those of other loops.
  bool IsHere(const FutureState& state) const { return &state.core() == core_; }
  // Finds the races that were made for this one.
  void TakeInnerRaces();
  // The number of this contestant, looked for from `guess` down, or as many as there are.
  size_t Find(const FutureState& contestant, size_t guess) const;
  void OnFinished(const Finish& first) noexcept;
  void Decide(const Finish& first) noexcept;
  void CancelLosers() noexcept;
  void StopWatching() noexcept;

  LoopCore* core_;
  PromiseBase* frame_ = nullptr;
  std::vector<AnyFuture> contestants_;
  std::unique_ptr<Finish[]> finishes_;
  size_t winner_;
  bool is_over_ = false;       // It is decided, or called off.
  Finish* outer_ = nullptr;    // Of the race for which this one was made.
  RaceWatch* next_ = nullptr;  // In a list of those to be called off.
};

// Waits until one has won and the rest has ended; gives the winner's index.
Coro<size_t> RunRace(std::unique_ptr<RaceWatch> race);

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
Coro<RaceResult<ResultType<H>...>> RaceTuple(std::tuple<H...> handles, std::unique_ptr<RaceWatch> race) {
  const size_t winner = co_await RunRace(std::move(race));
  co_return TakeWinner<RaceResult<ResultType<H>...>, 0>(handles, winner);
}

template <typename H>
Coro<ResultType<H>> RaceVector(std::vector<H> handles, std::unique_ptr<RaceWatch> race) {
  const size_t winner = co_await RunRace(std::move(race));
  co_return TakeResult(handles[winner]);
}

// Calls `run` with a watch that knows the frame of the coroutine that this gives, made at `where`.
template <typename R>
auto WithWatch(std::source_location where, std::vector<AnyFuture> contestants, R run) {
  auto race = std::make_unique<RaceWatch>(std::move(contestants));
  RaceWatch* const watch = race.get();
  auto frame = run(std::move(race)).Release();
  watch->SetFrame(frame.promise());
  return frame.promise().get_return_object(where);
}

template <typename H>
Coro<ResultType<H>> StartRace(std::source_location where, std::vector<H> handles) {
  std::vector<AnyFuture> erased(handles.begin(), handles.end());
  return WithWatch(where, std::move(erased),
                   [&](std::unique_ptr<RaceWatch> race) { return RaceVector(std::move(handles), std::move(race)); });
}

// Whether a loser that is one takes down an item that was moved into its task.
template <typename A>
concept TakesItemAlong = requires { requires std::remove_cvref_t<A>::kTakesItemAlong; };

template <typename... A>
RaceCoro<A...> RaceAll(std::source_location where, A&&... awaitables) {
  static_assert(
      !(TakesItemAlong<A> || ...),
      "Race(): the item of a Put(std::move(item)) that loses would be gone: say Put(item), which leaves the "
      "item yours, or await it in a closure: Invoke([&]() -> Coro<> { co_await queue.Put(std::move(item)); })");
  RequireUsable("Race()", awaitables...);
  std::tuple<HandleOf<A>...> handles{EnsureHandle(where, std::forward<A>(awaitables))...};
  std::vector<AnyFuture> erased;
  std::apply([&](const auto&... handle) { (erased.push_back(handle), ...); }, handles);
  return WithWatch(where, std::move(erased),
                   [&](std::unique_ptr<RaceWatch> race) { return RaceTuple(std::move(handles), std::move(race)); });
}

}  // namespace internal

DETENT_INTERNAL_PLACED_FORMS(Race, internal::RaceCoro, internal::RaceAll)

template <typename H>
  requires std::is_base_of_v<AnyFuture, H>
Coro<internal::ResultType<H>> Race(std::vector<H> handles, std::source_location where) {
  if (handles.empty()) internal::ThrowEmptySet("Race()");
  return internal::StartRace(where, std::move(handles));
}
template <typename T>
Coro<T> Race(std::vector<Coro<T>>&& coros, std::source_location where) {
  if (coros.empty()) internal::ThrowEmptySet("Race()");
  return internal::StartRace(where, internal::SpawnAll("Race()", std::move(coros), where));
}
template <typename T>
void Race(std::vector<Coro<T>>&) {
  internal::RefuseLvalue<T>();
}

}  // namespace detent

#endif  // DETENT_RUNTIME_RACE_H_
