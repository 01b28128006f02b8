// SPDX-License-Identifier: Apache-2.0
//
// Connection: a stream of bytes: TCP, a Unix socket, an end of a pipe. Connect() gives one, Listener::Accept(), and
// what is in local.h.
//
//   Connection connection = co_await Connect("127.0.0.1", 8080);
//   co_await connection.Write("ping\n");
//   std::string line = co_await connection.ReadLine();           // with the "\n"; empty at the end of the stream
//   std::string head = co_await connection.ReadUntil("\r\n\r\n");
//   std::string some = co_await connection.Read(4096);           // what there is; empty at the end of the stream
//   char bytes[4096];
//   size_t size = co_await connection.ReadInto(bytes);           // the same, into memory of one's own; 0 at the end
//   const std::string_view pieces[] = {head, "\r\n", some};
//   co_await connection.Write(pieces);                           // as one write of all of them
//
// Order.         Writes go out in the order in which they were called, each in one piece.
// Suspension.    A read suspends only while too little has arrived, a write only while the system takes no more (that
//                is its back-pressure) or others wait to write. An operation that need not wait yields all the same
//                once its step has used up its budget: 64 calls of the system or 64 kilobytes, on whichever
//                connections, or 512 operations that needed none. So neither a fast peer nor a stream at its end keeps
//                the loop to itself.
// Cancellation.  At any point, WithTimeout() included. A cancelled read took nothing: what had arrived stays for the
//                next read. A cancelled Write() says how much went out: pass it a `size_t*`.
// Errors.        std::system_error with the errno and the address ("write to 127.0.0.1:80: Broken pipe").
//                IncompleteReadError if the stream ends inside ReadExactly() or ReadUntil(), with what did arrive;
//                LimitOverrunError. InvalidStateError after Close(), for an operation that waits while Close() is
//                called, for a second reader at a time, and for a write after CloseWrite(). SIGPIPE is never raised.
// Ownership.     Move-only; a Connection that is dropped is closed. What is written, and a separator, must live until
//                the await ends.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_IO_CONNECTION_H_
#define DETENT_RUNTIME_IO_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <source_location>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/io/detached_connection.h"
#include "detent/runtime/io/internal/socket_state.h"
#include "detent/runtime/io/read_errors.h"

namespace detent {

namespace internal {
class ReadOperation;
class ReadIntoOperation;
class WriteOperation;
class PeerClosedWait;
}  // namespace internal

// A process at the other end of a Unix socket.
class PeerCredentials {
 public:
  PeerCredentials() {}

  int64_t pid = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
};

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
  internal::ReadOperation Read(size_t size_max);
  // The same into `buffer`: how many bytes there were. 0 at the end of the stream, and at once for an empty buffer. The
  // buffer must live until the await ends; a read that is cancelled has not touched it.
  internal::ReadIntoOperation ReadInto(std::span<char> buffer);
  // Exactly `size` bytes. Throws IncompleteReadError if the stream ends before.
  internal::ReadOperation ReadExactly(size_t size);
  // Everything up to and with `separator`, before which at most `limit` bytes may come: else LimitOverrunError, and the
  // bytes stay. Throws IncompleteReadError if the stream ends before, std::invalid_argument if `separator` is empty.
  internal::ReadOperation ReadUntil(std::string_view separator, size_t limit = kReadLimit);

  // A line with its "\n", before which at most `limit` bytes may come: else LimitOverrunError, and the bytes stay. At
  // the end of the stream what is left without one; then empty: so that `while (!(line = co_await ...).empty())` ends.
  internal::ReadOperation ReadLine(size_t limit = kReadLimit);

  // Waits until the system has taken all of `data`, which may be before the peer has it. `*written` counts the bytes
  // that were taken, and is right also if the write is cancelled or fails.
  internal::WriteOperation Write(std::string_view data, size_t* written = nullptr);
  // As a Write() of the pieces in a row, without joining them. Pieces and bytes must live until the await ends.
  internal::WriteOperation Write(std::span<const std::string_view> pieces, size_t* written = nullptr);
  // Refused when it is compiled: Write({"a", "b"}) would be one string from the first letter to the second. Name an
  // array of std::string_view, and write that.
  internal::WriteOperation Write(std::initializer_list<std::string_view> pieces, size_t* written = nullptr) = delete;
  // No more writes: the peer sees the end of the stream after those that were called. Reading goes on. Twice is
  // harmless.
  void CloseWrite();
  // Ends the connection in both directions; what was written is still delivered. An operation that waits fails. If
  // bytes have arrived that no read was called for, the peer sees a reset, as with any TCP socket. Twice is harmless.
  void Close() { state()->Close("Connection::Close()"); }
  // CloseWrite(), takes what the peer still sends and drops it, until the peer has closed too or `most` has passed, and
  // then Close(). So that the last words arrive also at a peer that has not finished its own, whose bytes would make
  // Close() reset the connection. True if the peer has closed. A cancelled one closes at once. Nobody else may read.
  Coro<bool> CloseLingering(absl::Duration most, std::source_location where = std::source_location::current());
  // Close() at once: what was written and has not arrived is lost, and the peer of a TCP connection sees a reset.
  void Abort();

  // Waits until the peer has said its last word (closed its end, or only that to write) or is gone, whether or not what
  // came before has been read: a server that still works at an answer learns that nobody waits for it. Takes nothing:
  // any number may wait while another task reads. Of an end to which one only writes: until nobody reads. Whether a
  // peer is gone that says nothing any more, the system finds out by itself: see ConnectOptions::keep_alive.
  internal::PeerClosedWait WaitPeerClosed();
  // Takes it out of this loop, for Adopt() in another: detached_connection.h. Calls of this one then fail, but the
  // addresses stay.
  DetachedConnection Detach();

