// SPDX-License-Identifier: Apache-2.0
//
// Datagrams, DatagramEnd: what a loop gives for datagram_socket.h to stand on: the kernel's UDP, or datagrams in
// memory.
#ifndef DETENT_RUNTIME_IO_INTERNAL_DATAGRAMS_H_
#define DETENT_RUNTIME_IO_INTERNAL_DATAGRAMS_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "detent/runtime/io/address.h"
#include "detent/runtime/io/datagram.h"
#include "detent/runtime/io/internal/io_result.h"
#include "detent/runtime/io/internal/network.h"

namespace detent::internal {

// With what a socket is opened.
class DatagramSetup {
 public:
  DatagramSetup() {}

  Address local;   // Of port 0: any that is free.
  Address remote;  // Of no family: it is not connected.
  size_t size_max = 0;
  bool broadcast = false;
  bool share_port = false;
  std::optional<Address> group;      // To join.
  std::optional<Address> interface;  // By which: an address of this machine.
};

// A socket. Its calls are those of a non-blocking one.
class DatagramEnd {
 public:
  DatagramEnd(const DatagramEnd&) = delete;
  DatagramEnd& operator=(const DatagramEnd&) = delete;
  virtual ~DatagramEnd() = default;  // Closes.

  // Twice is harmless. The addresses stay known.
  virtual void Close() = 0;
  // Gives the next datagram, or the error of an earlier send, once.
  virtual IoResult<> Receive(Datagram& received) = 0;
  // All of `bytes` or nothing. `to` is of no family if the socket is connected.
  virtual IoResult<> Send(std::string_view bytes, const Address& to) = 0;

  const Address& local() const { return local_; }
  const Address& remote() const { return remote_; }
  bool IsConnected() const { return remote_.family() != AddressFamily::kAny; }

  void SetObserver(SocketObserver* observer) { observer_ = observer; }

 protected:
  DatagramEnd(Address local, Address remote) : local_(std::move(local)), remote_(std::move(remote)) {}

  void TellReadable() {
    if (observer_ != nullptr) observer_->OnReadable();
  }
  void TellWritable() {
    if (observer_ != nullptr) observer_->OnWritable();
  }

 private:
  const Address local_;
  const Address remote_;
  SocketObserver* observer_ = nullptr;
};

class Datagrams {
 public:
  // Sockets that are left are closed.
  virtual ~Datagrams() = default;

  virtual IoResult<std::unique_ptr<DatagramEnd>> Open(const DatagramSetup& setup) = 0;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_INTERNAL_DATAGRAMS_H_
