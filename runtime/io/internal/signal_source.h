// SPDX-License-Identifier: Apache-2.0
//
// SignalSource: the signals of the process in which a loop runs: those of the kernel, or those that a test raises.
#ifndef DETENT_RUNTIME_IO_INTERNAL_SIGNAL_SOURCE_H_
#define DETENT_RUNTIME_IO_INTERNAL_SIGNAL_SOURCE_H_

#include <cstdint>

#include "detent/runtime/internal/list.h"
#include "detent/runtime/internal/loop_core.h"

namespace detent::internal {

class SignalSource;

// Who takes signals.
class SignalObserver : public ListLink<SignalObserver> {
 public:
  SignalObserver(const SignalObserver&) = delete;
  SignalObserver& operator=(const SignalObserver&) = delete;

  // It wakes tasks, or makes callbacks ready. It runs no user code, and neither subscribes nor unsubscribes anybody.
  virtual void OnSignal(int signal) = 0;

 protected:
  SignalObserver() : ListLink(nullptr) {}
  // Has unsubscribed.
  ~SignalObserver() = default;

 private:
  friend class SignalSource;

  SignalSource* source_ = nullptr;  // Null if it is not subscribed, or the loop is gone.
  uint64_t signals_ = 0;
};

class SignalSource {
 public:
  SignalSource(const SignalSource&) = delete;
  SignalSource& operator=(const SignalSource&) = delete;
  virtual ~SignalSource() = default;

  // What a signal asks for, while a step keeps the loop from noticing it:
  //   kStop: the program is to stop. A second one, from whichever of these, ends the process as if nobody took it.
  //   kDump: who runs is to be told. The kernel's source writes which task's step it is to standard error.
  enum class Purpose : uint8_t { kOther, kStop, kDump };

  // Tells `observer` of the signals whose bits are set in `signals`, all of which may be taken. Throws
  // std::system_error if the system refuses. REQUIRES: it is not subscribed.
  void Subscribe(SignalObserver& observer, uint64_t signals, Purpose purpose = Purpose::kOther);
  // A signal of `untaken`, of which it was told in vain, and which nobody else in the process takes, is raised again:
  // it does what it did before somebody took it. Nothing if it is not subscribed.
  static void Unsubscribe(SignalObserver& observer, uint64_t untaken = 0);

  // As if somebody had sent it to this process.
  virtual void Raise(int signal) = 0;
  // The process ends as by a `signal` that nobody takes.
  virtual void Die(int signal) = 0;

  LoopCore& core() const { return core_; }

 protected:
  explicit SignalSource(LoopCore& core) : core_(core) {}

  // Somebody here takes `signals`, or does not any more; each is told of once.
  virtual void Start(uint64_t signals, Purpose purpose) = 0;
  virtual void Stop(uint64_t signals, uint64_t untaken) = 0;
  // To be called by derived classes first in their destructors.
  void UnsubscribeAll();

  void Tell(int signal) const;

 private:
  uint64_t Wanted() const;

  LoopCore& core_;
  List<SignalObserver> observers_;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_INTERNAL_SIGNAL_SOURCE_H_
