// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/signals.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>

#include "detent/runtime/internal/access.h"
#include "detent/runtime/io/internal/outside.h"

namespace detent {
namespace internal {

bool SignalWait::Ready(TaskState& task) {
  NoteUnknownAccess(task.core());
  Signals& signals = object();
  if (signals.count_ == signals.promised_ || !signals.waiters_.AllCancelled()) return false;
  signal_ = signals.TakeFirst();
  return true;
}

Ending SignalWait::End(TaskState& task) {
  if (!IsParked()) return Ending::kValue;
  const Ending ending = EndOfWait(task);
  if (ending != Ending::kValue) {
    Abandon();
    return ending;
  }
  NoteUnknownAccess(task.core());
  Signals& signals = object();
  signals.waiters_.Remove(this);
  --signals.promised_;
  signal_ = signals.TakeFirst();
  signals.WakeNext();
  return ending;
}

void SignalWait::Abandon() noexcept {
  if (IsOrphan()) return;
  NoteUnknownAccess(task()->core());
  Signals& signals = object();
  signals.waiters_.Remove(this);
  if (IsDone() && !IsCancelled()) --signals.promised_;
  signals.WakeNext();
}

}  // namespace internal

Signals::Signals(SignalSet signals) {
  internal::LoopCore& core = internal::RequireCore("Signals()");
  if (signals.empty()) throw std::invalid_argument("Signals(): the set is empty; name at least one signal");
  core.owner().outside().signals().Subscribe(*this, signals.bits());
}

Signals::~Signals() { internal::SignalSource::Unsubscribe(*this, pending_); }

void Signals::OnSignal(int signal) {
  const uint64_t bit = internal::BitOfSignal(signal);
  if ((pending_ & bit) != 0) return;
  pending_ |= bit;
  order_[count_++] = static_cast<uint8_t>(signal);
  WakeNext();
}

void Signals::WakeNext() {
  while (promised_ < count_ && waiters_.WakeNext()) ++promised_;
}

int Signals::TakeFirst() {
  const int first = order_[0];
  std::move(std::begin(order_) + 1, std::begin(order_) + count_, std::begin(order_));
  --count_;
  pending_ &= ~internal::BitOfSignal(first);
  return first;
}

void Signals::PutBack(int signal) {
  std::move_backward(std::begin(order_), std::begin(order_) + count_, std::begin(order_) + count_ + 1);
  order_[0] = static_cast<uint8_t>(signal);
  ++count_;
  pending_ |= internal::BitOfSignal(signal);
}

void RaiseSignal(int signal) {
  internal::RequireSignal(signal);
  internal::RequireCore("RaiseSignal()").owner().outside().signals().Raise(signal);
}

}  // namespace detent
