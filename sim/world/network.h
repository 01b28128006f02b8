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
// (the calmest choice) doubled up to seven times. From there a message may go to a place before, with or after the
// events that are next to it in time, between 25 microseconds and 6.4 milliseconds after it was sent (arrivals.h). A
// write that goes through at once, the end of a stream, a reset, and each of the two halves of connecting are one
// message each. A message never overtakes another of the same direction; those of different connections and directions
// race.
//
// A stream keeps no boundaries: of the bytes that have arrived a Connection::Read() may give a part, and a Write() may
// be taken in two parts, the second once some of the first has arrived. Each is a choice where there are two bytes or
// more: all of them (the calmest), half, all but one, or one.
//
// A connection takes up to 64 KiB that the peer has not read; then writing waits. Closing with unread bytes, or sending
// to an end that was closed, resets the connection, as TCP does. Nobody listening is "connection refused".
//
// Hosts.         Any name is an address of its own, but "localhost" is 127.0.0.1, and a test may give a name other
//                addresses (name_faults.h). Who listens at "", "0.0.0.0" or "::" takes connections to every host. Free
//                ports are handed out in order, from 49152. In a World hosts have their own: machine.h.
// Faults.        None, unless asked for: network_faults.h.
// Local.         Unix sockets, socket pairs and pipes have no latency and no faults: local_sockets.h.
// Not simulated  (yet): loss and partitions (TCP would hide a loss as latency), a full backlog.
#ifndef DETENT_SIM_WORLD_NETWORK_H_
#define DETENT_SIM_WORLD_NETWORK_H_

#include <cstdint>
#include <memory>

#include "detent/runtime/event_loop.h"
#include "detent/sim/world/arrivals.h"
#include "detent/sim/world/faults.h"
#include "detent/sim/world/machine.h"

namespace detent::sim {

// All machines. The first is that of the test, and without a World the only one, which has every address.
class SimNetwork {
 public:
  virtual ~SimNetwork() = default;

  virtual Machine& machine(uint32_t number) = 0;
  // From now on machines have addresses of their own. REQUIRES: nothing is open.
  virtual void BeWorld() = 0;
  // One more; its number.
  virtual uint32_t AddMachine() = 0;
  // The program of a machine has died: the system closes what it had open.
  virtual void Kill(uint32_t number) = 0;
  // There is silence, until it is on again: then whoever sends something to a connection of before is reset.
  virtual void LosePower(uint32_t number) = 0;
  virtual void TurnOn(uint32_t number) = 0;
};

// A network for one run: make a new one for the next. `arrivals` are the loop's.
std::unique_ptr<SimNetwork> MakeSimNetwork(EventLoop& loop, Arrivals& arrivals, Faults& faults);

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_NETWORK_H_
