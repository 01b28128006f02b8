// SPDX-License-Identifier: Apache-2.0
//
// StopSignals: takes the signals of RunOptions for one run, on either loop.
//
//   StopSignals stop(loop, options);
//   stop.Watch(main);                             // the first signal cancels it
//   ...
//   if (stop.CancelledMain()) ...                 // main has ended cancelled: by the signal, and by nobody else
//
// Suspension.    Never.
// Cancellation.  A stop signal is one request to cancel the main task.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_IO_STOP_SIGNALS_H_
#define DETENT_RUNTIME_IO_STOP_SIGNALS_H_

#include "detent/runtime/event_loop.h"
#include "detent/runtime/io/internal/signal_source.h"
#include "detent/runtime/io/run_options.h"

namespace detent::internal {

class StopSignals {
 public:
  StopSignals(EventLoop& loop, const RunOptions& options);
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

  // `main` is what the first signal cancels.
  void Watch(AnyTask main) { main_ = std::move(main); }
  // The first that came; 0 for none.
  int signal() const { return stop_.signal(); }
  // Whether only the signal asked for main's cancellation. Takes the request back.
  bool CancelledMain() const { return signal() != 0 && main_.Uncancel() == 0; }

 private:
  class Stop final : public SignalObserver {
   public:
    explicit Stop(StopSignals& owner) : owner_(owner) {}
    void OnSignal(int signal) override;
    int signal() const { return signal_; }

   private:
    StopSignals& owner_;
    int signal_ = 0;
  };
  class Dump final : public SignalObserver {
   public:
    explicit Dump(EventLoop& loop) : loop_(loop) {}
    void OnSignal(int signal) override;

   private:
    EventLoop& loop_;
  };

  void Begin();

  EventLoop& loop_;
  SignalSource& source_;
  const absl::Duration grace_;
  AnyTask main_;
  CallbackHandle end_of_grace_;
  Stop stop_;
  Dump dump_;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_STOP_SIGNALS_H_
