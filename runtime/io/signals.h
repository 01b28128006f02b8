// SPDX-License-Identifier: Apache-2.0
//
// Signals: signals of the process as something to await. RaiseSignal() sends one to this program.
//
//   Signals signals(SIGHUP, SIGUSR1);
//   while (true) {
//     const int signal = co_await signals.Next();
//     if (signal == SIGHUP) ReadConfigurationAgain();
//   }
//
// For SIGTERM and SIGINT see RunOptions::stop_signals. EventLoop::AddSignalHandler() calls a function instead.
//
// Order.         Signals in the order in which the loop saw them; of those that came between two looks the lower number
//                first. Several of one signal that nobody has taken yet are one. Everybody who takes a signal gets it:
//                each Signals, each handler, in each loop of the process; tasks that wait at one Signals take turns.
// Suspension.    Next() suspends only while no signal has come, or others wait for one.
// Cancellation.  A cancelled Next() took no signal: the next one gets it.
// Errors.        std::invalid_argument for a signal that cannot be taken (signal_set.h). std::system_error if the
//                system refuses. InvalidStateError outside a running loop.
// Ownership.     While a Signals lives its signals do nothing but this. When the last one in the process that takes a
//                signal goes, the signal does again what it did before, and one that came in vain does so at once: a
//                SIGTERM that nobody took ends the program after all. It is neither copied nor moved.
// Threads.       The loop's own thread only. Any thread may have a loop that takes signals. A process that comes of
//                fork() is not this one: there its signals do what they did before, until it takes them itself.
#ifndef DETENT_RUNTIME_IO_SIGNALS_H_
#define DETENT_RUNTIME_IO_SIGNALS_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "detent/runtime/internal/awaiting.h"
#include "detent/runtime/internal/parked_wait.h"
#include "detent/runtime/internal/wait_list.h"
#include "detent/runtime/io/internal/signal_source.h"
#include "detent/runtime/io/signal_set.h"

namespace detent {

namespace internal {
class SignalWait;
}

class Signals final : public internal::NamedObject, private internal::SignalObserver {
 public:
  template <std::same_as<int>... More>
  explicit Signals(int first, More... more) : Signals(SignalSet(first, more...)) {}
  explicit Signals(SignalSet signals);
  ~Signals();

  // The next signal: its number.
  internal::SignalWait Next();

 private:
  friend class internal::ParkedWait<Signals>;
  friend class internal::SignalWait;

  void OnSignal(int signal) override;
  // Hands what is free to those who wait.
  void WakeNext();
  // REQUIRES: there is one.
  int TakeFirst();
  // It is the first again.
  void PutBack(int signal);

  internal::TurnList waiters_;
  uint64_t pending_ = 0;                      // Those that nobody has taken.
  uint8_t order_[internal::kSignalMax] = {};  // They, in their order.
  size_t count_ = 0;
  size_t promised_ = 0;  // How many of them somebody was woken for.
};

namespace internal {

class [[nodiscard("does nothing until awaited: write co_await")]] SignalWait : public ParkedWait<Signals>,
                                                                               public OwnAwaiter<SignalWait> {
 public:
  explicit SignalWait(Signals& signals) : ParkedWait(signals) {}

  bool Ready(TaskState& task);
  void GiveBack(TaskState& task) {
    object().PutBack(signal_);
    ParkedWait::GiveBack(task);
  }
  Ending End(TaskState& task);
  int Take() const { return signal_; }

  void Abandon() noexcept final;
  void WakeForTurn() final { object().WakeNext(); }
  WaitKind Kind() const final { return WaitKind::kSignal; }
  void Describe(WaitText& text) const final { DescribeCall(text, "Signals", "Next"); }

 private:
  int signal_ = 0;
};

}  // namespace internal

inline internal::SignalWait Signals::Next() { return internal::SignalWait(*this); }

// As if somebody had sent `signal` to this program: what takes it gets it, at the latest when the loop next looks; if
// nothing does it does what it does by itself, which ends most programs (in a simulated run, by a sim::KilledError).
// std::invalid_argument if there is no such signal; InvalidStateError outside a running loop.
void RaiseSignal(int signal);

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_SIGNALS_H_
