// SPDX-License-Identifier: Apache-2.0
#include "detent/examples/sharded_counter.h"

#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "detent/runtime/core.h"

namespace detent_examples {
namespace {

using namespace detent;  // NOLINT: an example

class Counters {
 public:
  std::map<std::string, int> by_name;
};
// Each loop has its own. No lock: no other thread sees it.
LoopLocal<Counters> counters;

}  // namespace

ShardedCounter::ShardedCounter(int shards, uint16_t port) : port_(port), ports_(shards), listening_(shards) {
  for (int i = 0; i < shards; ++i) clients_.push_back(std::make_unique<Channel<Client>>(/*capacity=*/16));
}

Coro<Listener> ShardedCounter::ListenAtPort(int shard) {
  ListenOptions options;
  options.reuse_port = true;
  const uint16_t port = shard == 0 ? port_ : *co_await ports_.Receive();
  Listener listener = co_await Listen("127.0.0.1", port, options);
  if (shard == 0) {
    for (size_t i = 1; i < clients_.size(); ++i) co_await ports_.Send(listener.Port());
  }
  co_await listening_.Send(listener.Port());
  co_return std::move(listener);
}

Coro<uint16_t> ShardedCounter::Port() {
  uint16_t port = 0;
  for (size_t i = 0; i < clients_.size(); ++i) port = *co_await listening_.Receive();
  co_return port;
}

Coro<> ShardedCounter::Serve(int shard) {
  Listener listener = co_await ListenAtPort(shard);
  // It closes at the end of this function.
  auto hand_on = [this](Connection client) { return HandOn(std::move(client)); };
  const Server server = co_await StartServer(hand_on, std::move(listener));
  co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
    while (std::optional<Client> next = co_await clients_[static_cast<size_t>(shard)]->Receive()) {
      group.Spawn(Count(*std::move(next)));
    }
    group.Cancel();
  });
}

Coro<> ShardedCounter::HandOn(Connection client) {
  Client next;
  next.name = co_await client.ReadLine();
  if (next.name.empty()) co_return;  // The client has gone.
  next.connection = client.Detach();
  const size_t owner = std::accumulate(next.name.begin(), next.name.end(), size_t{0}) % clients_.size();
  auto outcome = co_await Catch(clients_[owner]->Send(std::move(next)));
  if (outcome.cancelled()) co_await Propagate(std::move(outcome));
  // Else it was sent, or the server is closed and the client is cut off.
}

Coro<> ShardedCounter::Count(Client client) {
  Connection connection = Adopt(std::move(client.connection));
  try {
    while (!(co_await connection.ReadLine()).empty()) {
      const std::string count = std::to_string(++counters.Get().by_name[client.name]) + "\n";
      co_await connection.Write(count);
    }
  } catch (const std::system_error&) {
    // The client has gone.
  }
}

void ShardedCounter::Close() {
  for (const auto& clients : clients_) clients->Close();
}

}  // namespace detent_examples
