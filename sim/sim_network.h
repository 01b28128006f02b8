// SPDX-License-Identifier: Apache-2.0
//
// The network of a simulated loop: TCP as a program sees it, in memory, on virtual time.
//
//   SimLoop loop({.seed = 42});
//   loop.Run([]() -> Coro<> {
//     Listener listener = co_await Listen("db.example", 5432);      // any name will do
//     Connection client = co_await Connect("db.example", 5432);
//     ...
//   });
//
// Bytes arrive in order, after a latency that is drawn from the tape for each message: one of eight, 50 microseconds
// (the calmest choice) doubled up to seven times. A write that goes through at once, the end of a stream, a reset, and
// each of the two halves of connecting are one message each. A message never overtakes another of the same direction;
// those of different connections and directions race.
//
// A connection takes up to 64 KiB that the peer has not read; then writing waits. Closing with unread bytes, or sending
// to an end that was closed, resets the connection, as TCP does. Nobody listening is "connection refused".
//
// Hosts.         Any name is an address of its own, but "localhost" is 127.0.0.1. Who listens at "", "0.0.0.0" or "::"
//                takes connections to every host. Free ports are handed out in order, from 49152.
// Not simulated  (yet): loss and partitions (TCP would hide a loss as latency), a full backlog, short reads where TCP
//                would split a message, name look-ups that fail.
#ifndef DETENT_SIM_SIM_NETWORK_H_
#define DETENT_SIM_SIM_NETWORK_H_

#include <memory>

#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/network.h"

namespace detent::sim {

// A network for one run: make a new one for the next.
std::unique_ptr<internal::Network> MakeSimNetwork(EventLoop& loop);

}  // namespace detent::sim

#endif  // DETENT_SIM_SIM_NETWORK_H_
