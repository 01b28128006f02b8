// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/connection.h"

#include <algorithm>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/io/internal/outside.h"
#include "detent/runtime/wait_for.h"

namespace detent {
namespace internal {

const char* ReadOperation::Call() const {
  switch (goal_) {
    case Goal::kSome:
      break;
    case Goal::kExactly:
      return "ReadExactly";
    case Goal::kUntil:
      return "ReadUntil";
    case Goal::kLine:
      return "ReadLine";
  }
  return "Read";
}

bool ReadOperation::Refuses() {
  if (connection().socket().ways() == StreamSocket::Ways::kOut) {
    Fail(Failure::kOther);
    return true;
  }
  const WaitList& readers = connection().readers();
  if (readers.empty()) return false;
  const bool ends = readers.AllCancelled() || readers.first()->task()->HasCancelToDeliver();
  Fail(ends ? Failure::kBusyCancelled : Failure::kBusy);
  return true;
}

bool ReadOperation::Try() {
  ConnectionState& connection = this->connection();
  while (!Look()) {
    if (connection.broken() != 0) {
      connection.input().Keep();
      FailWithErrno(connection.broken());
      return true;
    }
    if (connection.HasEnded()) {
      if (goal_ == Goal::kLine) found_ = connection.input().Unread().size();
      if (goal_ == Goal::kExactly || goal_ == Goal::kUntil) Fail(Failure::kOther);
      return true;
    }
    if (YieldsTurn()) {
      connection.input().Keep();
      return false;
    }
    connection.input().Keep();
    if (goal_ == Goal::kExactly) connection.input().Expect(size_);
    if (!connection.Fill()) return false;
  }
  return true;
}

bool ReadOperation::Look() {
  const std::string_view unread = connection().input().Unread();
  if (goal_ == Goal::kUntil || goal_ == Goal::kLine) return LookForSeparator(unread);
  found_ = std::min(size_, unread.size());
  if (goal_ == Goal::kExactly) return found_ == size_;
  found_ = connection().PartOf(found_);
  return found_ > 0 || size_ == 0;
}

bool ReadOperation::LookForSeparator(std::string_view unread) {
  const size_t at = unread.find(separator_, scanned_);
  if (at != std::string_view::npos) {
    scanned_ = at;
    found_ = at + separator_.size();
  } else {
    // Its first bytes may be there already.
    scanned_ = unread.size() < separator_.size() ? 0 : unread.size() - separator_.size() + 1;
  }
  if (scanned_ > size_) {
    over_limit_ = true;
    connection().input().Keep();
    Fail(Failure::kOther);
    return true;
  }
  return found_ > 0;
}

std::exception_ptr ReadOperation::MakeOtherError() {
  if (connection().socket().ways() == StreamSocket::Ways::kOut) {
    return std::make_exception_ptr(
        InvalidStateError(absl::StrCat(ErrorPrefix(), "this end is only to write to; read from the other one")));
  }
  if (over_limit_) {
    std::string text = ErrorPrefix();
    if (found_ > 0) {
      absl::StrAppend(&text, "the separator comes after ", scanned_, " bytes");
    } else {
      absl::StrAppend(&text, "no separator in the first ", scanned_, " bytes");
    }
    absl::StrAppend(&text, ", and the limit is ", size_, "; the bytes stay in the connection, to be read otherwise");
    return std::make_exception_ptr(LimitOverrunError(text, scanned_));
  }
  ReadBuffer& input = connection().input();
  std::string partial = input.Take(input.Unread().size());
  std::string text = absl::StrCat(ErrorPrefix(), "the stream ended after ", partial.size());
  if (goal_ == Goal::kExactly) {
    absl::StrAppend(&text, " of ", size_, " bytes");
  } else {
    absl::StrAppend(&text, " bytes without a separator");
  }
  return std::make_exception_ptr(IncompleteReadError(text, std::move(partial)));
}

void ReadOperation::Describe(WaitText& text) const {
  SocketWait::Describe(text);
  if (goal_ == Goal::kExactly)
    text.progress = absl::StrCat(connection().input().Unread().size(), " of ", size_, " bytes");
}

size_t ReadIntoOperation::Take() {
  ReadBuffer& input = connection().input();
  std::copy_n(input.Unread().data(), found(), buffer_.data());
  input.Skip(found());
  return found();
}

bool WriteOperation::Refuses() {
  if (!connection().IsWriteClosed() && connection().socket().ways() != StreamSocket::Ways::kIn) return false;
  Fail(Failure::kOther);
  return true;
}

bool WriteOperation::Try() {
  while (done_ < size_) {
    if (YieldsTurn()) return false;
    std::string_view next[StreamSocket::kPiecesMax];
    const IoResult<size_t> result = connection().Write(std::span(next, Rest(next)));
    if (result.would_block()) return false;
    if (!result.ok()) {
      FailWithErrno(result.error());
      return true;
    }
    Advance(result.value());
    if (written_ != nullptr) *written_ = done_;
  }
  return true;
}

size_t WriteOperation::Rest(std::string_view* next) const {
  size_t count = 0;
  if (!data_.empty()) next[count++] = data_;
  for (size_t i = 0; i < pieces_.size() && count < StreamSocket::kPiecesMax; ++i) {
    if (!pieces_[i].empty()) next[count++] = pieces_[i];
  }
  return count;
}

void WriteOperation::Advance(size_t taken) {
  done_ += taken;
  while (taken >= data_.size() && !pieces_.empty()) {
    taken -= data_.size();
    data_ = pieces_.front();
    pieces_ = pieces_.subspan(1);
  }
  data_.remove_prefix(taken);
}

std::exception_ptr WriteOperation::MakeOtherError() {
  if (connection().socket().ways() == StreamSocket::Ways::kIn) {
    return std::make_exception_ptr(
        InvalidStateError(absl::StrCat(ErrorPrefix(), "this end is only to read from; write to the other one")));
  }
  return std::make_exception_ptr(
      InvalidStateError(absl::StrCat(ErrorPrefix(), "CloseWrite() was called before; write first, then close")));
}

void WriteOperation::Describe(WaitText& text) const {
  SocketWait::Describe(text);
  text.progress = absl::StrCat(done_, " of ", size_, " bytes");
}

}  // namespace internal

internal::ReadOperation Connection::ReadExactly(size_t size) {
  if (size > std::string().max_size()) {
    throw std::invalid_argument(
        absl::StrCat("Connection::ReadExactly(", size, "): more than a string can hold; is it a negative number?"));
  }
  return internal::ReadOperation(state(), internal::ReadOperation::Goal::kExactly, size);
}

internal::ReadOperation Connection::ReadUntil(std::string_view separator, size_t limit) {
  if (separator.empty()) {
    throw std::invalid_argument("Connection::ReadUntil(): the separator is empty; give at least one byte");
  }
  return internal::ReadOperation(state(), internal::ReadOperation::Goal::kUntil, limit, separator);
}

void Connection::CloseWrite() {
  internal::ConnectionState& state = *this->state();
  state.CheckLoop("Connection::CloseWrite()");
  if (!state.IsOpen()) {
    throw InvalidStateError(
        absl::StrCat("Connection::CloseWrite() on ", state.Address(), ": it was closed before this call"));
  }
  state.CloseWrite();
}

void Connection::Abort() {
  internal::ConnectionState& state = *this->state();
  if (state.IsOpen()) {
    state.CheckLoop("Connection::Abort()");
    state.socket().Abort();
  }
  state.Close("Connection::Abort()");
}

namespace {

// True at the end of the stream, however that comes.
Coro<bool> ReadAndDrop(Connection& connection) {
  try {
    while (!(co_await connection.Read(Connection::kReadLimit)).empty()) continue;
  } catch (const std::system_error&) {
  }
  co_return true;
}

Coro<bool> Linger(Connection connection, absl::Duration most) {
  connection.CloseWrite();
  bool closed = false;
  try {
    closed = co_await WaitFor(ReadAndDrop(connection), most);
  } catch (const TimeoutError&) {
  }
  connection.Close();
  co_return closed;
}

}  // namespace

Coro<bool> Connection::CloseLingering(absl::Duration most, std::source_location where) {
  if (!state()->IsOpen()) {
    throw InvalidStateError(
        absl::StrCat("Connection::CloseLingering() on ", state()->Address(), ": it was closed before this call"));
  }
  // A Connection of its own: it is closed when the frame goes.
  return Linger(Connection(internal::Ref<internal::ConnectionState>(state())), most).At(where);
}
DetachedConnection Connection::Detach() { return DetachedConnection(state()->Detach()); }

PeerCredentials Connection::PeerCredentials() const {
  internal::ConnectionState& state = *this->state();
  if (!state.IsOpen()) {
    throw InvalidStateError(
        absl::StrCat("Connection::PeerCredentials() on ", state.Address(), ": it was closed before this call"));
  }
  const internal::IoResult<internal::Credentials> found = state.socket().PeerCredentials();
  if (!found.ok()) {
    throw std::system_error(found.error(), std::generic_category(),
                            absl::StrCat("ask for the peer credentials of ", state.Address()));
  }
  detent::PeerCredentials credentials;
  credentials.pid = found.value().pid;
  credentials.uid = found.value().uid;
  credentials.gid = found.value().gid;
  return credentials;
}

void Connection::ThrowEmpty() {
  throw InvalidStateError(
      "this Connection is empty: it was default-constructed or moved from; Connect() and Accept() give one");
}

Connection Adopt(DetachedConnection&& detached, std::source_location where) {
  internal::LoopCore& core = internal::RequireCore("Adopt()");
  std::unique_ptr<internal::DetachedStream>& stream = detached.stream();
  if (stream == nullptr) {
    throw InvalidStateError(
        "Adopt(): the DetachedConnection is empty: it was default-constructed, moved from or adopted; "
        "Connection::Detach() gives one, for one Adopt()");
  }
  internal::NoteUnknownAccess(core);
  const std::string address = stream->socket->PeerAddress();
  internal::Network& network = core.owner().outside().network();
  if (!stream->IsOf(network)) {
    throw InvalidStateError(absl::StrCat(
        "Adopt() of ", address, ": it comes from the other kind of loop; simulated and real connections do not mix"));
  }
  if (const int error = stream->socket->Join(network); error != 0) {
    throw std::system_error(error, std::generic_category(), absl::StrCat("adopt ", address));
  }
  const std::unique_ptr<internal::DetachedStream> taken = std::move(stream);
  return Connection(
      internal::Ref<internal::ConnectionState>(new internal::ConnectionState(core, std::move(*taken), where)));
}

}  // namespace detent
