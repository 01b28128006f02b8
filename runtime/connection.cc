// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/connection.h"

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"

namespace detent {
namespace internal {

const char* ReadOperation::Name() const {
  switch (goal_) {
    case Goal::kSome:
      break;
    case Goal::kExactly:
      return "Connection::ReadExactly";
    case Goal::kUntil:
      return "Connection::ReadUntil";
  }
  return "Connection::Read";
}

bool ReadOperation::Refuses() {
  if (connection().readers().empty()) return false;
  Fail(Failure::kBusy);
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
      if (goal_ != Goal::kSome) Fail(Failure::kOther);
      return true;
    }
    if (YieldsTurn()) {
      connection.input().Keep();
      return false;
    }
    if (!connection.Fill()) return false;
  }
  return true;
}

bool ReadOperation::Look() {
  const std::string_view unread = connection().input().Unread();
  if (goal_ == Goal::kUntil) return LookForSeparator(unread);
  found_ = std::min(size_, unread.size());
  return goal_ == Goal::kSome ? found_ > 0 || size_ == 0 : found_ == size_;
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

std::string ReadOperation::Describe() const {
  std::string text = SocketWait::Describe();
  if (goal_ == Goal::kExactly) {
    absl::StrAppend(&text, " (", connection().input().Unread().size(), " of ", size_, " bytes)");
  }
  return text;
}

bool WriteOperation::Refuses() {
  if (!connection().IsWriteClosed()) return false;
  Fail(Failure::kOther);
  return true;
}

bool WriteOperation::Try() {
  while (done_ < data_.size()) {
    if (YieldsTurn()) return false;
    const int64_t result = connection().Write(data_.data() + done_, data_.size() - done_);
    if (result == -EAGAIN) return false;
    if (result < 0) {
      FailWithErrno(static_cast<int>(-result));
      return true;
    }
    done_ += static_cast<size_t>(result);
    if (written_ != nullptr) *written_ = done_;
  }
  return true;
}

std::exception_ptr WriteOperation::MakeOtherError() {
  return std::make_exception_ptr(
      InvalidStateError(absl::StrCat(ErrorPrefix(), "CloseWrite() was called before; write first, then close")));
}

std::string WriteOperation::Describe() const {
  return absl::StrCat(SocketWait::Describe(), " (", done_, " of ", data_.size(), " bytes)");
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
  if (!state.IsOpen()) {
    throw InvalidStateError(
        absl::StrCat("Connection::CloseWrite() on ", state.Address(), ": it was closed before this call"));
  }
  state.CloseWrite();
}

void Connection::ThrowEmpty() {
  throw InvalidStateError(
      "this Connection is empty: it was default-constructed or moved from; Connect() and Accept() give one");
}

}  // namespace detent
