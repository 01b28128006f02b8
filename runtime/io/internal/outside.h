// SPDX-License-Identifier: Apache-2.0
//
// Outside: everything that a loop gives for runtime/io/ to stand on, an object for each kind. The real loop has the
// kernel's (runtime/epoll/outside.h), the simulated one a world in memory (sim/world/outside.h).
//
//   internal::Network& network = core.owner().outside().network();
//
// The calls of those objects are those of non-blocking descriptors: none of them suspends. What waits, and the texts of
// errors, are in runtime/io/, and the same for both.
#ifndef DETENT_RUNTIME_IO_INTERNAL_OUTSIDE_H_
#define DETENT_RUNTIME_IO_INTERNAL_OUTSIDE_H_

#include <memory>

namespace detent::internal {

class Adoption;
class Datagrams;
class Descriptors;
class Disk;
class Names;
class Network;
class Programs;
class SignalHandlers;
class SignalSource;
class Threads;

// Each part is made when it is first asked for, and goes with the loop.
class Outside {
 public:
  Outside(const Outside&) = delete;
  Outside& operator=(const Outside&) = delete;
  virtual ~Outside();

  virtual Names& names() = 0;
  virtual Disk& disk() = 0;
  virtual Network& network() = 0;
  virtual Adoption& adoption() = 0;
  // InvalidStateError on a loop that has none.
  virtual Descriptors& descriptors() = 0;
  virtual Datagrams& datagrams() = 0;
  virtual SignalSource& signals() = 0;
  virtual Programs& programs() = 0;
  virtual Threads& threads() = 0;
  // Those of this loop, on its signals().
  SignalHandlers& signal_handlers();

 protected:
  Outside();

 private:
  std::unique_ptr<SignalHandlers> signal_handlers_;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_INTERNAL_OUTSIDE_H_
