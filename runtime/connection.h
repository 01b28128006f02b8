// SPDX-License-Identifier: Apache-2.0
//
// Connection: a TCP stream of bytes, from Connect() or Listener::Accept().
//
//   Connection connection = co_await Connect("127.0.0.1", 8080);
//   co_await connection.Write("ping\n");
//   std::string line = co_await connection.ReadUntil("\n");      // with the "\n"
//   std::string some = co_await connection.Read(4096);           // what there is; empty at the end of the stream
//
// Order.         Writes go out in the order in which they were called, each in one piece.
// Suspension.    A read suspends only while too little has arrived, a write only while the system takes no more (that
//                is its back-pressure) or others wait to write. Now and then an operation that need not wait yields all
//                the same, so that a fast peer cannot keep the loop to itself.
// Cancellation.  At any point, WithTimeout() included. A cancelled read took nothing: what had arrived stays for the
//                next read. A cancelled Write() says how much went out: pass it a `size_t*`.
// Errors.        std::system_error with the errno and the address ("write to 127.0.0.1:80: Broken pipe").
//                IncompleteReadError if the stream ends inside ReadExactly() or ReadUntil(), with what did arrive;
//                LimitOverrunError. InvalidStateError after Close(), for an operation that waits while Close() is
//                called, for a second reader at a time, and for a write after CloseWrite(). SIGPIPE is never raised.
// Ownership.     Move-only; a Connection that is dropped is closed. What is written, and a separator, must live until
//                the await ends.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_CONNECTION_H_
#define DETENT_RUNTIME_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "detent/runtime/internal/socket_state.h"

namespace detent {

// ReadUntil() went past its limit. The bytes stay in the connection: read them with Read() or ReadExactly(), or call
// ReadUntil() with a higher limit. consumed() of them do not belong to a separator.
class LimitOverrunError : public std::runtime_error {
 public:
  LimitOverrunError(const std::string& what, size_t consumed) : std::runtime_error(what), consumed_(consumed) {}
  size_t consumed() const { return consumed_; }

 private:
  size_t consumed_;
};

namespace internal {

class ReadOperation final : public SocketWait {
 public:
  enum class Goal : uint8_t { kSome, kExactly, kUntil };

  // `size` is the most, or the exact, number of bytes, or the limit.
  ReadOperation(ConnectionState* state, Goal goal, size_t size, std::string_view separator = {})
      : SocketWait(state, state->readers()), separator_(separator), size_(size), goal_(goal) {}

  std::string Take() { return connection().input().Take(found_); }

  WaitKind Kind() const override { return WaitKind::kRead; }
  std::string Describe() const override;

 private:
  ConnectionState& connection() const { return static_cast<ConnectionState&>(state()); }
  const char* Name() const override;
  const char* Verb() const override { return "read from"; }
  bool Refuses() override;
  bool Try() override;
  std::exception_ptr MakeOtherError() override;

  // Whether there is enough, or too much.
  bool Look();
  bool LookForSeparator(std::string_view unread);

  std::string_view separator_;
  size_t size_;
  size_t found_ = 0;    // How many bytes this read takes.
  size_t scanned_ = 0;  // No separator begins before.
  Goal goal_;
  bool over_limit_ = false;
};

class WriteOperation final : public SocketWait {
 public:
  WriteOperation(ConnectionState* state, std::string_view data, size_t* written)
      : SocketWait(state, state->writers()), data_(data), written_(written) {
    if (written_ != nullptr) *written_ = 0;
  }

  void Take() const {}

  WaitKind Kind() const override { return WaitKind::kWrite; }
  std::string Describe() const override;

 private:
  ConnectionState& connection() const { return static_cast<ConnectionState&>(state()); }
  const char* Name() const override { return "Connection::Write"; }
  const char* Verb() const override { return "write to"; }
  bool Refuses() override;
  bool Try() override;
  std::exception_ptr MakeOtherError() override;

  std::string_view data_;
  size_t done_ = 0;
  size_t* written_;
};

}  // namespace internal

class Connection {
 public:
  static constexpr size_t kReadLimit = 64 * 1024;

  Connection() {}
  Connection(Connection&& other) noexcept : state_(std::move(other.state_)) {}
  Connection& operator=(Connection&& other) noexcept {
    if (this != &other) {
      Drop();
      state_ = std::move(other.state_);
    }
    return *this;
  }
  ~Connection() { Drop(); }

  // False if it was default-constructed or moved from. A closed one is still a Connection.
  explicit operator bool() const { return static_cast<bool>(state_); }

  // What has arrived, at most `size_max` bytes; waits if that is nothing. Empty at the end of the stream, and at once
  // for a `size_max` of 0.
  internal::ReadOperation Read(size_t size_max) {
    return internal::ReadOperation(state(), internal::ReadOperation::Goal::kSome, size_max);
  }
  // Exactly `size` bytes. Throws IncompleteReadError if the stream ends before.
  internal::ReadOperation ReadExactly(size_t size);
  // Everything up to and with `separator`, before which at most `limit` bytes may come: else LimitOverrunError, and the
  // bytes stay. Throws IncompleteReadError if the stream ends before, std::invalid_argument if `separator` is empty.
  internal::ReadOperation ReadUntil(std::string_view separator, size_t limit = kReadLimit);

  // Waits until the system has taken all of `data`, which may be before the peer has it. `*written` counts the bytes
  // that were taken, and is right also if the write is cancelled or fails.
  internal::WriteOperation Write(std::string_view data, size_t* written = nullptr) {
    return internal::WriteOperation(state(), data, written);
  }
  // No more writes: the peer sees the end of the stream after those that were called. Reading goes on. Twice is
  // harmless.
  void CloseWrite();
  // Ends the connection in both directions; what was written is still delivered. An operation that waits fails. If
  // bytes have arrived that no read was called for, the peer sees a reset, as with any TCP socket. Twice is harmless.
  void Close() { state()->Close("Connection::Close()"); }

  // "127.0.0.1:8080", "[::1]:8080"; also after Close().
  std::string PeerAddress() const { return state()->socket().PeerAddress(); }
  std::string LocalAddress() const { return state()->socket().LocalAddress(); }

  // --- For the library ---

  explicit Connection(internal::StateRef<internal::ConnectionState> state) : state_(std::move(state)) {}
  internal::ConnectionState* state() const {
    if (!state_) [[unlikely]] ThrowEmpty();
    return state_.get();
  }

 private:
  [[noreturn]] static void ThrowEmpty();
  void Drop() noexcept {
    if (state_) state_->Drop();
  }

  internal::StateRef<internal::ConnectionState> state_;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_CONNECTION_H_
