// SPDX-License-Identifier: Apache-2.0
//
// The kernel's signals, for the loops of this process that take them.
//
// A signal has one handler in a process, and several loops, on several threads, may want to know. So there is one
// handler for all of them, put up when the first loop takes the signal; the action that it found is put back when the
// last one lets go, unless somebody has changed it meanwhile. The handler sets a bit for each loop and writes to its
// eventfd; the loop finds the bits when that is readable.
#ifndef DETENT_RUNTIME_EPOLL_SIGNALS_H_
#define DETENT_RUNTIME_EPOLL_SIGNALS_H_

#include <memory>

#include "detent/runtime/epoll/epoll.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/io/internal/signal_source.h"

namespace detent::internal {

// `epoll` is that of the loop with `core`.
std::unique_ptr<SignalSource> MakeEpollSignals(Epoll& epoll, LoopCore& core);

// Ends the process as `signal` does by its default action; one that would not end it does so too.
[[noreturn]] void DieBySignal(int signal);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_SIGNALS_H_
