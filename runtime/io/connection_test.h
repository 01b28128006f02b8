// SPDX-License-Identifier: Apache-2.0
//
// For the tests of connections on either loop: the two ends of one, and how long and how much takes effect there.
#ifndef DETENT_RUNTIME_IO_CONNECTION_TEST_H_
#define DETENT_RUNTIME_IO_CONNECTION_TEST_H_

#include <string>
#include <utility>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"

namespace detent {

// The two ends of one connection.
class Pair {
 public:
  Pair() {}
  Connection client;
  Connection server;
};

inline Coro<Pair> Connected() {
  Listener listener = co_await Listen("127.0.0.1", 0);
  Pair pair;
  pair.client = co_await Connect("127.0.0.1", listener.Port());
  pair.server = co_await listener.Accept();
  co_return std::move(pair);
}

inline Coro<std::string> ReadToEnd(Connection& connection) {
  std::string all;
  while (true) {
    const std::string some = co_await connection.Read(10'000);
    if (some.empty()) co_return std::move(all);
    all += some;
  }
}

inline Coro<> WriteAll(Connection& connection, std::string data) { co_await connection.Write(data); }

inline bool IsReal() { return dynamic_cast<EpollLoop*>(&EventLoop::Current()) != nullptr; }

// More than a socket of this loop takes before somebody reads.
inline std::string Large(char letter = 'x') { return std::string(IsReal() ? 20'000'000 : 200'000, letter); }

// Until whatever is under way has arrived.
inline Coro<> ALittleWhile() { co_await Sleep(absl::Milliseconds(IsReal() ? 3 : 20)); }

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_CONNECTION_TEST_H_
