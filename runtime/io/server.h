// SPDX-License-Identifier: Apache-2.0
//
// Server: takes clients at one address and runs a task for each. StartServer() makes one. asyncio's start_server().
//
//   Coro<> Echo(Connection client) {
//     while (true) {
//       const std::string bytes = co_await client.Read(4096);
//       if (bytes.empty()) co_return;
//       co_await client.Write(bytes);
//     }
//   }
//
//   Server server = co_await StartServer(Echo, "127.0.0.1", 8080);
//   co_await server.ServeForever();
//
// and where a program ends in good order:
//
//   server.Close();                                       // no more clients
//   server.CloseClients();                                // those that are there may finish what they do
//   (void)co_await Settle(WaitFor(server.WaitClosed(), absl::Seconds(10)));
//   server.AbortClients();                                // who has not
//
// Order.         Clients are taken in the order in which they were connected.
// Suspension.    StartServer() while a name is looked up, WaitClosed() and ServeForever() as they say; the rest never.
// Cancellation.  A cancelled StartServer() leaves nothing open, a cancelled WaitClosed() no trace. A cancelled
//                ServeForever() closes the server.
// Errors.        Of StartServer(): as Listen(). A client's never end the server. What its connection throws ends the
//                client's task and is not reported, since peers come and go as they like: std::system_error,
//                IncompleteReadError, LimitOverrunError, and an ExceptionGroup of nothing else. Any other exception of
//                the handler goes to the loop's exception handler. When the system has no descriptor or no memory for
//                another client, that is reported once; the server tries again after 100 ms, then after twice as long
//                each time, up to a second, until it succeeds. Those who are there are served meanwhile, and those who
//                come wait. It is reported again after a minute in which every client could be taken.
// Ownership.     Move-only. A Server that is dropped is closed, and its clients are aborted. The handler is kept until
//                the server is closed and the last client's task has ended.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_IO_SERVER_H_
#define DETENT_RUNTIME_IO_SERVER_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "detent/runtime/closure.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/io/connection.h"
#include "detent/runtime/io/listener.h"
#include "detent/runtime/io/net.h"

namespace detent {
namespace internal {

class ServerState;
using ClientHandler = std::function<Coro<>(Connection)>;

// Can be called with a Connection, gives a Coro<>, and can be copied.
template <typename F>
concept HandlesClients =
    std::is_invocable_r_v<Coro<>, std::decay_t<F>&, Connection> && std::copy_constructible<std::decay_t<F>>;

}  // namespace internal

struct ServerOptions {
  ListenOptions listen = ListenOptions();
  // How many clients are served at a time; others wait until one has ended. 0: as many as come.
  int connections_max = 0;
};

class Server {
 public:
  Server();
  Server(Server&& other) noexcept;
  Server& operator=(Server&& other) noexcept;
  ~Server();

  // False if it was default-constructed or moved from. A closed one is still a Server.
  explicit operator bool() const { return state_ != nullptr; }

  // Also after Close().
  uint16_t Port() const;
  std::string Address() const;
  // How many clients' tasks have not ended.
  size_t ClientCount() const;

  // Takes no more clients: those who wait to be taken are reset, those who are there are served on. Twice is harmless.
  void Close();
  // Each client that is there gets an end of stream: what has arrived can still be read, then reading ends as if the
  // peer had said all. Writing goes on, so that an answer is finished. A task that never reads is not told.
  void CloseClients();
  // Each client's task is cancelled.
  void AbortClients();
  // Until the server is closed and all clients' tasks have ended.
  Coro<> WaitClosed(std::source_location where = std::source_location::current()) const;
  // As WaitClosed(); a cancellation closes the server.
  Coro<> ServeForever(std::source_location where = std::source_location::current()) const;

  // --- For the library ---

  explicit Server(std::shared_ptr<internal::ServerState> state);

 private:
  internal::ServerState& state() const;
  void Drop() noexcept;

  std::shared_ptr<internal::ServerState> state_;
};

namespace internal {

Coro<Server> StartServerAt(ClientHandler handler, std::string_view host, int port, ServerOptions options,
                           std::source_location where);
Coro<Server> StartServerOn(ClientHandler handler, Listener listener, ServerOptions options, std::source_location where);

}  // namespace internal

// Calls `handler(connection)` in a task of its own for each client of `host` and `port`, which are those of Listen().
template <internal::HandlesClients F>
Coro<Server> StartServer(F&& handler, std::string_view host, int port, ServerOptions options = ServerOptions(),
                         std::source_location where = std::source_location::current()) {
  DETENT_INTERNAL_CHECK_CLOSURE(F);
  return internal::StartServerAt(internal::ClientHandler(std::forward<F>(handler)), host, port, options, where);
}
// For the clients of `listener`, whose options are settled: of `options` only those of the server count.
template <internal::HandlesClients F>
Coro<Server> StartServer(F&& handler, Listener listener, ServerOptions options = ServerOptions(),
                         std::source_location where = std::source_location::current()) {
  DETENT_INTERNAL_CHECK_CLOSURE(F);
  return internal::StartServerOn(internal::ClientHandler(std::forward<F>(handler)), std::move(listener), options,
                                 where);
}

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_SERVER_H_
