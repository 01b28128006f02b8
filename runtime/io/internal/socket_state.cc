// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/internal/socket_state.h"

#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/io/internal/outside.h"
#include "detent/runtime/loop_metrics.h"

namespace detent::internal {
namespace {

bool IsLoss(int error) {
  return error == ECONNRESET || error == ETIMEDOUT || error == EHOSTUNREACH || error == ENETUNREACH;
}

// In the place of a socket that went to another loop: for its addresses.
class SocketThatLeft final : public StreamSocket {
 public:
  explicit SocketThatLeft(const StreamSocket& socket)
      : StreamSocket(Reads::kAll, socket.ways()),
        local_(socket.LocalAddress()),
        port_(socket.LocalPort()),
        peer_(socket.PeerAddress()) {}

  void Close() override {}
  std::string LocalAddress() const override { return local_; }
  uint16_t LocalPort() const override { return port_; }
  std::string PeerAddress() const override { return peer_; }
  IoResult<> FinishConnect() override { return IoResult<>::Error(EBADF); }
  IoResult<size_t> Read(char*, size_t) override { return IoResult<size_t>::Error(EBADF); }
  IoResult<size_t> Write(const char*, size_t) override { return IoResult<size_t>::Error(EBADF); }
  IoResult<size_t> WritePieces(std::span<const std::string_view>) override { return IoResult<size_t>::Error(EBADF); }
  void ShutdownWrite() override {}
  bool HasPeerClosed() const override { return false; }

