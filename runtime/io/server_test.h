// SPDX-License-Identifier: Apache-2.0
//
// For the tests of servers on either loop: a handler, clients, and what is reported.
#ifndef DETENT_RUNTIME_IO_SERVER_TEST_H_
#define DETENT_RUNTIME_IO_SERVER_TEST_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"

namespace detent {

inline Coro<> Echo(Connection client) {
  while (true) {
    const std::string bytes = co_await client.Read(4096);
    if (bytes.empty()) co_return;
    co_await client.Write(bytes);
  }
}

// What a client gets for one write of `question`; "" for the end of the stream.
inline Coro<std::string> Ask(Connection& client, std::string question) {
  co_await client.Write(question);
  co_return co_await client.Read(question.size());
}

inline Coro<Connection> ConnectTo(const Server& server) { co_return co_await Connect("127.0.0.1", server.Port()); }

// What the loop reports from now on, instead of the test's failing of it.
class Reports {
 public:
  Reports() {
    EventLoop::Current().SetExceptionHandler(
        [reports = reports_](const ExceptionContext& context) { reports->push_back(context.ToString()); });
  }
  ~Reports() { EventLoop::Current().SetExceptionHandler({}); }
  Reports(const Reports&) = delete;
  Reports& operator=(const Reports&) = delete;

  const std::vector<std::string>& operator*() const { return *reports_; }

 private:
  const std::shared_ptr<std::vector<std::string>> reports_ = std::make_shared<std::vector<std::string>>();
};

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_SERVER_TEST_H_
