// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/stop_signals.h"

#include <iostream>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "detent/runtime/io/internal/outside.h"
#include "detent/runtime/live_tasks.h"

namespace detent::internal {
namespace {

void Check(const RunOptions& options) {
  if (options.grace < absl::ZeroDuration()) {
    throw std::invalid_argument(
        absl::StrCat("RunOptions: the grace is ", absl::FormatDuration(options.grace), "; it must be zero or more"));
  }
  if (options.dump_signal == 0) return;
  RequireTakableSignal(options.dump_signal);
  if (options.stop_signals.Contains(options.dump_signal)) {
    throw std::invalid_argument(absl::StrCat("RunOptions: ", SignalName(options.dump_signal),
                                             " is the dump signal and a stop signal; take another for one of them"));
  }
}

}  // namespace

StopSignals::StopSignals(EventLoop& loop, const RunOptions& options)
    : loop_(loop), source_(loop.outside().signals()), grace_(options.grace), stop_(*this), dump_(loop) {
  Check(options);
  if (!options.stop_signals.empty()) {
    source_.Subscribe(stop_, options.stop_signals.bits(), SignalSource::Purpose::kStop);
  }
  if (options.dump_signal == 0) return;
  try {
    source_.Subscribe(dump_, BitOfSignal(options.dump_signal), SignalSource::Purpose::kDump);
  } catch (...) {
    SignalSource::Unsubscribe(stop_);
    throw;
  }
}

StopSignals::~StopSignals() {
  end_of_grace_.Cancel();
  SignalSource::Unsubscribe(dump_);
  SignalSource::Unsubscribe(stop_);
}

void StopSignals::Begin() {
  if (grace_ < absl::InfiniteDuration()) {
    end_of_grace_ = loop_.CallLater(grace_, [this] { source_.Die(signal()); });
  }
  if (main_) main_.Cancel();
}

void StopSignals::Stop::OnSignal(int signal) {
  if (signal_ != 0) return;  // The second is the source's affair.
  signal_ = signal;
  owner_.Begin();
}

void StopSignals::Dump::OnSignal(int) {
  const std::string tasks = DescribeLiveTasks(loop_.core());
  std::cerr << absl::StrCat("detent: the tasks that are alive", tasks.empty() ? ": none" : tasks, "\n");
}

}  // namespace detent::internal