  // "127.0.0.1:8080", "[::1]:8080"; also after Close().
  std::string PeerAddress() const { return state()->socket().PeerAddress(); }
  std::string LocalAddress() const { return state()->socket().LocalAddress(); }

  // Of a Unix socket: who has the other end, or had when it connected. Throws std::system_error for other connections.
  detent::PeerCredentials PeerCredentials() const;

  // --- For the library ---

  explicit Connection(internal::Ref<internal::ConnectionState> state) : state_(std::move(state)) {}
  internal::ConnectionState* state() const {
    if (!state_) [[unlikely]]
      ThrowEmpty();
    return state_.get();
  }

 private:
  [[noreturn]] static void ThrowEmpty();
  void Drop() noexcept {
    if (state_) state_->Drop();
  }

  internal::Ref<internal::ConnectionState> state_;
};

// A Connection of the running loop, of what was Detach()ed in another. If this throws, `detached` is as it was.
Connection Adopt(DetachedConnection&& detached, std::source_location where = std::source_location::current());

// --------------------------------------------------------------------------------------------------------------------

namespace internal {

class [[nodiscard("does nothing until awaited: write co_await")]] ReadOperation : public SocketWait {
 public:
  enum class Goal : uint8_t { kSome, kExactly, kUntil, kLine };

  // `size` is the most, or the exact, number of bytes, or the limit.
  ReadOperation(ConnectionState* state, Goal goal, size_t size, std::string_view separator = {})
      : SocketWait(state, state->readers()), separator_(separator), size_(size), goal_(goal) {}

  std::string Take() { return connection().input().Take(found_); }

  WaitKind Kind() const override { return WaitKind::kRead; }
  void Describe(WaitText& text) const override;

 protected:
  ConnectionState& connection() const { return static_cast<ConnectionState&>(state()); }
  const char* Call() const override;
  size_t found() const { return found_; }

 private:
  const char* Type() const override { return "Connection"; }
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

class [[nodiscard("does nothing until awaited: write co_await")]] ReadIntoOperation final : public ReadOperation {
 public:
  ReadIntoOperation(ConnectionState* state, std::span<char> buffer)
      : ReadOperation(state, Goal::kSome, buffer.size()), buffer_(buffer) {}

  size_t Take();

 private:
  const char* Call() const override { return "ReadInto"; }

  const std::span<char> buffer_;
};

class [[nodiscard("does nothing until awaited: write co_await")]] WriteOperation final : public SocketWait {
 public:
  // It keeps a `data` of one piece itself.
  WriteOperation(ConnectionState* state, std::string_view data, size_t* written)
      : SocketWait(state, state->writers()), data_(data), size_(data.size()), written_(written) {
    if (written_ != nullptr) *written_ = 0;
  }
  WriteOperation(ConnectionState* state, std::span<const std::string_view> pieces, size_t* written)
      : SocketWait(state, state->writers()), pieces_(pieces), written_(written) {
    for (const std::string_view piece : pieces) size_ += piece.size();
    if (written_ != nullptr) *written_ = 0;
  }

  void Take() const {}

  WaitKind Kind() const override { return WaitKind::kWrite; }
  void Describe(WaitText& text) const override;

 private:
  ConnectionState& connection() const { return static_cast<ConnectionState&>(state()); }
  const char* Type() const override { return "Connection"; }
  const char* Call() const override { return "Write"; }
  const char* Verb() const override { return "write to"; }
  bool Refuses() override;
  bool Try() override;
  std::exception_ptr MakeOtherError() override;

  // Puts what is to be written next into `next`, which has room for kPiecesMax, and gives the number of pieces.
  size_t Rest(std::string_view* next) const;
  // So many bytes of Rest() were taken.
  void Advance(size_t taken);

  std::string_view data_;                     // What is left of the first piece.
  std::span<const std::string_view> pieces_;  // What comes after that.
  size_t size_ = 0;                           // Of all.
  size_t done_ = 0;
  size_t* written_;
};

class [[nodiscard("does nothing until awaited: write co_await")]] PeerClosedWait final : public SocketWait {
 public:
  explicit PeerClosedWait(ConnectionState* state) : SocketWait(state, state->watchers()) {}

  void Take() const {}

  WaitKind Kind() const override { return WaitKind::kRead; }

 private:
  const char* Type() const override { return "Connection"; }
  const char* Call() const override { return "WaitPeerClosed"; }
  const char* Verb() const override { return "watch"; }
  bool Try() override { return static_cast<ConnectionState&>(state()).socket().HasPeerClosed(); }
};

}  // namespace internal

inline internal::ReadOperation Connection::Read(size_t size_max) {
  return internal::ReadOperation(state(), internal::ReadOperation::Goal::kSome, size_max);
}

inline internal::ReadOperation Connection::ReadLine(size_t limit) {
  return internal::ReadOperation(state(), internal::ReadOperation::Goal::kLine, limit, "\n");
}

inline internal::ReadIntoOperation Connection::ReadInto(std::span<char> buffer) {
  return internal::ReadIntoOperation(state(), buffer);
}

inline internal::PeerClosedWait Connection::WaitPeerClosed() { return internal::PeerClosedWait(state()); }

inline internal::WriteOperation Connection::Write(std::string_view data, size_t* written) {
  return internal::WriteOperation(state(), data, written);
}

inline internal::WriteOperation Connection::Write(std::span<const std::string_view> pieces, size_t* written) {
  return internal::WriteOperation(state(), pieces, written);
}

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_CONNECTION_H_
