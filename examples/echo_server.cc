// SPDX-License-Identifier: Apache-2.0
#include "detent/examples/echo_server.h"

#include <string>
#include <system_error>
#include <utility>

#include "detent/runtime/task_group.h"

namespace detent_examples {
namespace {

using detent::Connection;
using detent::Coro;
using detent::Listener;
using detent::TaskGroup;

Coro<> Echo(Connection connection) {
  try {
    while (true) {
      const std::string bytes = co_await connection.Read(4096);
      if (bytes.empty()) co_return;  // The client has said all. The connection closes with this function.
      co_await connection.Write(bytes);
    }
  } catch (const std::system_error&) {
    // The client went away in the middle. That ends its connection, and must not end the others in the group.
  }
}

}  // namespace

Coro<> ServeEcho(Listener listener) {
  co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
    while (true) {
      Connection connection = co_await listener.Accept();
      group.Spawn(Echo, std::move(connection));
    }
  });
}

}  // namespace detent_examples
