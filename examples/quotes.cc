// SPDX-License-Identifier: Apache-2.0
#include "detent/examples/quotes.h"

#include <stdexcept>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "detent/runtime/wait_for.h"

namespace detent_examples {

using detent::Connection;
using detent::Coro;

Coro<int> Quotes::Price(std::string name) {
  const auto permit = co_await permits_.Hold();
  ++busy_;
  const absl::Cleanup done = [this] { --busy_; };
  co_return co_await detent::WaitFor(Ask(std::move(name)), kPatience);
}

Coro<Connection> Quotes::TakeConnection() {
  if (idle_.empty()) co_return co_await detent::Connect(host_, port_);
  Connection connection = std::move(idle_.back());
  idle_.pop_back();
  co_return std::move(connection);
}

Coro<int> Quotes::Ask(std::string name) {
  Connection connection = co_await TakeConnection();
  name += '\n';
  co_await connection.Write(name);
  const std::string answer = co_await connection.ReadUntil("\n");
  idle_.push_back(std::move(connection));  // Only now: nothing more will come on it.
  int price = 0;
  if (!absl::SimpleAtoi(answer, &price)) throw std::runtime_error(absl::StrCat("no price: ", answer));
  co_return price;
}

}  // namespace detent_examples
