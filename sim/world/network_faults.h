// SPDX-License-Identifier: Apache-2.0
//
// SetNetworkFaults: what goes wrong in the simulated network of a test.
//
//   SIM_TEST(Server, OutlivesItsDescriptors) {
//     sim::SetNetworkFaults({.no_descriptors = 0.1});
//     ...
//   }
//
// Each fault is a choice on the tape, whose calmest side is that nothing happens; in a report it has a name. None is on
// by default: a program that does not expect one is right to die of it.
//
// Order.         Holds from now on, until the run ends or it is called again.
// Suspension.    Never.
// Errors.        std::invalid_argument for what is no probability. InvalidStateError outside a running loop. On a real
//                loop it does nothing, so that a LOOP_TEST may call it.
// Threads.       The loop's own thread only.
#ifndef DETENT_SIM_WORLD_NETWORK_FAULTS_H_
#define DETENT_SIM_WORLD_NETWORK_FAULTS_H_

namespace detent::sim {

// How probable each is, between 0 and 1. Trivially destructible (rule R10).
struct NetworkFaults {
  // "connect refused": a Connect() to where somebody listens fails with ECONNREFUSED, as while a server restarts.
  double refused = 0;
  // "connect reset": it fails with ECONNRESET, as behind a proxy that has nobody to hand it on to.
  double reset = 0;
  // "too many open files": an Accept() for which a client waits fails with EMFILE. The client waits on.
  double no_descriptors = 0;
};

void SetNetworkFaults(NetworkFaults faults);

// --- For the library ---

// A network that can fail.
class FaultyNetwork {
 public:
  virtual void SetFaults(NetworkFaults faults) = 0;

 protected:
  ~FaultyNetwork() = default;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_NETWORK_FAULTS_H_
