// SPDX-License-Identifier: Apache-2.0
//
// AdoptConnection, AdoptListener, InheritedListeners: sockets that somebody else has opened: another library, a program
// that handed one over, a supervisor that listens before it starts this one.
//
//   Connection connection = AdoptConnection(fd);       // a stream socket that is connected, or an end of a pipe
//   Listener listener = AdoptListener(fd);             // a stream socket that listens
//
//   // Of systemd and the like (LISTEN_FDS), if a socket unit has started this program; else there are none.
//   for (InheritedListener& each : InheritedListeners()) Spawn(ServeAt(each.name, std::move(each.listener)));
//
// Order.         InheritedListeners() gives them as the supervisor has numbered them.
// Suspension.    Never.
// Cancellation.  Nothing is waited for.
// Errors.        std::invalid_argument for what can never be (a regular file, a socket that listens as a connection)
//                and says what takes it; std::system_error with EBADF for a descriptor that is not open.
//                InvalidStateError if this loop watches it already, be it for a Connection or for AddReader(); for a
//                second InheritedListeners() in one process; outside a running loop. Whatever is thrown, nothing was
//                adopted, and the descriptors are the caller's still.
// Ownership.     The descriptor belongs to the Connection or the Listener, which closes it. It is made non-blocking,
//                also for those who share it (a dup(), another process); and close-on-exec. Small writes of TCP go out
//                at once from then on. A Unix socket's file is not removed: whoever made it does that.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_IO_ADOPT_H_
#define DETENT_RUNTIME_IO_ADOPT_H_

#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/io/connection.h"
#include "detent/runtime/io/listener.h"

namespace detent {

Connection AdoptConnection(int fd, std::source_location where = std::source_location::current());
Listener AdoptListener(int fd, std::source_location where = std::source_location::current());

class InheritedListener {
 public:
  InheritedListener(std::string its_name, Listener its_listener)
      : name(std::move(its_name)), listener(std::move(its_listener)) {}

  std::string name;  // Of LISTEN_FDNAMES: with systemd FileDescriptorName=, or that of the socket unit.
  Listener listener;
};

// Those that the environment of this process names: LISTEN_PID is its own number, LISTEN_FDS says how many descriptors
// there are, from 3 on, and LISTEN_FDNAMES how they are called ("unknown" if it does not).
std::vector<InheritedListener> InheritedListeners(std::source_location where = std::source_location::current());

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_ADOPT_H_
