// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/server.h"

#include <algorithm>
#include <exception>
#include <new>
#include <optional>
#include <stdexcept>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/event.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/frame_pool.h"
#include "detent/runtime/internal/list.h"
#include "detent/runtime/io/read_errors.h"
#include "detent/runtime/sleep.h"
#include "detent/runtime/spawn.h"

namespace detent {
namespace internal {
namespace {

// Whether `error` is of those with which a connection ends when its peer goes, or sends what it should not.
bool IsOfConnection(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::system_error&) {
    return true;
  } catch (const IncompleteReadError&) {
    return true;
  } catch (const LimitOverrunError&) {
    return true;
  } catch (const ExceptionGroup& group) {
    return std::all_of(group.Exceptions().begin(), group.Exceptions().end(), IsOfConnection);
  } catch (...) {
    return false;
  }
}

// A time in which the system has nothing left for another client.
class Shortage {
 public:
  // A client could not be taken. Whether that is worth a report.
  bool Struck(LoopTime now) {
    const bool is_news = !last_.has_value() || now - *last_ >= kForgottenAfter;
    last_ = now;
    return is_news;
  }
  // How long to wait before the next try.
  absl::Duration NextPause() {
    const absl::Duration pause = pause_;
    pause_ = std::min(2 * pause_, kPauseMax);
    return pause;
  }
  // A client was taken.
  void Eased() { pause_ = kPauseMin; }

 private:
  static constexpr absl::Duration kPauseMin = absl::Milliseconds(100);
  static constexpr absl::Duration kPauseMax = absl::Seconds(1);
  static constexpr absl::Duration kForgottenAfter = absl::Minutes(1);

  absl::Duration pause_ = kPauseMin;
  std::optional<LoopTime> last_;
};

}  // namespace

// Kept by its handle, by the task that accepts, and by each client's.
class ServerState : public std::enable_shared_from_this<ServerState> {
 public:
  ServerState(LoopCore& core, Listener listener, ClientHandler handler, int connections_max, std::source_location where)
      : core_(&core),
        listener_(std::move(listener)),
        handler_(std::move(handler)),
        connections_max_(connections_max),
        where_(where),
        room_(absl::StrCat("room for another client at ", listener_.Address())),
        closed_(absl::StrCat("the end of the server at ", listener_.Address())) {
    room_.Set();
  }

  const Listener& listener() const { return listener_; }
  size_t client_count() const { return client_count_; }
  // Set once nothing is left.
  Event& closed() { return closed_; }
  void Check(const char* what) const {
    if (!core_->IsClosed()) core_->CheckThread(what);
  }

  void Start();
  void Close();
  void CloseClients();
  void AbortClients();

 private:
  class Acceptor;
  class Client;

  static Coro<> AcceptClients(std::unique_ptr<Acceptor> acceptor);
  static Coro<> Serve(std::unique_ptr<Client> client, Connection connection);
  void Admit(Connection connection);
  bool IsFull() const { return connections_max_ > 0 && client_count_ >= static_cast<size_t>(connections_max_); }
  void TellOfShortage(const std::exception_ptr& error) const;
  void TellIfClosed() {
    if (acceptor_ == nullptr && client_count_ == 0) closed_.Set();
  }

  const Ref<LoopCore> core_;
  Listener listener_;
  const ClientHandler handler_;
  const int connections_max_;
  const std::source_location where_;
  Event room_;
  Event closed_;
  Acceptor* acceptor_ = nullptr;  // Null once no more clients are taken.
  List<Client> clients_;          // In the order in which they came.
  size_t client_count_ = 0;
};

// In the frame of the task that accepts: however that ends, the server is closed then.
class ServerState::Acceptor {
 public:
  explicit Acceptor(std::shared_ptr<ServerState> server) : server_(std::move(server)) { server_->acceptor_ = this; }
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  ~Acceptor() {
    server_->acceptor_ = nullptr;
    server_->listener_.Close();
    server_->TellIfClosed();
  }

  ServerState& server() const { return *server_; }
  void SetTask(TaskState& task) { task_ = &task; }
  void Cancel() const { task_->Cancel(); }

