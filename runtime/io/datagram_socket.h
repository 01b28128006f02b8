// SPDX-License-Identifier: Apache-2.0
//
// DatagramSocket: UDP. OpenDatagram() makes one.
//
//   DatagramSocket server = co_await OpenDatagram({.local_host = "127.0.0.1", .local_port = 5353});
//   while (true) {
//     Datagram question = co_await server.Receive();
//     co_await server.SendTo(question.bytes(), question.from());
//   }
//
//   DatagramSocket client = co_await OpenDatagram({.remote_host = "127.0.0.1", .remote_port = 5353});
//   co_await client.Send("ping");
//
// A datagram comes whole or not at all, may be lost, come twice, or after a later one. One that is longer than size_max
// is cut, and says so; an empty one is a datagram like others. A socket with a remote address is connected: it sends to
// that address, and datagrams of others are not received.
//
// Order.         Datagrams go out in the order of the calls. They are received in the order in which they came; tasks
//                get them in the order in which they asked.
// Suspension.    Receive() while there is nothing, or while others wait; Send() and SendTo() while the system takes no
//                more, or while others wait to send. Now and then an operation that need not wait yields all the same,
//                so that a flood leaves the loop to others.
// Cancellation.  At any point. A cancelled Receive() took no datagram; a cancelled send has sent nothing.
// Errors.        std::system_error with the errno and the address ("send to 127.0.0.1:5353: Connection refused"). That
//                nobody is there is learned after a send, and only by a connected socket: its next call throws
//                ECONNREFUSED, once, without having sent anything; the socket goes on, and may be used as before. One
//                that is not connected never hears of it. EMSGSIZE for what is too long to be sent. InvalidStateError
//                after Close(), for an operation that waits while Close() is called, and for Send() without a remote
//                address; std::invalid_argument for an address to which this socket cannot send.
// Ownership.     Move-only; a socket that is dropped is closed, and what had come and was not received is lost. The
//                bytes to send must live until the await ends.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_IO_DATAGRAM_SOCKET_H_
#define DETENT_RUNTIME_IO_DATAGRAM_SOCKET_H_

#include <cstddef>
#include <exception>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

#include "detent/runtime/coro.h"
#include "detent/runtime/io/address.h"
#include "detent/runtime/io/datagram.h"
#include "detent/runtime/io/internal/datagrams.h"
#include "detent/runtime/io/internal/socket_state.h"

namespace detent {

namespace internal {
class DatagramState;
class ReceiveOperation;
class SendOperation;
}  // namespace internal

// Hosts are numeric addresses, "localhost", or names, which are looked up as by Resolve(). At least one address must be
// named.
struct DatagramOptions {
  // Where to receive; "" with a port is every IPv4 address of this machine, port 0 any that is free.
  std::string_view local_host = {};
  int local_port = 0;
  // To whom alone to send, and from whom to receive. Not a broadcast address: whoever answers has another one.
  std::string_view remote_host = {};
  int remote_port = 0;
  // Longer datagrams are cut. At most 65,535, which is longer than any.
  size_t size_max = 65'535;
  // Whether it may send to broadcast addresses: else EACCES.
  bool broadcast = false;
  // Whether several sockets may receive at one address and port, as those of one multicast group do; all of them must
  // want it.
  bool share_port = false;
  // A group to join, "239.1.2.3" or "ff02::123%2", and the IPv4 address of this machine by whose interface: that is
  // also the one by which it sends to groups. Empty: the system's choice.
  std::string_view multicast_group = {};
  std::string_view multicast_interface = {};
};

class DatagramSocket {
 public:
  DatagramSocket() {}
  DatagramSocket(DatagramSocket&& other) noexcept : state_(std::move(other.state_)) {}
  DatagramSocket& operator=(DatagramSocket&& other) noexcept {
    if (this != &other) {
      Drop();
      state_ = std::move(other.state_);
    }
    return *this;
  }
  ~DatagramSocket() { Drop(); }

  // False if it was default-constructed or moved from. A closed one is still a DatagramSocket.
  explicit operator bool() const { return static_cast<bool>(state_); }

