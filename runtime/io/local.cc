// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/local.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/io/internal/network.h"
#include "detent/runtime/io/internal/outside.h"
#include "detent/runtime/sleep.h"

namespace detent {
namespace internal {
namespace {

// The longest path that fits into an address, with its zero byte.
constexpr size_t kPathMax = 107;

[[noreturn]] void ThrowErrno(const char* verb, const std::string& object, int error) {
  throw std::system_error(error, std::generic_category(), absl::StrCat(verb, " ", object));
}

// As Network takes it.
std::string CheckedPath(const char* what, std::string_view path) {
  if (path.empty()) throw std::invalid_argument(absl::StrCat(what, ": the path is empty; give one, or @ and a name"));
  if (path.size() > kPathMax) {
    throw std::invalid_argument(absl::StrCat(what, ": the path has ", path.size(), " bytes, and a Unix socket's has ",
                                             kPathMax, " at most: ", std::string(path)));
  }
  std::string checked(path);
  if (checked[0] == '@') checked[0] = '\0';
  if (checked[0] != '\0' && checked.find('\0') != std::string::npos) {
    throw std::invalid_argument(absl::StrCat(what, ": the path contains a zero byte"));
  }
  return checked;
}

Coro<Listener> ListenAtPath(std::string path, ListenSettings settings, std::source_location where) {
  LoopCore& core = RequireCore("ListenUnix()");
  auto socket = core.owner().outside().network().ListenUnix(path, settings);
  if (!socket.ok()) ThrowErrno("listen at", UnixAddressText(path), socket.error());
  co_return Listener(Ref<ListenerState>(new ListenerState(core, std::move(socket).value(), where)));
}

Coro<Connection> ConnectToPath(std::string path, std::source_location where) {
  LoopCore& core = RequireCore("ConnectUnix()");
  absl::Duration pause = absl::Milliseconds(1);
  while (true) {
    auto socket = core.owner().outside().network().ConnectUnix(path);
    if (socket.ok()) {
      co_return Connection(Ref<ConnectionState>(new ConnectionState(core, std::move(socket).value(), where)));
    }
    if (socket.error() != EAGAIN) ThrowErrno("connect to", UnixAddressText(path), socket.error());
    // The backlog is full, and the kernel tells nobody when it is not any more.
    co_await Sleep(pause);
    pause = std::min(2 * pause, absl::Milliseconds(100));
  }
}

std::pair<Connection, Connection> MakePair(const char* what, const char* verb, bool one_way,
                                           std::source_location where) {
  LoopCore& core = RequireCore(what);
  auto made = core.owner().outside().network().MakePair(one_way);
  if (!made.ok()) ThrowErrno(verb, one_way ? "pipe" : "socket pair", made.error());
  Network::Streams streams = std::move(made).value();
  Connection first(Ref<ConnectionState>(new ConnectionState(core, std::move(streams.first), where)));
  Connection second(Ref<ConnectionState>(new ConnectionState(core, std::move(streams.second), where)));
  return {std::move(first), std::move(second)};
}

}  // namespace
}  // namespace internal

Coro<Listener> ListenUnix(std::string_view path, UnixListenOptions options, std::source_location where) {
  if (options.mode < 0 || options.mode > 0777) {
    char mode[20];
    std::snprintf(mode, sizeof(mode), "%#o", static_cast<unsigned>(options.mode));
    throw std::invalid_argument(absl::StrCat("ListenUnix(): the mode is ", mode, "; it must be between 0 and 0777"));
  }
  if (options.backlog < 1) {
    throw std::invalid_argument(
        absl::StrCat("ListenUnix(): the backlog is ", options.backlog, "; it must be 1 or more"));
  }
  internal::ListenSettings settings;
  settings.backlog = options.backlog;
  settings.mode = static_cast<uint32_t>(options.mode);
  return internal::ListenAtPath(internal::CheckedPath("ListenUnix()", path), settings, where).At(where);
}

Coro<Connection> ConnectUnix(std::string_view path, std::source_location where) {
  return internal::ConnectToPath(internal::CheckedPath("ConnectUnix()", path), where).At(where);
}

std::pair<Connection, Connection> SocketPair(std::source_location where) {
  return internal::MakePair("SocketPair()", "make a", false, where);
}

std::pair<Connection, Connection> Pipe(std::source_location where) {
  return internal::MakePair("Pipe()", "make a", true, where);
}

}  // namespace detent