 private:
  const std::string local_;
  const uint16_t port_;
  const std::string peer_;
};

}  // namespace

void SocketState::CheckLoop(const char* what) const {
  if (core_->IsClosed()) return;
  core_->CheckThread(what);
  if (core_->loop_number != loop_ && !core_->tearing_down) core_->ThrowWrongThread(what);
}

void SocketState::Close(const char* what) {
  // In a child that fork() made it is closed like any other, there.
  if (!core_->IsDisowned()) CheckLoop(what);
  NoteUnknownAccess(*core_);
  if (!std::exchange(open_, false)) return;
  Unlist();
  CloseSocket();
}

void SocketState::Drop() noexcept {
  try {
    Close("dropping a socket");
  } catch (...) {
    // Better a socket that stays open than one that two threads touch.
    if (open_) AddReference();
    ReportHere(
        ExceptionContext("a Connection or Listener was not closed", std::current_exception(), ReportKind::kNotClosed));
  }
}

ConnectionState::ConnectionState(LoopCore& core, std::unique_ptr<StreamSocket> socket, std::source_location where)
    : SocketState(core, where),
      socket_(std::move(socket)),
      scratch_(core.owner().outside().network().scratch()),
      gives_parts_(socket_->GivesParts()) {
  socket_->SetObserver(this);
}

ConnectionState::ConnectionState(LoopCore& core, DetachedStream&& stream, std::source_location where)
    : ConnectionState(core, std::move(stream.socket), where) {
  input_.Add(stream.unread);
  input_.Keep();
  broken_ = stream.broken;
  lost_ = stream.lost;
  ended_ = stream.ended;
  ends_when_drained_ = stream.ends_when_drained;
  write_closed_ = stream.write_closed;
}

std::unique_ptr<DetachedStream> ConnectionState::Detach() {
  CheckLoop("Connection::Detach()");
  NoteUnknownAccess(core());
  const std::string prefix = absl::StrCat("Connection::Detach() on ", Address(), ": ");
  if (!IsOpen()) {
    throw InvalidStateError(absl::StrCat(
        prefix, IsDetached() ? "it was detached before; adopt what that gave" : "it was closed before this call"));
  }
  if (!readers_.empty() || !writers_.empty() || !watchers_.empty()) {
    throw InvalidStateError(absl::StrCat(prefix, "a task ",
                                         !readers_.empty()   ? "reads"
                                         : !writers_.empty() ? "writes"
                                                             : "waits for the peer to close",
                                         "; let that end first, or cancel and await it"));
  }
  if (!socket_->MayLeave()) {
    throw InvalidStateError(absl::StrCat(prefix, "it stays in the loop that opened it; hand on what it gives"));
  }
  auto stand_in = std::make_unique<SocketThatLeft>(*socket_);
  auto detached = std::make_unique<DetachedStream>(nullptr, core().owner().outside().network());
  detached->unread = input_.Take(input_.Unread().size());
  detached->broken = broken_;
  detached->lost = lost_;
  detached->ended = ended_;
  detached->ends_when_drained = ends_when_drained_;
  detached->write_closed = write_closed_;
  socket_->Leave();
  detached->socket = std::exchange(socket_, std::move(stand_in));
  MarkDetached();
  return detached;
}

bool ConnectionState::Fill() {
  const IoResult<size_t> result = socket_->Read(scratch_, Network::kScratchSize);
  if (result.would_block()) {
    ended_ = ends_when_drained_;
    return ended_;
  }
  if (!result.ok()) {
    broken_ = result.error();
  } else if (result.value() > 0) {
    if (core().measured != nullptr) [[unlikely]]
      core().measured->bytes_read += result.value();
    input_.Add(std::string_view(scratch_, result.value()));
  } else if (lost_ != 0) {
    broken_ = lost_;
  } else {
    ended_ = true;
  }
  core().SpendsLast(PriceOfCall(result.ok() ? result.value() : 0));
  return true;
}

void ConnectionState::EndReading() {
  NoteUnknownAccess(core());
  ends_when_drained_ = true;
  readers_.WakeFirst();
}

IoResult<size_t> ConnectionState::Write(std::span<const std::string_view> pieces) {
  const IoResult<size_t> result =
      pieces.size() == 1 ? socket_->Write(pieces[0].data(), pieces[0].size()) : socket_->WritePieces(pieces);
  // The kernel tells of a lost connection once. If a writer is told, the reader must not see a proper end.
  if (IsLoss(result.error())) [[unlikely]]
    lost_ = result.error();
  if (core().measured != nullptr && result.ok()) [[unlikely]]
    core().measured->bytes_written += result.value();
  if (!result.would_block()) core().SpendsLast(PriceOfCall(result.ok() ? result.value() : 0));
  return result;
}

void ConnectionState::CloseWrite() {
  NoteUnknownAccess(core());
  if (std::exchange(write_closed_, true)) return;
  if (writers_.empty()) socket_->ShutdownWrite();
}

void ConnectionState::QueueEmptied(const WaitList& queue) {
  if (&queue == &writers_ && write_closed_ && IsOpen() && !core().IsDisowned()) socket_->ShutdownWrite();
}

void ConnectionState::CloseSocket() {
  socket_->Close();
  input_.Clear();
  readers_.WakeAll();
  writers_.WakeAll();
  watchers_.WakeAll();
}

void ListenerState::CloseSocket() {
  socket_->Close();
  accepters_.WakeAll();
}

bool SocketWait::FailsAtOnce() {
  if (!state_->IsOpen()) [[unlikely]] {
    Fail(Failure::kClosed);
    return true;
  }
  return Refuses();
}

bool SocketWait::Ready(TaskState& task) {
  NoteUnknownAccess(task.core());
  if (task.core().loop_number != state_->loop()) [[unlikely]] {
    Fail(Failure::kOtherLoop);
    return true;
  }
  if (state_->core().IsDisowned()) [[unlikely]] {
    Fail(Failure::kOtherProcess);
    return true;
  }
  const bool fails = FailsAtOnce();
  // Also of calls that do not reach the socket, as those at the end of a stream and those that fail: a loop that takes
  // their answer for "nothing yet" asks again.
  if (YieldsTurn()) [[unlikely]]
    return false;
  if (!fails && (!queue_->empty() || !Try())) return false;
  task.core().SpendsLast(kPriceOfOperation);
  return true;
}

WaitNode* SocketWait::Suspend(TaskState& task) {
  Park(task);
  queue_->Append(this);
  task.RequestRecheck();
  if (yields_turn_) TakeTurn();
  return this;
}

bool SocketWait::Recheck() {
  NoteUnknownAccess(task()->core());
  if (failure_ != Failure::kNone) return true;  // Known before it yielded.
  if (!state_->IsOpen()) {
    Fail(Failure::kClosedMeanwhile);
    return true;
  }
  if (state_->core().IsDisowned()) [[unlikely]] {
    Fail(Failure::kOtherProcess);
    return true;
  }
  yields_turn_ = false;
  if (TryOrFail()) return true;
  Park(*task());
  if (yields_turn_) TakeTurn();
  return false;
}

void SocketWait::TakeTurn() {
  Wake();
  task()->core().owner().OnTurn();
}

bool SocketWait::TryOrFail() noexcept {
  try {
    return Try();
  } catch (...) {
    thrown_ = std::current_exception();
    Fail(Failure::kThrown);
    return true;
  }
}

Ending SocketWait::End(TaskState& task) {
  if (IsParked()) {
    const Ending ending = EndOfWait(task);
    Leave();
    if (ending != Ending::kValue) return ending;
  }
  return failure_ == Failure::kNone ? Ending::kValue : Ending::kError;
}

void SocketWait::Leave() noexcept {
  NoteUnknownAccess(task()->core());
  WaitList::Remove(this);
  if (queue_->empty()) {
    state_->QueueEmptied(*queue_);
  } else {
    queue_->WakeFirst();
  }
}

std::exception_ptr SocketWait::TakeError() {
  switch (failure_) {
    case Failure::kErrno:
      return std::make_exception_ptr(
          std::system_error(errno_, std::generic_category(), absl::StrCat(Verb(), " ", state_->Address())));
    case Failure::kThrown:
      return std::exchange(thrown_, nullptr);
    case Failure::kOther:
      return MakeOtherError();
    case Failure::kOtherLoop:
      return std::make_exception_ptr(InvalidStateError(
          absl::StrCat(ErrorPrefix(), "it belongs to another event loop; use it in the loop in which it was made")));
    case Failure::kOtherProcess:
      return std::make_exception_ptr(InvalidStateError(
          state_->core().DisownedText(absl::StrCat(Type(), *Type() == '\0' ? "" : "::", Call(), "()"))));
    case Failure::kClosed:
      return std::make_exception_ptr(InvalidStateError(
          absl::StrCat(ErrorPrefix(), state_->IsDetached()
                                          ? "it was detached before this call; use what Adopt() gives in the other loop"
                                          : "it was closed before this call")));
    case Failure::kClosedMeanwhile:
      return std::make_exception_ptr(
          InvalidStateError(absl::StrCat(ErrorPrefix(), "it was closed while this call waited")));
    case Failure::kBusy:
      return std::make_exception_ptr(InvalidStateError(absl::StrCat(
          ErrorPrefix(), "another task is reading already; let one task read, or take turns with a Lock")));
    case Failure::kBusyCancelled:
      return std::make_exception_ptr(InvalidStateError(
          absl::StrCat(ErrorPrefix(),
                       "the read before it was cancelled and is not over yet: its task has not run since; await that "
                       "task first")));
    case Failure::kNone:
      break;
  }
  return nullptr;
}

void SocketWait::Describe(WaitText& text) const {
  text.type = Type();
  text.verb = Call();
  text.preposition = "on";
  text.object = state_->Address();
}

std::string SocketWait::ErrorPrefix() const {
  return absl::StrCat(Type(), *Type() == '\0' ? "" : "::", Call(), "() on ", state_->Address(), ": ");
}

}  // namespace detent::internal
