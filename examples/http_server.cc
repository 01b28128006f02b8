// SPDX-License-Identifier: Apache-2.0
#include "detent/examples/http_server.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/sleep.h"

namespace detent_examples {
namespace {

using detent::Connection;
using detent::Coro;
using detent::EventLoop;
using detent::Server;
using detent::Sleep;

std::string Response(const char* status, const std::string& body) {
  return absl::StrCat("HTTP/1.1 ", status, "\r\nContent-Type: application/json\r\nContent-Length: ", body.size(),
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

// A client that does not speak HTTP, or goes, makes a read or a write throw: that ends its connection.
Coro<> AnswerOne(Connection client, absl::Duration second) {
  const std::string head = co_await client.ReadUntil("\r\n\r\n", /*limit=*/8192);
  const std::string response = co_await Answer(head, second);
  co_await client.Write(response);
}

}  // namespace

Coro<Server> StartHttp(std::string_view host, int port, absl::Duration second) {
  const auto answer = [second](Connection client) { return AnswerOne(std::move(client), second); };
  return detent::StartServer(answer, host, port);
}

}  // namespace detent_examples
