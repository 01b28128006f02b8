// SPDX-License-Identifier: Apache-2.0
#include "detent/examples/http_server.h"

#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/sleep.h"
#include "detent/runtime/task_group.h"

namespace detent_examples {
namespace {

using detent::Connection;
using detent::Coro;
using detent::EventLoop;
using detent::Listener;
using detent::Sleep;
using detent::TaskGroup;

std::string Response(const char* status, const std::string& body) {
  return absl::StrCat("HTTP/1.1 ", status,
                      "\r\nContent-Type: application/json\r\nContent-Length: ", body.size(),
                      "\r\nConnection: close\r\n\r\n", body);
}

// `head` is the request line and the header fields.
Coro<std::string> Answer(std::string head, absl::Duration second) {
  if (!head.starts_with("GET ")) co_return Response("405 Method Not Allowed", "{}");
  if (!head.starts_with("GET /aio ")) co_return Response("404 Not Found", "{}");
  const int delay = 1 + static_cast<int>(EventLoop::Current().Random().Below(30));
  co_await Sleep(delay * second);
  co_return Response("200 OK", absl::StrCat("{\"delay\": ", delay, "}"));
}

Coro<> AnswerOne(Connection connection, absl::Duration second) {
  try {
    const std::string head = co_await connection.ReadUntil("\r\n\r\n", /*limit=*/8192);
    const std::string response = co_await Answer(head, second);
    co_await connection.Write(response);
  } catch (const std::exception&) {
    // Not HTTP, or gone: this connection ends. (A cancellation is no std::exception and goes on.)
  }
}

}  // namespace

Coro<> ServeHttp(Listener listener, absl::Duration second) {
  co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
    while (true) {
      Connection connection = co_await listener.Accept();
      group.Spawn(AnswerOne, std::move(connection), second);
    }
  });
}

}  // namespace detent_examples
