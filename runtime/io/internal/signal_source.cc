// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/internal/signal_source.h"

#include "detent/runtime/io/internal/signal_numbers.h"

namespace detent::internal {

void SignalSource::Subscribe(SignalObserver& observer, uint64_t signals, Purpose purpose) {
  Start(signals & ~Wanted(), purpose);
  observer.source_ = this;
  observer.signals_ = signals;
  observers_.Append(&observer);
}

void SignalSource::Unsubscribe(SignalObserver& observer, uint64_t untaken) {
  if (observer.source_ == nullptr) return;
  SignalSource& source = *observer.source_;
  List<SignalObserver>::Unlist(&observer);
  observer.source_ = nullptr;
  source.Stop(observer.signals_ & ~source.Wanted(), untaken);
}

void SignalSource::UnsubscribeAll() {
  while (SignalObserver* const observer = observers_.first()) Unsubscribe(*observer);
}

void SignalSource::Tell(int signal) const {
  for (SignalObserver* each = observers_.first(); each != nullptr;) {
    SignalObserver* const next = observers_.Next(each);
    if ((each->signals_ & BitOfSignal(signal)) != 0) each->OnSignal(signal);
    each = next;
  }
}

uint64_t SignalSource::Wanted() const {
  uint64_t wanted = 0;
  for (SignalObserver* each = observers_.first(); each != nullptr; each = observers_.Next(each))
    wanted |= each->signals_;
  return wanted;
}

}  // namespace detent::internal
