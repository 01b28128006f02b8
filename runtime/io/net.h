// SPDX-License-Identifier: Apache-2.0
//
// Listen, Connect: TCP, on a real loop through the kernel, on a simulated one in memory. (For a server: server.h.)
//
//   Listener listener = co_await Listen("127.0.0.1", 0);
//   Connection connection = co_await WithTimeout(absl::Seconds(5), [&](Timeout&) -> Coro<Connection> {
//     co_return co_await Connect("127.0.0.1", listener.Port());
//   });
//
// Hosts.         A numeric IPv4 or IPv6 address, "localhost", or a name, which is looked up as by Resolve().
//                Listen() takes the first address of a name that it can have. Connect() tries them as RFC 8305
//                has it (happy eyeballs): the families in turns, the next address when the one before has failed or has
//                taken `happy_eyeballs_delay`, and takes the first that answers; the others have ended, and are closed,
//                when it returns. Listen() at "" or "0.0.0.0" takes connections to every IPv4 address of this
//                machine, at "::" also to every IPv6 address.
// Suspension.    Connect() until the connection stands; both while a name is looked up.
// Cancellation.  At any point; nothing is left open.
// Errors.        std::system_error with the errno and the address: "connect to 127.0.0.1:1: Connection refused". If
//                several addresses failed, the errno of the first, and all of them in the text.
//                std::invalid_argument for a port out of range. InvalidStateError outside a running loop.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_IO_NET_H_
#define DETENT_RUNTIME_IO_NET_H_

#include <source_location>
#include <string_view>

#include "absl/time/time.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/io/connection.h"
#include "detent/runtime/io/listener.h"

namespace detent {

struct ListenOptions {
  // How many connections may wait to be accepted; the system may have a lower bound of its own. As many as Linux allows
  // by default: its SOMAXCONN.
  int backlog = 4096;
  // Several listeners may have the port, if all of them say so: the system spreads the connections over them.
  bool reuse_port = false;
  // At an IPv6 address: no IPv4 connections.
  bool only_v6 = false;
  // Of the connections that are accepted; see ConnectOptions.
  bool keep_alive = false;
  bool reset_on_close = false;
};

struct ConnectOptions {
  // How long an address has before the next one of the same name is tried beside it.
  absl::Duration happy_eyeballs_delay = absl::Milliseconds(250);
  // The system asks now and then whether an idle peer is still there.
  bool keep_alive = false;
  // Small writes go out at once.
  bool no_delay = true;
  // How long the peer may leave what was written unconfirmed before the connection fails with ETIMEDOUT. Infinite: as
  // long as the system gives it.
  absl::Duration user_timeout = absl::InfiniteDuration();
  // Close() is Abort(): a peer never takes a stream for complete that was cut off, not even by the end of the process.
  // (SO_LINGER with no time. Given some, the system would hold up the whole loop in Close(): see CloseLingering().)
  bool reset_on_close = false;
};

// `port` is in [0, 65535]; 0 picks a free one.
Coro<Listener> Listen(std::string_view host, int port, ListenOptions options = ListenOptions(),
                      std::source_location where = std::source_location::current());

// `port` is in [1, 65535].
Coro<Connection> Connect(std::string_view host, int port, ConnectOptions options = ConnectOptions(),
                         std::source_location where = std::source_location::current());

namespace internal {

// Listen(), whose misuse is told of as that of `what`.
Coro<Listener> ListenFor(const char* what, std::string_view host, int port, ListenOptions options,
                         std::source_location where);

}  // namespace internal

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_NET_H_
