// SPDX-License-Identifier: Apache-2.0
//
// Network and Socket: what a loop gives for net.h to stand on. The real loop has the kernel's sockets, the simulated
// one an in-memory network; everything above (buffers, ReadUntil(), back-pressure, errors) is shared, so that a program
// cannot tell which it has.
//
// The calls are those of non-blocking sockets. A result below zero is a negated errno; -EAGAIN means that it would
// block, and that the socket will tell its waiter when it is worth another try.
#ifndef DETENT_RUNTIME_INTERNAL_NETWORK_H_
#define DETENT_RUNTIME_INTERNAL_NETWORK_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "detent/runtime/coro.h"

namespace detent::internal {

// Told that a socket may make progress. One for reading (or accepting), one for writing (or connecting).
class SocketWaiter {
 public:
  virtual void OnSocketReady() = 0;

 protected:
  ~SocketWaiter() = default;
};

class Socket {
 public:
  virtual ~Socket() = default;  // Closes.

  // Bytes read; 0 at the end of the stream.
  virtual ssize_t Read(char* buffer, size_t size) = 0;
  // Bytes taken.
  virtual ssize_t Write(const char* data, size_t size) = 0;
  // No more writes: the peer sees the end of the stream after what was written. 0 or an error.
  virtual int ShutdownWrite() = 0;
  // Of a listening socket: the next connection, or null with the error in `*error`.
  virtual std::unique_ptr<Socket> Accept(int* error) = 0;
  // Of a socket that is connecting: 0 once it is connected, -EAGAIN while it is not.
  virtual int FinishConnect() = 0;

  // Sets who is told when -EAGAIN is worth another try; null takes it back. At most one each.
  virtual void SetReadWaiter(SocketWaiter* waiter) = 0;
  virtual void SetWriteWaiter(SocketWaiter* waiter) = 0;

  // "127.0.0.1:8080"; empty if there is none.
  virtual std::string LocalAddress() const = 0;
  virtual std::string PeerAddress() const = 0;
  virtual uint16_t LocalPort() const = 0;
};

class Network {
 public:
  virtual ~Network() = default;

  // The numeric addresses of `host`, in the order in which to try them. Throws std::system_error if there is none.
  virtual Coro<std::vector<std::string>> Resolve(std::string host) = 0;
  // A socket that listens at a numeric address; port 0 picks one. Throws std::system_error with the address.
  virtual std::unique_ptr<Socket> Listen(const std::string& address, uint16_t port) = 0;
  // A socket that connects to a numeric address. Throws std::system_error if that fails at once.
  virtual std::unique_ptr<Socket> Connect(const std::string& address, uint16_t port) = 0;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_NETWORK_H_
