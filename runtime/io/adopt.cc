// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/adopt.h"

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/io/internal/adoption.h"
#include "detent/runtime/io/internal/outside.h"

namespace detent {
namespace internal {
namespace {

// What is wrong with a descriptor that is none of those that are wanted, and what to do.
std::string_view Complaint(DescriptorKind kind, bool as_listener) {
  switch (kind) {
    case DescriptorKind::kStream:
      return " is a connection, not a socket that listens: AdoptConnection() takes it";
    case DescriptorKind::kListener:
      return " is a socket that listens, not a connection: AdoptListener() takes it";
    case DescriptorKind::kUnconnected:
      return as_listener ? " is a socket that does not listen: call listen() first, or use Listen()"
                         : " is a socket that is not connected: connect it first, or use Connect()";
    case DescriptorKind::kDatagrams:
      return " is a socket of datagrams or packets, not of a stream: OpenDatagram() makes one";
    case DescriptorKind::kReadEnd:
    case DescriptorKind::kWriteEnd:
      return " is a pipe, not a socket that listens: AdoptConnection() takes it";
    case DescriptorKind::kTerminal:
      return " is a terminal, which others use too: StandardInput() reads one, or WaitReadable() waits for it";
    case DescriptorKind::kFile:
      return " is a regular file or a directory, which is always ready: OpenFile() opens files";
    case DescriptorKind::kClosed:
    case DescriptorKind::kOther:
      break;
  }
  return " is neither a socket nor a pipe: WaitReadable() and AddReader() wait for other descriptors";
}

bool IsWanted(DescriptorKind kind, bool as_listener) {
  if (as_listener) return kind == DescriptorKind::kListener;
  return kind == DescriptorKind::kStream || kind == DescriptorKind::kReadEnd || kind == DescriptorKind::kWriteEnd;
}

[[noreturn]] void ThrowRefused(int error, const std::string& what) {
  if (error == EEXIST) {
    throw InvalidStateError(absl::StrCat(
        what, " is watched by this loop already, for a Connection, a Listener or AddReader(): it can have one owner"));
  }
  throw std::system_error(error, std::generic_category(), absl::StrCat(what, " cannot be watched"));
}

// Throws if it cannot be adopted. `what` is the call and the descriptor.
void Check(Adoption& adoption, int fd, bool as_listener, const std::string& what) {
  if (fd < 0) throw std::invalid_argument(absl::StrCat(what, " is none; it must be 0 or more"));
  const DescriptorKind kind = adoption.KindOf(fd);
  if (kind == DescriptorKind::kClosed) {
    throw std::system_error(EBADF, std::generic_category(), absl::StrCat(what, " is not open"));
  }
  if (!IsWanted(kind, as_listener)) {
    throw std::invalid_argument(absl::StrCat(what, std::string(Complaint(kind, as_listener))));
  }
  if (const int error = adoption.Refusal(fd); error != 0) ThrowRefused(error, what);
}

Listener MakeListener(LoopCore& core, Adoption& adoption, int fd, const std::string& what, std::source_location where) {
  IoResult<std::unique_ptr<ListenSocket>> socket = adoption.AdoptListener(fd);
  if (!socket.ok()) ThrowRefused(socket.error(), what);
  return Listener(Ref<ListenerState>(new ListenerState(core, std::move(socket).value(), where)));
}

std::string NameOf(const char* call, int fd) { return absl::StrCat(call, ": descriptor ", fd); }

}  // namespace
}  // namespace internal

Connection AdoptConnection(int fd, std::source_location where) {
  internal::LoopCore& core = internal::RequireCore("AdoptConnection()");
  internal::Adoption& adoption = core.owner().outside().adoption();
  const std::string what = internal::NameOf("AdoptConnection()", fd);
  internal::Check(adoption, fd, /*as_listener=*/false, what);
  internal::IoResult<std::unique_ptr<internal::StreamSocket>> socket = adoption.AdoptStream(fd);
  if (!socket.ok()) internal::ThrowRefused(socket.error(), what);
  return Connection(
      internal::Ref<internal::ConnectionState>(new internal::ConnectionState(core, std::move(socket).value(), where)));
}

Listener AdoptListener(int fd, std::source_location where) {
  internal::LoopCore& core = internal::RequireCore("AdoptListener()");
  internal::Adoption& adoption = core.owner().outside().adoption();
  const std::string what = internal::NameOf("AdoptListener()", fd);
  internal::Check(adoption, fd, /*as_listener=*/true, what);
  return internal::MakeListener(core, adoption, fd, what, where);
}

std::vector<InheritedListener> InheritedListeners(std::source_location where) {
  internal::LoopCore& core = internal::RequireCore("InheritedListeners()");
  internal::Adoption& adoption = core.owner().outside().adoption();
  const std::vector<internal::InheritedDescriptor> found = adoption.Inherited();
  if (!found.empty() && adoption.inherited_taken()) {
    throw InvalidStateError(
        "InheritedListeners(): an earlier call has taken them, and there is one of each; keep what it gave");
  }
  const auto name_of = [](const internal::InheritedDescriptor& each) {
    return absl::StrCat("InheritedListeners(): descriptor ", each.fd, ", \"", each.name, "\",");
  };
  // All of them first, so that none is adopted if one cannot be.
  for (const internal::InheritedDescriptor& each : found) {
    internal::Check(adoption, each.fd, /*as_listener=*/true, name_of(each));
  }
  std::vector<InheritedListener> listeners;
  for (const internal::InheritedDescriptor& each : found) {
    listeners.emplace_back(each.name, internal::MakeListener(core, adoption, each.fd, name_of(each), where));
  }
  if (!found.empty()) adoption.inherited_taken() = true;
  return listeners;
}

}  // namespace detent
