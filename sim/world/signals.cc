// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/signals.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/io/internal/outside.h"
#include "detent/runtime/io/internal/signal_handlers.h"
#include "detent/runtime/io/internal/signal_numbers.h"
#include "detent/sim/world/stream_hash.h"

namespace detent::sim {
namespace {

using internal::BitOfSignal;
using internal::SignalName;

class SimSignals final : public internal::SignalSource, private StepQuestion {
 public:
  SimSignals(EventLoop& loop, Interruptions& interruptions, absl::AnyInvocable<void()> die)
      : SignalSource(loop.core()), interruptions_(interruptions), die_(std::move(die)) {}
  ~SimSignals() override { UnsubscribeAll(); }

  void Raise(int signal) override {
    if (core().tearing_down) return;
    internal::NoteUnknownAccess(core());
    const uint64_t bit = BitOfSignal(signal);
    if ((wanted_ & bit) == 0) {
      if (internal::EndsProgram(signal)) Kill(signal, "nobody took it; take it with Signals, a handler or RunOptions");
    } else if ((stop_signals_ & bit) != 0 && std::exchange(stop_came_, true)) {
      Kill(signal, "it was the second that asked the program to stop");
    } else {
      Tell(signal);
    }
  }
  void Die(int signal) override { Kill(signal, "the program was asked to stop, and its grace was over"); }

  void RaiseAtAnyStep(int signal, double probability) {
    drawn_ = signal;
    probability_ = probability;
    name_ = SignalName(signal);
    interruptions_.AskBeforeSteps(probability > 0 ? this : nullptr);
  }

 private:
  void Start(uint64_t signals, Purpose purpose) override {
    wanted_ |= signals;
    if (purpose == Purpose::kStop) stop_signals_ |= signals;
  }
  void Stop(uint64_t signals, uint64_t untaken) override {
    wanted_ &= ~signals;
    stop_signals_ &= ~signals;
    if (stop_signals_ == 0) stop_came_ = false;
    for (int signal = 1; signal <= internal::kSignalMax; ++signal) {
      if ((signals & untaken & BitOfSignal(signal)) != 0) Raise(signal);
    }
  }
  void BeforeStep() override {
    if (!core().owner().DrawFaultInWorld(HashOf("signal"), name_, probability_)) return;
    interruptions_.AskBeforeSteps(nullptr);
    Raise(drawn_);
  }
  void Kill(int signal, const char* why) {
    if (die_) return die_();
    interruptions_.EndRun(
        std::make_exception_ptr(KilledError(signal, absl::StrCat(SignalName(signal), " ended the program: ", why))));
  }

  Interruptions& interruptions_;
  absl::AnyInvocable<void()> die_;
  uint64_t wanted_ = 0;
  uint64_t stop_signals_ = 0;
  bool stop_came_ = false;
  int drawn_ = 0;
  double probability_ = 0;
  std::string name_;
};

}  // namespace

void RaiseSignalAtAnyStep(int signal, double probability) {
  internal::RequireSignal(signal);
  if (!(probability >= 0 && probability <= 1)) {
    throw std::invalid_argument("RaiseSignalAtAnyStep(): a probability must be between 0 and 1");
  }
  internal::SignalSource& signals = internal::RequireCore("RaiseSignalAtAnyStep()").owner().outside().signals();
  if (auto* simulated = dynamic_cast<SimSignals*>(&signals)) simulated->RaiseAtAnyStep(signal, probability);
}

std::unique_ptr<internal::SignalSource> MakeSimSignals(EventLoop& loop, Interruptions& interruptions,
                                                       absl::AnyInvocable<void()> die) {
  return std::make_unique<SimSignals>(loop, interruptions, std::move(die));
}

bool SetSignalHandler(internal::Outside& outside, int signal, absl::AnyInvocable<void()> handler) {
  return outside.signal_handlers().Set(signal, std::move(handler));
}

}  // namespace detent::sim
