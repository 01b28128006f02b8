// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/clients.h"

#include <memory>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/event.h"
#include "detent/runtime/gather.h"
#include "detent/runtime/io/connection.h"
#include "detent/runtime/wait_for.h"

namespace detent::sim {
namespace {

// It may outlive who started it, if another client failed.
Coro<> Work(Host* host, int number, ClientOptions options, std::shared_ptr<const ClientFunction> function) {
  Client client(*host, number);
  for (int i = 0; i < options.operations; ++i) {
    try {
      co_await WaitFor((*function)(client), options.timeout);
    } catch (const std::system_error&) {
    } catch (const IncompleteReadError&) {
    } catch (const LimitOverrunError&) {
    } catch (const TimeoutError&) {
    }
  }
}

}  // namespace

void CheckClients(const ClientOptions& options) {
  if (options.clients < 1 || options.operations < 1) {
    throw std::invalid_argument(absl::StrCat("World::Clients(): ", options.clients, " clients with ",
                                             options.operations,
                                             " operations each do nothing; give 1 or more of both"));
  }
  if (options.timeout <= absl::ZeroDuration()) {
    throw std::invalid_argument(absl::StrCat("World::Clients(): a time-out of ", absl::FormatDuration(options.timeout),
                                             " lets no operation succeed; give a time, such as absl::Seconds(10)"));
  }
}

Coro<> RunClients(std::vector<Host*> hosts, int first_number, ClientOptions options, ClientFunction function) {
  const auto shared = std::make_shared<const ClientFunction>(std::move(function));
  std::vector<Task<>> tasks;
  for (Host* const host : hosts) {
    tasks.push_back(host->Spawn(Work(host, first_number++, options, shared), {.name = host->name()}));
  }
  co_await Gather(std::move(tasks));
}

Coro<> Idle() {
  Event never;
  co_await never.Wait();
}

}  // namespace detent::sim
