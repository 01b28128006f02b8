// SPDX-License-Identifier: Apache-2.0
//
// Barrier: tasks that wait for each other until all parties have come.
//
//   Barrier start(3, "start");
//   int index = co_await start.Wait();      // 0, 1 or 2
//
// Order.         The last to come does not suspend for long; the others go on one after the other. A task that comes
//                while a round still leaves waits for the next round.
// Suspension.    Wait() suspends unless the barrier has one party.
// Cancellation.  Takes the task out of the round; another can take its place.
// Errors.        BrokenBarrierError from Wait() if the barrier is reset or aborted. std::invalid_argument for less than
//                one party.
// Ownership.     Must outlive those who wait on it, else they get an InvalidStateError; a barrier destroyed while a
//                place in it is held is reported.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_BARRIER_H_
#define DETENT_RUNTIME_BARRIER_H_

#include <cstdint>
#include <source_location>
#include <string_view>

#include "detent/runtime/condition.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/internal/list.h"

namespace detent {

class Barrier : public internal::NamedObject {
 public:
  explicit Barrier(int parties, std::string_view name = {});
  ~Barrier();

  // Gives a number from 0 to parties - 1, in the order of arrival.
  Coro<int> Wait(std::source_location where = std::source_location::current());
  // Sends those who wait away with BrokenBarrierError; the barrier can be used again.
  Coro<> Reset(std::source_location where = std::source_location::current());
  // As Reset(), and every later Wait() fails until Reset().
  Coro<> Abort(std::source_location where = std::source_location::current());

  int Parties() const { return parties_; }
  // How many wait for the round to fill.
  int Waiting() const;
  bool Broken() const;

 private:
  enum class State : uint8_t { kFilling, kDraining, kResetting, kBroken };
  class Presence;

  Coro<int> WaitCoro();
  Coro<> ResetCoro();
  Coro<> AbortCoro();
  void NoteChange() const;

  Condition changed_;
  int parties_;
  State state_ = State::kFilling;
  int count_ = 0;  // The tasks inside.
  internal::List<Presence> inside_;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_BARRIER_H_
