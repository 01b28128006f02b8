// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/sockets.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "detent/runtime/epoll/accept.h"
#include "detent/runtime/epoll/socket_descriptor.h"
#include "detent/runtime/epoll/stream.h"
#include "detent/runtime/epoll/unix_sockets.h"

namespace detent::internal {
namespace {

// An IPv4 or IPv6 address and port.
class SocketAddress {
 public:
  SocketAddress() { std::memset(&bytes_, 0, sizeof(bytes_)); }

  // 0 or an errno. Asks no name server.
  int Parse(const std::string& host, uint16_t port) {
    addrinfo hints = {};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST;
    addrinfo* found = nullptr;
    if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return EAFNOSUPPORT;
    size_ = found->ai_addrlen;
    std::memcpy(&bytes_, found->ai_addr, size_);
    freeaddrinfo(found);
    (family() == AF_INET6 ? bytes_.v6.sin6_port : bytes_.v4.sin_port) = htons(port);
    return 0;
  }
  static SocketAddress LocalOf(int fd) {
    SocketAddress address;
    getsockname(fd, address.data(), address.size_to_fill());
    return address;
  }
  static SocketAddress PeerOf(int fd) {
    SocketAddress address;
    getpeername(fd, address.data(), address.size_to_fill());
    return address;
  }

  int family() const { return bytes_.any.sa_family; }
  sockaddr* data() { return &bytes_.any; }
  socklen_t size() const { return size_; }
  socklen_t* size_to_fill() { return &(size_ = sizeof(bytes_)); }

  uint16_t port() const { return ntohs(family() == AF_INET6 ? bytes_.v6.sin6_port : bytes_.v4.sin_port); }
  bool IsWildcard() const {
    return family() == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(&bytes_.v6.sin6_addr) != 0
                                : bytes_.v4.sin_addr.s_addr == htonl(INADDR_ANY);
  }
  std::string ToString() const {
    char text[INET6_ADDRSTRLEN] = "";
    if (family() != AF_INET6) {
      inet_ntop(AF_INET, &bytes_.v4.sin_addr, text, sizeof(text));
    } else if (IN6_IS_ADDR_V4MAPPED(&bytes_.v6.sin6_addr)) {  // How an IPv4 peer looks to a listener at "::".
      inet_ntop(AF_INET, bytes_.v6.sin6_addr.s6_addr + 12, text, sizeof(text));
    } else {
      inet_ntop(AF_INET6, &bytes_.v6.sin6_addr, text, sizeof(text));
    }
    return JoinHostPort(text, port());
  }
  friend bool operator==(const SocketAddress& a, const SocketAddress& b) {
    return a.size_ == b.size_ && std::memcmp(&a.bytes_, &b.bytes_, a.size_) == 0;
  }

 private:
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  } bytes_;
  socklen_t size_ = 0;
};

class EpollNetwork final : public DescriptorNetwork {
 public:
  using DescriptorNetwork::DescriptorNetwork;

  IoResult<std::unique_ptr<ListenSocket>> Listen(const std::string& address, uint16_t port,
                                                 const ListenSettings& settings) override;
  IoResult<std::unique_ptr<StreamSocket>> Connect(const std::string& address, uint16_t port,
                                                  const ConnectSettings& settings) override;
  IoResult<std::unique_ptr<ListenSocket>> ListenUnix(const std::string& path, const ListenSettings& settings) override {
    return ListenAtPath(descriptors(), path, settings);
  }
  IoResult<std::unique_ptr<StreamSocket>> ConnectUnix(const std::string& path) override {
    return ConnectToPath(descriptors(), path);
  }
  IoResult<Streams> MakePair(bool one_way) override { return MakeSocketPair(descriptors(), one_way); }
};

class TcpStream final : public EpollStream {
 public:
  TcpStream(SocketDescriptors& all, int fd, const SocketAddress& local, const SocketAddress& peer, Start start)
      : EpollStream(all, fd, start), local_(local), peer_(peer) {}

  std::string LocalAddress() const override { return local_.ToString(); }
  uint16_t LocalPort() const override { return local_.port(); }
  std::string PeerAddress() const override { return peer_.ToString(); }

  IoResult<> FinishConnect() override {
    const IoResult<> result = EpollStream::FinishConnect();
    if (!result.ok()) return result;
    local_ = SocketAddress::LocalOf(fd());
    // Nobody listens, and the kernel gave us the very port that we called: TCP then connects a socket to itself.
    return local_ == peer_ ? IoResult<>::Error(ECONNREFUSED) : result;
  }

 private:
  SocketAddress local_;
  SocketAddress peer_;
};

class TcpListener final : public ListenSocket, private SocketDescriptor {
 public:
  TcpListener(SocketDescriptors& all, int fd, const SocketAddress& local)
      : SocketDescriptor(all, fd), all_(all), local_(local) {}

