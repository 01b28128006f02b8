// SPDX-License-Identifier: Apache-2.0
//
// Network, ListenSocket, StreamSocket: what a loop gives for net.h to stand on. The real loop has the kernel's sockets,
// the simulated one an in-memory network; everything above (buffers, queues of waiters, error texts) is shared, so that
// a program cannot tell which it has.
//
// The calls are those of non-blocking sockets: none of them suspends. An error is an errno; EAGAIN means that it would
// block, and that the socket tells its observer when another try is worth it.
#ifndef DETENT_RUNTIME_INTERNAL_NETWORK_H_
#define DETENT_RUNTIME_INTERNAL_NETWORK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "detent/runtime/coro.h"

namespace detent::internal {

// Told on an edge: after EAGAIN, once. It wakes tasks and runs no user code.
class SocketObserver {
 public:
  virtual void OnReadable() = 0;  // Try to read or accept.
  virtual void OnWritable() = 0;  // Try to write or finish connecting.

 protected:
  ~SocketObserver() = default;
};

class Socket {
 public:
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  virtual ~Socket() = default;  // Closes.

  // Twice is harmless. The addresses stay known.
  virtual void Close() = 0;

  // "127.0.0.1:8080", "[::1]:8080".
  virtual std::string LocalAddress() const = 0;
  virtual uint16_t LocalPort() const = 0;

  void SetObserver(SocketObserver* observer) { observer_ = observer; }

 protected:
  Socket() {}

  SocketObserver* observer_ = nullptr;
};

class StreamSocket : public Socket {
 public:
  // Of a socket that connects: 0 once it is connected, EAGAIN before.
  virtual int FinishConnect() = 0;
  // The number of bytes, 0 at the end of the stream, or a negated errno.
  virtual int64_t Read(char* buffer, size_t size) = 0;
  virtual int64_t Write(const char* data, size_t size) = 0;
  // The peer sees the end of the stream after what was written.
  virtual void ShutdownWrite() = 0;

  virtual std::string PeerAddress() const = 0;
};

class ListenSocket : public Socket {
 public:
  // The next connection, or null and the error.
  virtual std::unique_ptr<StreamSocket> Accept(int* error) = 0;
};

class Network {
 public:
  // Sockets that are left are closed.
  virtual ~Network() = default;

  // The numeric addresses of `host`, in the order in which to try them; "" is every address of this machine. Throws
  // std::system_error if there is none.
  virtual Coro<std::vector<std::string>> Resolve(std::string host) = 0;
  // A socket that listens at a numeric address (port 0 picks a port), or null and the error.
  virtual std::unique_ptr<ListenSocket> Listen(const std::string& address, uint16_t port, int backlog,
                                               int* error) = 0;
  // A socket that connects to a numeric address, or null and the error.
  virtual std::unique_ptr<StreamSocket> Connect(const std::string& address, uint16_t port, int* error) = 0;

  // Where every read of this loop puts its bytes first: an idle connection keeps no buffer.
  static constexpr size_t kScratchSize = 64 * 1024;
  char* scratch() {
    if (scratch_ == nullptr) scratch_ = std::make_unique_for_overwrite<char[]>(kScratchSize);
    return scratch_.get();
  }

 private:
  std::unique_ptr<char[]> scratch_;
};

// `host:port`, with brackets around an IPv6 address.
inline std::string JoinHostPort(const std::string& host, uint16_t port) {
  const bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? "[" + host + "]:" : host + ":") + std::to_string(port);
}

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_NETWORK_H_
