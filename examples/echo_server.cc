// SPDX-License-Identifier: Apache-2.0
#include "detent/examples/echo_server.h"

#include <string>

namespace detent_examples {

// A client that goes away in the middle makes a read or a write throw: that ends this task, and no other.
detent::Coro<> Echo(detent::Connection client) {
  while (true) {
    const std::string bytes = co_await client.Read(4096);
    if (bytes.empty()) co_return;  // The client has said all. The connection closes with this function.
    co_await client.Write(bytes);
  }
}

}  // namespace detent_examples
