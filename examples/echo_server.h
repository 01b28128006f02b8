// SPDX-License-Identifier: Apache-2.0
//
// An echo server: every client gets back what it sends.
//
//   Server server = co_await StartServer(Echo, "127.0.0.1", 7007);
//   co_await server.ServeForever();
#ifndef DETENT_EXAMPLES_ECHO_SERVER_H_
#define DETENT_EXAMPLES_ECHO_SERVER_H_

#include "detent/runtime/coro.h"
#include "detent/runtime/io/server.h"

namespace detent_examples {

detent::Coro<> Echo(detent::Connection client);

}  // namespace detent_examples

#endif  // DETENT_EXAMPLES_ECHO_SERVER_H_
