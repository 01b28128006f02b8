// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/race.h"

namespace detent::internal {

Coro<size_t> RunRace(std::vector<AnyFuture> handles) {
  for (const AnyFuture& handle : handles) handle.state().RequireSameLoop(RequireCore("Race()"), "Race()");
  Outcome<WaitResult<AnyFuture>> first = co_await Catch(Wait(handles, ReturnWhen::kFirstCompleted));
  size_t winner = handles.size();
  std::vector<AnyFuture> losers;
  for (size_t i = 0; i < handles.size(); ++i) {
    if (first.ok() && winner == handles.size() && handles[i].Done()) {
      winner = i;
      continue;
    }
    handles[i].Cancel();
    losers.push_back(handles[i]);
  }
  Outcome<> cancelled = Outcome<>::Value();
  if (!first.ok()) cancelled = Outcome<>::Cancelled();
  // A loser may take its time to end, and this task may be cancelled meanwhile, more than once.
  while (true) {
    std::vector<AnyFuture> alive;
    for (const AnyFuture& loser : losers) {
      if (!loser.Done()) alive.push_back(loser);
    }
    if (alive.empty()) break;
    Outcome<WaitResult<AnyFuture>> rest = co_await Catch(Wait(std::move(alive), ReturnWhen::kAllCompleted));
    if (!rest.ok()) cancelled = Outcome<>::Cancelled();
  }
  for (const AnyFuture& loser : losers) loser.state().MarkRetrieved();
  if (!cancelled.ok()) {
    if (winner != handles.size()) handles[winner].state().MarkRetrieved();
    co_await Propagate(std::move(cancelled));
  }
  co_return winner;
}

}  // namespace detent::internal
