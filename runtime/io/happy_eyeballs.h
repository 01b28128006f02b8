// SPDX-License-Identifier: Apache-2.0
//
// Happy eyeballs (RFC 8305): connecting to the first of several addresses that answers, without waiting long for those
// that do not. For the library.
//
//   const auto attempt = [&](size_t i) -> Coro<Connection> { ... };      // an empty Connection if it failed
//   Connection winner = co_await ConnectToFirst(addresses.size(), absl::Milliseconds(250), attempt);
//
// An attempt begins when the one before it has taken `delay`, or at once when any that runs has failed. The first that
// succeeds wins: no more attempts begin, the others are cancelled and awaited, and what they had connected is closed.
//
// Suspension.    While attempts run.
// Cancellation.  Of all attempts, which have ended when it throws; nothing is left open.
// Ownership.     `attempt` must live until the await ends.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_IO_HAPPY_EYEBALLS_H_
#define DETENT_RUNTIME_IO_HAPPY_EYEBALLS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/io/connection.h"

namespace detent::internal {

// Empty if all failed.
Coro<Connection> ConnectToFirst(size_t count, absl::Duration delay,
                                absl::FunctionRef<Coro<Connection>(size_t)> attempt);

// The order in which to try numeric addresses that come in an order of preference (section 4): the families in turns,
// that of the first one first.
std::vector<std::string> TakeFamiliesInTurns(const std::vector<std::string>& addresses);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_HAPPY_EYEBALLS_H_