 private:
  const std::shared_ptr<ServerState> server_;
  TaskState* task_ = nullptr;
};

// In the frame of a client's task.
class ServerState::Client : public ListLink<Client>, public Pooled {
 public:
  Client(std::shared_ptr<ServerState> server, const Connection& connection)
      : server_(std::move(server)), connection_(connection.state()) {
    server_->clients_.Append(this);
    ++server_->client_count_;
    if (server_->IsFull()) server_->room_.Clear();
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() {
    List<Client>::Remove(this);
    --server_->client_count_;
    server_->room_.Set();
    server_->TellIfClosed();
  }

  ServerState& server() const { return *server_; }
  ConnectionState& connection() const { return *connection_; }
  void SetTask(TaskState& task) { task_ = &task; }
  // What its handler threw.
  [[gnu::noinline]] void TellOfError(const std::exception_ptr& error) const;
  void Cancel() const { task_->Cancel(); }

 private:
  const std::shared_ptr<ServerState> server_;
  const Ref<ConnectionState> connection_;
  TaskState* task_ = nullptr;
};

void ServerState::Start() {
  auto acceptor = std::make_unique<Acceptor>(shared_from_this());
  const std::string name = absl::StrCat("server at ", listener_.Address());
  const Task<> task = SpawnOn(*core_, AcceptClients(std::move(acceptor)), {.name = name}, where_);
  acceptor_->SetTask(task.task_state());
}

void ServerState::Close() {
  if (acceptor_ != nullptr) acceptor_->Cancel();
  listener_.Close();
}

void ServerState::CloseClients() {
  for (Client* each = clients_.first(); each != nullptr; each = clients_.Next(each)) each->connection().EndReading();
}

void ServerState::AbortClients() {
  for (Client* each = clients_.first(); each != nullptr; each = clients_.Next(each)) each->Cancel();
}

Coro<> ServerState::AcceptClients(std::unique_ptr<Acceptor> acceptor) {
  ServerState& server = acceptor->server();
  Shortage shortage;
  while (true) {
    co_await server.room_.Wait();
    std::exception_ptr error;
    try {
      Connection connection = co_await server.listener_.Accept(server.where_);
      server.Admit(std::move(connection));
    } catch (const InvalidStateError&) {
      co_return;  // The listener was closed.
    } catch (const std::exception&) {
      error = std::current_exception();
    }
    if (error == nullptr) {
      shortage.Eased();
      continue;
    }
    if (shortage.Struck(server.core_->now)) server.TellOfShortage(error);
    co_await Sleep(shortage.NextPause());
  }
}

void ServerState::Admit(Connection connection) {
  const std::string name = absl::StrCat("client ", connection.PeerAddress());
  auto owned = std::make_unique<Client>(shared_from_this(), connection);
  Client* const client = owned.get();
  const Task<> task = SpawnOn(*core_, Serve(std::move(owned), std::move(connection)), {.name = name}, where_);
  client->SetTask(task.task_state());
}

Coro<> ServerState::Serve(std::unique_ptr<Client> client, Connection connection) {
  try {
    co_await client->server().handler_(std::move(connection));
  } catch (const CancelledError&) {
    throw;
  } catch (...) {
    client->TellOfError(std::current_exception());
  }
}

void ServerState::Client::TellOfError(const std::exception_ptr& error) const {
  if (IsOfConnection(error)) return;
  server_->core_->Report(ExceptionContext(absl::StrCat("the handler of the client ", connection_->Address(),
                                                       ", of the server at ", server_->listener_.Address(), ", failed"),
                                          error, ReportKind::kUnseenError, server_->where_));
}

void ServerState::TellOfShortage(const std::exception_ptr& error) const {
  core_->Report(
      ExceptionContext(absl::StrCat("the server at ", listener_.Address(),
                                    " cannot take another client now; it tries again, at least once a second"),
                       error, ReportKind::kShortage, where_));
}

namespace {

void CheckOptions(const ServerOptions& options) {
  if (options.connections_max >= 0) return;
  throw std::invalid_argument(absl::StrCat("StartServer(): connections_max is ", options.connections_max,
                                           "; it must be 1 or more, or 0 for as many as come"));
}

Server MakeServer(ClientHandler handler, Listener listener, int connections_max, std::source_location where) {
  auto state = std::make_shared<ServerState>(RequireCore("StartServer()"), std::move(listener), std::move(handler),
                                             connections_max, where);
  state->Start();
  return Server(std::move(state));
}

Coro<Server> ServeAt(ClientHandler handler, Coro<Listener> listening, int connections_max, std::source_location where) {
  Listener listener = co_await std::move(listening);
  co_return MakeServer(std::move(handler), std::move(listener), connections_max, where);
}

Coro<Server> ServeOn(ClientHandler handler, Listener listener, int connections_max, std::source_location where) {
  const ListenerState& state = *listener.state();
  if (&state.core() != &RequireCore("StartServer()")) {
    throw InvalidStateError(absl::StrCat("StartServer(): the Listener at ", state.Address(),
                                         " belongs to another event loop; start the server in that one"));
  }
  if (!state.IsOpen()) {
    throw InvalidStateError(
        absl::StrCat("StartServer(): the Listener at ", state.Address(), " is closed; Listen() gives a new one"));
  }
  co_return MakeServer(std::move(handler), std::move(listener), connections_max, where);
}

Coro<> WaitClosed(std::shared_ptr<ServerState> server) { co_await server->closed().Wait(); }

// Closes the server at its end, which is the end of the server, or a cancellation.
class ClosesServer {
 public:
  explicit ClosesServer(std::shared_ptr<ServerState> server) : server_(std::move(server)) {}
  ClosesServer(const ClosesServer&) = delete;
  ClosesServer& operator=(const ClosesServer&) = delete;
  ~ClosesServer() { server_->Close(); }

