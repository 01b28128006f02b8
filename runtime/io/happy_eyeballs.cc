// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/happy_eyeballs.h"

#include <utility>

#include "detent/runtime/event.h"
#include "detent/runtime/outcome.h"
#include "detent/runtime/task_group.h"
#include "detent/runtime/wait_for.h"

namespace detent::internal {

Coro<Connection> ConnectToFirst(size_t count, absl::Duration delay,
                                absl::FunctionRef<Coro<Connection>(size_t)> attempt) {
  if (count == 1) co_return co_await attempt(0);
  Connection winner;
  Event failed("the failure of an address");
  co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
    const auto run = [&](size_t i) -> Coro<> {
      Connection connection = co_await attempt(i);
      if (!connection) co_return failed.Set();
      winner = std::move(connection);  // Whoever would be the second has been cancelled.
      group.Cancel();
    };
    for (size_t i = 0; i < count; ++i) {
      failed.Clear();
      group.Spawn(run, i);
      if (i + 1 < count) (void)co_await Settle(WaitFor(failed.Wait(), delay));
    }
  });
  co_return std::move(winner);
}

std::vector<std::string> TakeFamiliesInTurns(const std::vector<std::string>& addresses) {
  const auto is_v6 = [](const std::string& address) { return address.find(':') != std::string::npos; };
  std::vector<std::string> families[2];
  for (const std::string& address : addresses) {
    families[is_v6(address) == is_v6(addresses.front()) ? 0 : 1].push_back(address);
  }
  std::vector<std::string> turns;
  for (size_t i = 0; turns.size() < addresses.size(); ++i) {
    for (const std::vector<std::string>& family : families) {
      if (i < family.size()) turns.push_back(family[i]);
    }
  }
  return turns;
}

}  // namespace detent::internal
