// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/net.h"

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/event_loop.h"

namespace detent {
namespace internal {
namespace {

// Waits until a connection stands. Gives 0 or the errno.
class ConnectOperation final : public SocketWait {
 public:
  explicit ConnectOperation(ConnectionState* state) : SocketWait(state, state->writers()) {}

  int Take() const { return error_; }

  WaitKind Kind() const override { return WaitKind::kConnect; }
  std::string Describe() const override { return absl::StrCat("Connect to ", state().Address()); }

 private:
  const char* Name() const override { return "Connect"; }
  const char* Verb() const override { return "connect to"; }
  bool Try() override {
    error_ = static_cast<ConnectionState&>(state()).socket().FinishConnect();
    return error_ != EAGAIN;
  }

  int error_ = 0;
};

// The addresses of a name that were tried in vain.
class Attempts {
 public:
  Attempts(const char* verb, std::string target) : verb_(verb), target_(std::move(target)) {}

  void Add(const std::string& address, int error) {
    if (count_++ == 0) error_ = error;
    absl::StrAppend(&failures_, count_ == 1 ? "" : "; ", address, ": ", std::generic_category().message(error));
    last_ = address;
  }
  [[noreturn]] void Throw() const {
    std::string text = absl::StrCat(verb_, " ", target_);
    if (last_ != target_) absl::StrAppend(&text, " (", count_ == 1 ? last_ : failures_, ")");
    throw std::system_error(error_, std::generic_category(), text);
  }

 private:
  const char* verb_;
  std::string target_;
  std::string last_;
  std::string failures_;
  int count_ = 0;
  int error_ = ENOENT;
};

uint16_t CheckedPort(const char* what, int port, int least) {
  if (port < least || port > 65535) {
    throw std::invalid_argument(
        absl::StrCat(what, ": the port is ", port, "; it must be between ", least, " and 65535"));
  }
  return static_cast<uint16_t>(port);
}

std::string CheckedHost(const char* what, std::string_view host) {
  if (host.find('\0') != std::string_view::npos) {
    throw std::invalid_argument(absl::StrCat(what, ": the host contains a zero byte"));
  }
  return std::string(host);
}

Coro<Listener> ListenAt(std::string host, uint16_t port, int backlog) {
  LoopCore& core = RequireCore("Listen()");
  Network& network = core.loop->network();
  const std::vector<std::string> addresses = co_await network.Resolve(host);
  Attempts attempts("listen at", JoinHostPort(host, port));
  for (const std::string& address : addresses) {
    int error = 0;
    std::unique_ptr<ListenSocket> socket = network.Listen(address, port, backlog, &error);
    if (socket != nullptr) {
      co_return Listener(StateRef<ListenerState>(new ListenerState(core, std::move(socket))));
    }
    attempts.Add(JoinHostPort(address, port), error);
  }
  attempts.Throw();
}

Coro<Connection> ConnectTo(std::string host, uint16_t port) {
  LoopCore& core = RequireCore("Connect()");
  Network& network = core.loop->network();
  const std::vector<std::string> addresses = co_await network.Resolve(host);
  Attempts attempts("connect to", JoinHostPort(host, port));
  for (const std::string& address : addresses) {
    int error = 0;
    std::unique_ptr<StreamSocket> socket = network.Connect(address, port, &error);
    if (socket != nullptr) {
      Connection connection(StateRef<ConnectionState>(new ConnectionState(core, std::move(socket))));
      error = co_await ConnectOperation(connection.state());
      if (error == 0) co_return std::move(connection);
    }
    attempts.Add(JoinHostPort(address, port), error);
  }
  attempts.Throw();
}

}  // namespace
}  // namespace internal

Coro<Listener> Listen(std::string_view host, int port, ListenOptions options) {
  if (options.backlog < 1) {
    throw std::invalid_argument(absl::StrCat("Listen(): the backlog is ", options.backlog, "; it must be 1 or more"));
  }
  return internal::ListenAt(internal::CheckedHost("Listen()", host), internal::CheckedPort("Listen()", port, 0),
                            options.backlog);
}

Coro<Connection> Connect(std::string_view host, int port) {
  if (host.empty()) throw std::invalid_argument("Connect(): the host is empty; give a name or an address");
  return internal::ConnectTo(internal::CheckedHost("Connect()", host),
                             internal::CheckedPort("Connect()", port, 1));
}

}  // namespace detent