 private:
  const std::shared_ptr<ServerState> server_;
};

Coro<> ServeForever(std::shared_ptr<ServerState> server) {
  const ClosesServer closes(server);
  co_await server->closed().Wait();
}

}  // namespace

Coro<Server> StartServerAt(ClientHandler handler, std::string_view host, int port, ServerOptions options,
                           std::source_location where) {
  CheckOptions(options);
  return ServeAt(std::move(handler), ListenFor("StartServer()", host, port, options.listen, where),
                 options.connections_max, where)
      .At(where);
}

Coro<Server> StartServerOn(ClientHandler handler, Listener listener, ServerOptions options,
                           std::source_location where) {
  CheckOptions(options);
  (void)listener.state();  // Throws if it is empty.
  return ServeOn(std::move(handler), std::move(listener), options.connections_max, where).At(where);
}

}  // namespace internal

Server::Server() = default;
Server::Server(Server&& other) noexcept = default;
Server& Server::operator=(Server&& other) noexcept {
  if (this != &other) {
    Drop();
    state_ = std::move(other.state_);
  }
  return *this;
}
Server::~Server() { Drop(); }
Server::Server(std::shared_ptr<internal::ServerState> state) : state_(std::move(state)) {}

uint16_t Server::Port() const { return state().listener().Port(); }
std::string Server::Address() const { return state().listener().Address(); }
size_t Server::ClientCount() const { return state().client_count(); }

void Server::Close() {
  state().Check("Server::Close()");
  state_->Close();
}

void Server::CloseClients() {
  state().Check("Server::CloseClients()");
  state_->CloseClients();
}

void Server::AbortClients() {
  state().Check("Server::AbortClients()");
  state_->AbortClients();
}

Coro<> Server::WaitClosed(std::source_location where) const {
  (void)state();  // Throws if it is empty.
  return internal::WaitClosed(state_).At(where);
}

Coro<> Server::ServeForever(std::source_location where) const {
  (void)state();
  return internal::ServeForever(state_).At(where);
}

internal::ServerState& Server::state() const {
  if (state_ == nullptr) {
    throw InvalidStateError("this Server is empty: it was default-constructed or moved from; StartServer() gives one");
  }
  return *state_;
}

void Server::Drop() noexcept {
  if (state_ == nullptr) return;
  try {
    Close();
    AbortClients();
  } catch (...) {  // On another thread than its own: it goes on there.
    internal::ReportHere(ExceptionContext("a Server was not closed", std::current_exception(), ReportKind::kNotClosed));
  }
  state_ = nullptr;
}

}  // namespace detent
