// SPDX-License-Identifier: Apache-2.0
#include "detent/examples/serve_until_stopped.h"

#include <utility>

#include "detent/runtime/outcome.h"

namespace detent_examples {

detent::Coro<> ServeUntilStopped(detent::Server server) {
  detent::Outcome<> end = co_await detent::Catch(server.ServeForever());
  server.CloseClients();
  co_await server.WaitClosed();
  co_await detent::Propagate(std::move(end));
}

}  // namespace detent_examples
