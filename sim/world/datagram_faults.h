// SPDX-License-Identifier: Apache-2.0
//
// SetDatagramFaults: what goes wrong with the datagrams of a simulated test.
//
//   SIM_TEST(Protocol, AsksAgain) {
//     sim::SetDatagramFaults({.lost = 0.1, .twice = 0.1});
//     ...
//   }
//
// Each fault is a choice for each datagram, whose calmest side is that nothing happens; in a report it has a name. None
// is on by default. That datagrams come late and overtake each other is no fault, and always on.
//
// Order.         Holds for what is sent from now on, until the run ends or it is called again.
// Suspension.    Never.
// Errors.        std::invalid_argument for what is no probability. InvalidStateError outside a running loop. On a real
//                loop it does nothing, so that a LOOP_TEST may call it.
// Threads.       The loop's own thread only.
#ifndef DETENT_SIM_WORLD_DATAGRAM_FAULTS_H_
#define DETENT_SIM_WORLD_DATAGRAM_FAULTS_H_

namespace detent::sim {

// How probable each is, between 0 and 1. Trivially destructible (rule R10).
struct DatagramFaults {
  double lost = 0;   // "datagram lost": it never comes, and nobody is told.
  double twice = 0;  // "datagram twice": a second one comes, at a time of its own.
};

void SetDatagramFaults(DatagramFaults faults);

// --- For the library ---

// Datagrams that can go wrong.
class FaultyDatagrams {
 public:
  virtual void SetFaults(DatagramFaults faults) = 0;

 protected:
  ~FaultyDatagrams() = default;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_DATAGRAM_FAULTS_H_
