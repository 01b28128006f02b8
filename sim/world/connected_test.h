// SPDX-License-Identifier: Apache-2.0
//
// Connected(): both ends of a connection, for the tests of the simulated network.
//
// Internal.
#ifndef DETENT_SIM_WORLD_CONNECTED_TEST_H_
#define DETENT_SIM_WORLD_CONNECTED_TEST_H_

#include <utility>

#include "detent/runtime/runtime.h"

namespace detent {

class Pair {
 public:
  Pair() {}
  Connection client;
  Connection server;
};

inline Coro<Pair> Connected() {
  Listener listener = co_await Listen("server", 80);
  Pair pair;
  pair.client = co_await Connect("server", 80);
  pair.server = co_await listener.Accept();
  co_return std::move(pair);
}

}  // namespace detent

#endif  // DETENT_SIM_WORLD_CONNECTED_TEST_H_
