// SPDX-License-Identifier: Apache-2.0
//
// Datagram: what DatagramSocket::Receive() gives: some bytes, whose they are, and whether that is all of them.
//
//   Datagram datagram = co_await socket.Receive();
//   if (!datagram.truncated()) co_await socket.SendTo(datagram.bytes(), datagram.from());
//
// Suspension.    Never.
// Cancellation.  Nothing here waits.
// Threads.       Any, as of any value.
#ifndef DETENT_RUNTIME_IO_DATAGRAM_H_
#define DETENT_RUNTIME_IO_DATAGRAM_H_

#include <string>
#include <utility>

#include "detent/runtime/io/address.h"

namespace detent {

class Datagram {
 public:
  Datagram() {}
  Datagram(std::string bytes, Address from, bool truncated)
      : bytes_(std::move(bytes)), from_(std::move(from)), truncated_(truncated) {}

  // Empty ones come too.
  const std::string& bytes() const& { return bytes_; }
  std::string bytes() && { return std::move(bytes_); }
  // Who sent it.
  const Address& from() const { return from_; }
  // Whether it was longer than the socket's DatagramOptions::size_max: the rest of it is lost.
  bool truncated() const { return truncated_; }

 private:
  std::string bytes_;
  Address from_;
  bool truncated_ = false;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_DATAGRAM_H_