  internal::ReceiveOperation Receive();
  // To the remote address.
  internal::SendOperation Send(std::string_view bytes);
  // To an address with a port; of a connected socket, the remote one.
  internal::SendOperation SendTo(std::string_view bytes, const Address& to);
  // What was sent goes its way; an operation that waits fails. Twice is harmless.
  void Close();

  // Also after Close().
  const Address& LocalAddress() const;
  // Of no family if it is not connected.
  const Address& RemoteAddress() const;

  // --- For the library ---

  explicit DatagramSocket(internal::Ref<internal::DatagramState> state);

 private:
  internal::DatagramState* state() const {
    if (!state_) [[unlikely]]
      ThrowEmpty();
    return state_.get();
  }
  [[noreturn]] static void ThrowEmpty();
  void Drop() noexcept;

  internal::Ref<internal::DatagramState> state_;
};

// Suspends while names are looked up. Throws std::invalid_argument for options that cannot be, std::system_error with
// the errno and the address: "open a datagram socket at 127.0.0.1:53: Permission denied".
Coro<DatagramSocket> OpenDatagram(DatagramOptions options,
                                  std::source_location where = std::source_location::current());

// --------------------------------------------------------------------------------------------------------------------

namespace internal {

class DatagramState final : public SocketState {
 public:
  DatagramState(LoopCore& core, std::unique_ptr<DatagramEnd> end, std::source_location where)
      : SocketState(core, where), end_(std::move(end)) {
    end_->SetObserver(this);
  }

  // Who is there, or where it is itself.
  std::string Address() const override {
    return end_->IsConnected() ? end_->remote().ToString() : end_->local().ToString();
  }
  std::string DescribeSocket() const override {
    return (end_->IsConnected() ? "a DatagramSocket to " : "a DatagramSocket at ") + Address();
  }
  DatagramEnd& end() { return *end_; }
  WaitList& receivers() { return receivers_; }
  WaitList& senders() { return senders_; }

  void QueueEmptied(const WaitList&) override {}

 private:
  void CloseSocket() override;
  void OnReadable() override { receivers_.WakeFirst(); }
  void OnWritable() override { senders_.WakeFirst(); }

  std::unique_ptr<DatagramEnd> end_;
  WaitList receivers_;
  WaitList senders_;
};

class [[nodiscard("does nothing until awaited: write co_await")]] ReceiveOperation final : public SocketWait {
 public:
  explicit ReceiveOperation(DatagramState* state) : SocketWait(state, state->receivers()) {}

  Datagram Take() { return std::move(received_); }

  WaitKind Kind() const override { return WaitKind::kRead; }

 private:
  const char* Type() const override { return "DatagramSocket"; }
  const char* Call() const override { return "Receive"; }
  const char* Verb() const override;
  bool Try() override;

  Datagram received_;
};

class [[nodiscard("does nothing until awaited: write co_await")]] SendOperation final : public SocketWait {
 public:
  // `to` is of no family: to the remote address.
  SendOperation(DatagramState* state, std::string_view bytes, detent::Address to)
      : SocketWait(state, state->senders()), bytes_(bytes), to_(std::move(to)) {}

  void Take() const {}

  WaitKind Kind() const override { return WaitKind::kWrite; }
  void Describe(WaitText& text) const override;

 private:
  const char* Type() const override { return "DatagramSocket"; }
  const char* Call() const override { return HasTarget() ? "SendTo" : "Send"; }
  const char* Verb() const override { return "send to"; }
  bool Refuses() override;
  bool Try() override;
  std::exception_ptr MakeOtherError() override;

  DatagramEnd& end() const { return static_cast<DatagramState&>(state()).end(); }
  bool HasTarget() const { return to_.family() != AddressFamily::kAny; }
  // What forbids the call. REQUIRES: something does.
  std::string Objection() const;

  std::string_view bytes_;
  detent::Address to_;
  int errno_ = 0;
};

}  // namespace internal

inline internal::ReceiveOperation DatagramSocket::Receive() { return internal::ReceiveOperation(state()); }

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_DATAGRAM_SOCKET_H_
