// SPDX-License-Identifier: Apache-2.0
//
// Converge: that a system comes to rest in the right state, once nothing disturbs it any more.
//
//   world.Heal();
//   co_await world.Converge(absl::Minutes(1), [&] { return AllEqual(world); });
//
// Outside a World: co_await sim::Converge(absl::Minutes(1), [&] { ... }).
//
// Order.         The predicate is asked at once, and then after a millisecond, two, four..., at most a hundredth of
//                the limit apart. It must neither suspend nor change anything.
// Suspension.    Until the predicate holds.
// Cancellation.  Ends it.
// Errors.        ConvergeError when the limit is over: stuck if nothing had moved for half of it, so that somebody
//                waits for what does not come; livelock if steps went on, as those of who tries again and again.
//                std::invalid_argument for a limit that is no time or infinite: it would never be said to have failed.
//                What the predicate throws.
// Threads.       The loop's own thread only.
#ifndef DETENT_SIM_WORLD_CONVERGE_H_
#define DETENT_SIM_WORLD_CONVERGE_H_

#include <functional>
#include <source_location>
#include <stdexcept>
#include <string>

#include "detent/runtime/any_duration.h"
#include "detent/runtime/coro.h"

namespace detent::sim {

class ConvergeError : public std::runtime_error {
 public:
  enum class Verdict { kStuck, kLivelock };

  ConvergeError(Verdict verdict, const std::string& what) : std::runtime_error(what), verdict_(verdict) {}

  Verdict verdict() const { return verdict_; }

 private:
  const Verdict verdict_;
};

Coro<> Converge(AnyDuration limit, std::function<bool()> predicate,
                std::source_location where = std::source_location::current());

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_CONVERGE_H_
