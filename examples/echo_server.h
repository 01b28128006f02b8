// SPDX-License-Identifier: Apache-2.0
//
// An echo server: every client gets back what it sends.
//
//   Listener listener = co_await Listen("127.0.0.1", 7007);
//   co_await ServeEcho(std::move(listener));      // until it is cancelled
#ifndef DETENT_EXAMPLES_ECHO_SERVER_H_
#define DETENT_EXAMPLES_ECHO_SERVER_H_

#include "detent/runtime/coro.h"
#include "detent/runtime/net.h"

namespace detent_examples {

detent::Coro<> ServeEcho(detent::Listener listener);

}  // namespace detent_examples

#endif  // DETENT_EXAMPLES_ECHO_SERVER_H_
