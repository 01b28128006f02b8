// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/net.h"

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/io/address.h"
#include "detent/runtime/io/happy_eyeballs.h"
#include "detent/runtime/io/internal/arguments.h"
#include "detent/runtime/io/internal/outside.h"
#include "detent/runtime/io/resolve.h"

namespace detent {
namespace internal {
namespace {

// Waits until a connection stands. Gives 0 or the errno.
class ConnectOperation final : public SocketWait {
 public:
  explicit ConnectOperation(ConnectionState* state) : SocketWait(state, state->writers()) {}

  int Take() const { return error_; }

  WaitKind Kind() const override { return WaitKind::kConnect; }
  void Describe(WaitText& text) const override {
    text.verb = "Connect";
    text.preposition = "to";
    text.object = state().Address();
  }

 private:
  const char* Type() const override { return ""; }
  const char* Call() const override { return "Connect"; }
  const char* Verb() const override { return "connect to"; }
  bool Try() override {
    const IoResult<> result = static_cast<ConnectionState&>(state()).socket().FinishConnect();
    error_ = result.error();
    return !result.would_block();
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

Coro<Listener> ListenAt(const char* what, std::string host, uint16_t port, ListenOptions options,
                        std::source_location where) {
  LoopCore& core = RequireCore(what);
  Network& network = core.owner().outside().network();
  const std::vector<Address> addresses = co_await Resolve(host, port);
  Attempts attempts("listen at", JoinHostPort(host, port));
  ListenSettings settings;
  settings.backlog = options.backlog;
  settings.reuse_port = options.reuse_port;
  settings.only_v6 = options.only_v6;
  settings.keep_alive = options.keep_alive;
  settings.reset_on_close = options.reset_on_close;
  for (const Address& address : addresses) {
    IoResult<std::unique_ptr<ListenSocket>> socket = network.Listen(address.Host(), port, settings);
    if (socket.ok()) {
      co_return Listener(Ref<ListenerState>(new ListenerState(core, std::move(socket).value(), where)));
    }
    attempts.Add(address.ToString(), socket.error());
  }
  attempts.Throw();
}

// One attempt. Notes a failure, and gives an empty Connection then.
Coro<Connection> ConnectAt(const std::string& address, uint16_t port, const ConnectSettings& settings,
                           Attempts& attempts, std::source_location where) {
  LoopCore& core = *CurrentCore();
  IoResult<std::unique_ptr<StreamSocket>> socket = core.owner().outside().network().Connect(address, port, settings);
  int error = socket.error();
  if (socket.ok()) {
    Connection connection(Ref<ConnectionState>(new ConnectionState(core, std::move(socket).value(), where)));
    error = co_await ConnectOperation(connection.state());
    if (error == 0) co_return std::move(connection);
  }
  attempts.Add(JoinHostPort(address, port), error);
  co_return Connection();
}

ConnectSettings SettingsFor(const ConnectOptions& options) {
  ConnectSettings settings;
  settings.keep_alive = options.keep_alive;
  settings.no_delay = options.no_delay;
  settings.user_timeout = options.user_timeout;
  settings.reset_on_close = options.reset_on_close;
  return settings;
}

Coro<Connection> ConnectTo(std::string host, uint16_t port, ConnectOptions options, std::source_location where) {
  (void)RequireCore("Connect()");
  const std::vector<Address> found = co_await Resolve(host, port);
  std::vector<std::string> addresses;
  for (const Address& address : found) addresses.push_back(address.Host());
  const std::vector<std::string> turns = TakeFamiliesInTurns(addresses);
  const ConnectSettings settings = SettingsFor(options);
  Attempts attempts("connect to", JoinHostPort(host, port));
  const auto attempt = [&](size_t i) { return ConnectAt(turns[i], port, settings, attempts, where); };
  Connection winner = co_await ConnectToFirst(turns.size(), options.happy_eyeballs_delay, attempt);
  if (!winner) attempts.Throw();
  co_return std::move(winner);
}

}  // namespace

Coro<Listener> ListenFor(const char* what, std::string_view host, int port, ListenOptions options,
                         std::source_location where) {
  if (options.backlog < 1) {
    throw std::invalid_argument(absl::StrCat(what, ": the backlog is ", options.backlog, "; it must be 1 or more"));
  }
  return ListenAt(what, CheckedHost(what, host), CheckedPort(what, port, 0), options, where).At(where);
}

}  // namespace internal

Coro<Listener> Listen(std::string_view host, int port, ListenOptions options, std::source_location where) {
  return internal::ListenFor("Listen()", host, port, options, where);
}

Coro<Connection> Connect(std::string_view host, int port, ConnectOptions options, std::source_location where) {
  if (host.empty()) throw std::invalid_argument("Connect(): the host is empty; give a name or an address");
  if (!(options.happy_eyeballs_delay >= absl::Milliseconds(10))) {
    throw std::invalid_argument(absl::StrCat("Connect(): happy_eyeballs_delay is ",
                                             absl::FormatDuration(options.happy_eyeballs_delay),
                                             "; it must be 10ms or more, so that no network is flooded"));
  }
  if (!(options.user_timeout >= absl::Milliseconds(1))) {
    throw std::invalid_argument(absl::StrCat("Connect(): user_timeout is ", absl::FormatDuration(options.user_timeout),
                                             "; it must be 1ms or more, or infinite for the system's own"));
  }
  return internal::ConnectTo(internal::CheckedHost("Connect()", host), internal::CheckedPort("Connect()", port, 1),
                             options, where)
      .At(where);
}

}  // namespace detent
