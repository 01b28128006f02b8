// SPDX-License-Identifier: Apache-2.0
//
// Listen, Connect: TCP, on a real loop through the kernel, on a simulated one in memory.
//
//   Coro<> Serve(Connection connection) {
//     while (true) {
//       const std::string bytes = co_await connection.Read(4096);
//       if (bytes.empty()) co_return;
//       co_await connection.Write(bytes);
//     }
//   }
//
//   Listener listener = co_await Listen("127.0.0.1", 0);
//   Connection connection = co_await WithTimeout(absl::Seconds(5), [&](Timeout&) -> Coro<Connection> {
//     co_return co_await Connect("127.0.0.1", listener.Port());
//   });
//
// Hosts.         A numeric IPv4 or IPv6 address, "localhost", or a name, which is looked up on a thread of the loop's
//                pool. Each address of a name is tried in turn: Connect() takes the first that answers, Listen() the
//                first that it can have. Listen() at "" or "0.0.0.0" takes connections to every IPv4 address of this
//                machine, at "::" also to every IPv6 address.
// Suspension.    Connect() until the connection stands; both while a name is looked up.
// Cancellation.  At any point; nothing is left open.
// Errors.        std::system_error with the errno and the address: "connect to 127.0.0.1:1: Connection refused". If
//                several addresses failed, the errno of the first, and all of them in the text.
//                std::invalid_argument for a port out of range. InvalidStateError outside a running loop.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_NET_H_
#define DETENT_RUNTIME_NET_H_

#include <string_view>

#include "detent/runtime/connection.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/listener.h"

namespace detent {

struct ListenOptions {
  // How many connections may wait to be accepted; the system may have a lower bound of its own.
  int backlog = 128;
};

// `port` is in [0, 65535]; 0 picks a free one.
Coro<Listener> Listen(std::string_view host, int port, ListenOptions options = ListenOptions());

// `port` is in [1, 65535].
Coro<Connection> Connect(std::string_view host, int port);

}  // namespace detent

#endif  // DETENT_RUNTIME_NET_H_
