// SPDX-License-Identifier: Apache-2.0
//
// A server on several cores: a counter for each name, and each name belongs to one of several event loops.
//
//   ShardedCounter counter(/*shards=*/4, /*port=*/7008);
//   RunThreads(4, [&](int shard) { return counter.Serve(shard); });
//
// A client sends a line with a name, then any number of lines; each is answered by the new count of that name. All
// loops listen at one port. Whoever accepts a client hands the connection to the loop that owns the name, so that
// counting needs no lock.
#ifndef DETENT_EXAMPLES_SHARDED_COUNTER_H_
#define DETENT_EXAMPLES_SHARDED_COUNTER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "detent/runtime/channel.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/io/connection.h"
#include "detent/runtime/io/listener.h"

namespace detent_examples {

class ShardedCounter {
 public:
  // Port 0 picks a port.
  ShardedCounter(int shards, uint16_t port);

  // What the loop of this number runs, from 0 on. Ends after Close().
  detent::Coro<> Serve(int shard);
  // In another loop, or in any of them: the port, once all loops listen. To be called once.
  detent::Coro<uint16_t> Port();
  // No more clients; those that are there are cut off. From any loop.
  void Close();

 private:
  class Client {
   public:
    std::string name;
    detent::DetachedConnection connection;
  };

  detent::Coro<detent::Listener> ListenAtPort(int shard);
  // To the loop that owns the name.
  detent::Coro<> HandOn(detent::Connection client);
  detent::Coro<> Count(Client client);

  const uint16_t port_;
  detent::Channel<uint16_t> ports_;      // The port that the first loop has got, for the others.
  detent::Channel<uint16_t> listening_;  // One for each loop that listens.
  std::vector<std::unique_ptr<detent::Channel<Client>>> clients_;  // By the loop that gets them.
};

}  // namespace detent_examples

#endif  // DETENT_EXAMPLES_SHARDED_COUNTER_H_
