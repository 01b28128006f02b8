// SPDX-License-Identifier: Apache-2.0
//
// A server that ends in good order when its program is asked to stop.
//
//   Coro<> Main() {
//     Server server = co_await StartServer(Echo, "127.0.0.1", 7007);
//     co_await ServeUntilStopped(std::move(server));
//   }
//   int main() { detent::Run(Main(), {.stop_signals = SignalSet(SIGTERM, SIGINT), .grace = absl::Seconds(10)}); }
#ifndef DETENT_EXAMPLES_SERVE_UNTIL_STOPPED_H_
#define DETENT_EXAMPLES_SERVE_UNTIL_STOPPED_H_

#include "detent/runtime/coro.h"
#include "detent/runtime/io/server.h"

namespace detent_examples {

// Serves until this task is cancelled. Then nobody else is taken, who is there gets the answers to what has arrived,
// and the cancellation goes on when all are served.
detent::Coro<> ServeUntilStopped(detent::Server server);

}  // namespace detent_examples

#endif  // DETENT_EXAMPLES_SERVE_UNTIL_STOPPED_H_
