// SPDX-License-Identifier: Apache-2.0
//
// Clients: hosts that do one operation after the other, and do not give up.
//
//   co_await world.Clients({.clients = 2, .operations = 10},
//                          [&](sim::Client& client) { return PutOrGet(client, history); });
//
// Each is a host `client-1`, `client-2`..., which no fault takes down, with links like any other. Its function is
// called for each operation; what Choose() gives there makes the workload. An operation that ends with an error of I/O,
// or that takes longer than the time-out and so is cancelled, has an unknown outcome, and the client goes on with the
// next.
//
// Suspension.    World::Clients() until all clients are done.
// Cancellation.  Ends what the clients do.
// Errors.        Any other error of an operation is that of World::Clients(), and the others go on.
//                std::invalid_argument for numbers and times that make no sense.
// Threads.       The loop's own thread only.
#ifndef DETENT_SIM_WORLD_CLIENTS_H_
#define DETENT_SIM_WORLD_CLIENTS_H_

#include <functional>
#include <source_location>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "detent/runtime/coro.h"
#include "detent/sim/world/host.h"

namespace detent::sim {

// Trivially destructible (rule R10).
struct ClientOptions {
  int clients = 1;
  // Of each.
  int operations = 1;
  // Of each operation.
  absl::Duration timeout = absl::Seconds(10);
};

class Client {
 public:
  Client(Host& host, int number) : host_(host), id_(number) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // From 1, over all clients of the world.
  int id() const { return id_; }
  // `client-1`.
  const std::string& name() const { return host_.name(); }

 private:
  Host& host_;
  const int id_;
};

// --- For World ---

using ClientFunction = std::function<Coro<>(Client&)>;

// std::invalid_argument for numbers and times that make no sense.
void CheckClients(const ClientOptions& options);
// Lets all of them work, until they are done. REQUIRES: CheckClients(options).
Coro<> RunClients(std::vector<Host*> hosts, int first_number, ClientOptions options, ClientFunction function);
// What a host of a client runs beside: nothing, as long as the world is there.
Coro<> Idle();

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_CLIENTS_H_
