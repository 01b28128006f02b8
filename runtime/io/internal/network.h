// SPDX-License-Identifier: Apache-2.0
//
// Network, ListenSocket, StreamSocket: what a loop gives for net.h to stand on. The real loop has the kernel's sockets,
// the simulated one an in-memory network; everything above (buffers, queues of waiters, error texts) is shared, so that
// a program cannot tell which it has.
//
// The calls are those of non-blocking sockets: none of them suspends.
#ifndef DETENT_RUNTIME_IO_INTERNAL_NETWORK_H_
#define DETENT_RUNTIME_IO_INTERNAL_NETWORK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "detent/runtime/io/internal/io_result.h"

namespace detent::internal {

// Told on an edge: after EAGAIN, once. It wakes tasks and runs no user code.
class SocketObserver {
 public:
  virtual void OnReadable() = 0;  // Try to read or accept.
  virtual void OnWritable() = 0;  // Try to write or finish connecting.
  virtual void OnPeerClosed() {}  // Of a stream: HasPeerClosed() now, also if there is more to read.

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

class Network;

class Credentials {
 public:
  int64_t pid = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
};

class StreamSocket : public Socket {
 public:
  // Of a socket that connects: ok once it is connected.
  virtual IoResult<> FinishConnect() = 0;
  // The number of bytes; of a read, 0 at the end of the stream.
  virtual IoResult<size_t> Read(char* buffer, size_t size) = 0;
  virtual IoResult<size_t> Write(const char* data, size_t size) = 0;
  // As one Write() of the pieces in a row. REQUIRES: there are at most kPiecesMax, and none is empty.
  static constexpr size_t kPiecesMax = 64;
  virtual IoResult<size_t> WritePieces(std::span<const std::string_view> pieces) = 0;
  // The peer sees the end of the stream after what was written.
  virtual void ShutdownWrite() = 0;

  virtual std::string PeerAddress() const = 0;
  // Who has the other end; EOPNOTSUPP where the system does not know.
  virtual IoResult<Credentials> PeerCredentials() const { return IoResult<Credentials>::Error(EOPNOTSUPP); }
  // Whether it is known that the peer will send no more, or is gone; of an end to which one only writes, that nobody
  // reads at the other one.
  virtual bool HasPeerClosed() const = 0;
  // Close(), and the peer sees a reset, if a connection of this kind has any.
  virtual void Abort() { Close(); }

  // Whether it can go to another loop.
  virtual bool MayLeave() const { return true; }
  // Out of its loop: until it has joined another only Close() and the addresses may be called, on any thread.
  virtual void Leave() { SetObserver(nullptr); }
  // Into the loop of `network`, which is of the same kind: 0, or the errno with which it stays outside. Reading and
  // writing are to be tried then.
  virtual int Join(Network& network) {
    (void)network;
    return 0;
  }

  // Which ways the bytes may go.
  enum class Ways : uint8_t { kBoth, kIn, kOut };
  Ways ways() const { return ways_; }

  // How many of `size` bytes that have arrived a Connection::Read() gives. Asked only where GivesParts(): the kernel
  // has decided that in its own read.
  virtual size_t DrawPart(size_t size) { return size; }
  bool GivesParts() const { return gives_parts_; }

 protected:
  enum class Reads : uint8_t { kAll, kParts };

  explicit StreamSocket(Reads reads = Reads::kAll, Ways ways = Ways::kBoth)
      : gives_parts_(reads == Reads::kParts), ways_(ways) {}

 private:
  const bool gives_parts_;
  const Ways ways_;
};

class ListenSocket : public Socket {
 public:
  // The next connection.
  virtual IoResult<std::unique_ptr<StreamSocket>> Accept() = 0;
};

// How a socket that listens is made, in words of ListenOptions and UnixListenOptions.
class ListenSettings {
 public:
  int backlog = 1;
  bool reuse_port = false;
  bool only_v6 = false;
  uint32_t mode = 0;
  // Of the connections that it takes.
  bool keep_alive = false;
  bool reset_on_close = false;
};

// How one that connects is made, in words of ConnectOptions.
class ConnectSettings {
 public:
  bool keep_alive = false;
  bool no_delay = true;
  absl::Duration user_timeout = absl::InfiniteDuration();
  bool reset_on_close = false;
};

class Network {
 public:
  // Sockets that are left are closed.
  virtual ~Network() = default;

  // A socket that listens at a numeric address; port 0 picks a port.
  virtual IoResult<std::unique_ptr<ListenSocket>> Listen(const std::string& address, uint16_t port,
                                                         const ListenSettings& settings) = 0;
  // A socket that connects to a numeric address.
  virtual IoResult<std::unique_ptr<StreamSocket>> Connect(const std::string& address, uint16_t port,
                                                          const ConnectSettings& settings) = 0;

  // The same for Unix sockets: `path` is that of a file, or begins with a zero byte. A file that nobody listens at any
  // more gives way; the listener's own goes when it is closed.
  virtual IoResult<std::unique_ptr<ListenSocket>> ListenUnix(const std::string& path,
                                                             const ListenSettings& settings) = 0;
  virtual IoResult<std::unique_ptr<StreamSocket>> ConnectUnix(const std::string& path) = 0;
  // Two streams that are each other's peers. One way: the first is to read from, the second to write to.
  using Streams = std::pair<std::unique_ptr<StreamSocket>, std::unique_ptr<StreamSocket>>;
  virtual IoResult<Streams> MakePair(bool one_way) = 0;

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

// How a person calls the Unix socket at `path`.
inline std::string UnixAddressText(const std::string& path) {
  if (path.empty()) return "(unnamed)";
  return path[0] == '\0' ? "@" + path.substr(1) : path;
}

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_INTERNAL_NETWORK_H_