  void Close() override { CloseDescriptor(); }
  std::string LocalAddress() const override { return local_.ToString(); }
  uint16_t LocalPort() const override { return local_.port(); }

  IoResult<std::unique_ptr<StreamSocket>> Accept() override;

 private:
  void OnEvents(uint32_t) override {
    readable_ = true;
    if (observer_ != nullptr) observer_->OnReadable();
  }

  SocketDescriptors& all_;
  SocketAddress local_;
  bool readable_ = true;
};

IoResult<std::unique_ptr<StreamSocket>> TcpListener::Accept() {
  using Result = IoResult<std::unique_ptr<StreamSocket>>;
  if (!readable_) return Result::WouldBlock();
  SocketAddress peer;
  const int accepted = AcceptOne(fd(), peer.data(), peer.size_to_fill());
  if (accepted < 0) {
    if (errno == EAGAIN) readable_ = false;
    return Result::Error(errno);
  }
  const SocketAddress local = local_.IsWildcard() ? SocketAddress::LocalOf(accepted) : local_;
  return MakeRegistered<StreamSocket, TcpStream>(all_, accepted, local, peer, EpollStream::Start::kConnected);
}

void SetOption(int fd, int level, int option, int value) { setsockopt(fd, level, option, &value, sizeof(value)); }

void SetResetOnClose(int fd) {
  const linger at_once = {1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

IoResult<int> MakeSocket(const SocketAddress& address) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return fd < 0 ? IoResult<int>::Error(errno) : IoResult<int>(fd);
}

IoResult<std::unique_ptr<ListenSocket>> EpollNetwork::Listen(const std::string& address, uint16_t port,
                                                             const ListenSettings& settings) {
  using Listening = std::unique_ptr<ListenSocket>;
  SocketAddress local;
  if (const int error = local.Parse(address, port); error != 0) return IoResult<Listening>::Error(error);
  const IoResult<int> made = MakeSocket(local);
  if (!made.ok()) return IoResult<Listening>::Error(made.error());
  const int fd = made.value();
  // What a listener accepts inherits these. Small writes go out at once, as asyncio's do.
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (settings.keep_alive) SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  if (settings.reset_on_close) SetResetOnClose(fd);
  // So that a server can start again at once: the port of connections that ended lately is free.
  SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (settings.reuse_port) SetOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (local.family() == AF_INET6) SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, settings.only_v6 ? 1 : 0);
  if (bind(fd, local.data(), local.size()) != 0 || listen(fd, settings.backlog) != 0) {
    return CloseWithError<Listening>(fd);
  }
  return MakeRegistered<ListenSocket, TcpListener>(descriptors(), fd, SocketAddress::LocalOf(fd));
}

IoResult<std::unique_ptr<StreamSocket>> EpollNetwork::Connect(const std::string& address, uint16_t port,
                                                              const ConnectSettings& settings) {
  using Connecting = std::unique_ptr<StreamSocket>;
  SocketAddress peer;
  if (const int error = peer.Parse(address, port); error != 0) return IoResult<Connecting>::Error(error);
  const IoResult<int> made = MakeSocket(peer);
  if (!made.ok()) return IoResult<Connecting>::Error(made.error());
  const int fd = made.value();
  if (settings.no_delay) SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (settings.keep_alive) SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  if (settings.reset_on_close) SetResetOnClose(fd);
  if (settings.user_timeout < absl::InfiniteDuration()) {
    SetOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(absl::ToInt64Milliseconds(settings.user_timeout)));
  }
  // Interrupted, it goes on by itself.
  if (connect(fd, peer.data(), peer.size()) != 0 && errno != EINPROGRESS && errno != EINTR) {
    return CloseWithError<Connecting>(fd);
  }
  return MakeRegistered<StreamSocket, TcpStream>(descriptors(), fd, SocketAddress::LocalOf(fd), peer,
                                                 EpollStream::Start::kConnecting);
}

}  // namespace

IoResult<std::unique_ptr<StreamSocket>> AdoptTcpStream(SocketDescriptors& all, int fd) {
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  return MakeRegistered<StreamSocket, TcpStream>(all, fd, SocketAddress::LocalOf(fd), SocketAddress::PeerOf(fd),
                                                 EpollStream::Start::kConnected);
}

IoResult<std::unique_ptr<ListenSocket>> AdoptTcpListener(SocketDescriptors& all, int fd) {
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);  // For what it accepts.
  return MakeRegistered<ListenSocket, TcpListener>(all, fd, SocketAddress::LocalOf(fd));
}

std::unique_ptr<Network> MakeEpollNetwork(Epoll& epoll) { return std::make_unique<EpollNetwork>(epoll); }

}  // namespace detent::internal
