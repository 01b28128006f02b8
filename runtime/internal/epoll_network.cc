// SPDX-License-Identifier: Apache-2.0
//
// Invariants.
//   1. A descriptor is registered once, edge-triggered, for everything. `readable_` and `writable_` say whether a
//      system call is worth it: an event sets them, EAGAIN clears them.
//   2. A read that gives less than was asked for has drained the socket: what comes later is another edge. That spares
//      the call that would only say EAGAIN. It does not hold once the peer has closed, reset, or sent urgent data:
//      the edge may have come before the read, and the read stops short of what it announced.
//   3. A socket is in its network's list until it is closed. A network that goes closes what is left.
#include "detent/runtime/internal/epoll_network.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/event_loop.h"

namespace detent::internal {
namespace {

class EpollNetwork;

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

// A descriptor that is registered with the loop. Owns it.
class Descriptor : public Pollable {
 public:
  // Throws std::system_error if epoll takes no more; the descriptor is then closed.
  Descriptor(EpollNetwork& network, int fd);
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int fd() const { return fd_; }  // -1 once it is closed.
  void CloseDescriptor();

 protected:
  ~Descriptor() { CloseDescriptor(); }

 private:
  friend class EpollNetwork;

  EpollNetwork* network_;
  int fd_;
  Descriptor* previous_ = nullptr;
  Descriptor* next_ = nullptr;
};

class EpollNetwork final : public Network {
 public:
  explicit EpollNetwork(EpollLoop& loop) : loop_(loop) {}
  ~EpollNetwork() override {
    while (first_ != nullptr) first_->CloseDescriptor();
  }

  Coro<std::vector<std::string>> Resolve(std::string host) override;
  std::unique_ptr<ListenSocket> Listen(const std::string& address, uint16_t port, int backlog, int* error) override;
  std::unique_ptr<StreamSocket> Connect(const std::string& address, uint16_t port, int* error) override;

  void Register(Descriptor* descriptor) {
    loop_.epoll().Add(descriptor->fd_, descriptor);
    descriptor->next_ = first_;
    if (first_ != nullptr) first_->previous_ = descriptor;
    first_ = descriptor;
  }
  void Unregister(Descriptor* descriptor) {
    loop_.epoll().Remove(descriptor->fd_, descriptor);
    if (descriptor->next_ != nullptr) descriptor->next_->previous_ = descriptor->previous_;
    (descriptor->previous_ == nullptr ? first_ : descriptor->previous_->next_) = descriptor->next_;
  }

 private:
  EpollLoop& loop_;
  Descriptor* first_ = nullptr;
};

Descriptor::Descriptor(EpollNetwork& network, int fd) : network_(&network), fd_(fd) {
  try {
    network_->Register(this);
  } catch (...) {
    close(fd);
    throw;
  }
}

void Descriptor::CloseDescriptor() {
  if (fd_ < 0) return;
  network_->Unregister(this);
  close(std::exchange(fd_, -1));
}

// Makes a socket for a descriptor, or null and the error.
template <typename S, typename... A>
std::unique_ptr<S> MakeRegistered(int* error, A&&... arguments) {
  try {
    return std::make_unique<S>(std::forward<A>(arguments)...);
  } catch (const std::system_error& e) {
    *error = e.code().value();
    return nullptr;
  }
}

class EpollStream final : public StreamSocket, private Descriptor {
 public:
  enum class Start : bool { kConnecting, kConnected };

  EpollStream(EpollNetwork& network, int fd, const SocketAddress& local, const SocketAddress& peer, Start start)
      : Descriptor(network, fd),
        local_(local),
        peer_(peer),
        readable_(start == Start::kConnected),
        writable_(start == Start::kConnected) {}

  void Close() override { CloseDescriptor(); }
  std::string LocalAddress() const override { return local_.ToString(); }
  uint16_t LocalPort() const override { return local_.port(); }
  std::string PeerAddress() const override { return peer_.ToString(); }

  int FinishConnect() override;
  int64_t Read(char* buffer, size_t size) override;
  int64_t Write(const char* data, size_t size) override;
  void ShutdownWrite() override { shutdown(fd(), SHUT_WR); }  // Fails only if the peer is gone: reading tells.

 private:
  void OnEvents(uint32_t events) override;

  SocketAddress local_;
  SocketAddress peer_;
  bool readable_;
  bool writable_;
  bool drains_on_short_read_ = true;
};

void EpollStream::OnEvents(uint32_t events) {
  constexpr uint32_t kEnd = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  if ((events & (kEnd | EPOLLPRI)) != 0) drains_on_short_read_ = false;
  if ((events & (EPOLLIN | kEnd)) != 0) {
    readable_ = true;
    if (observer_ != nullptr) observer_->OnReadable();
  }
  if (!writable_ && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
    writable_ = true;
    if (observer_ != nullptr) observer_->OnWritable();
  }
}

int EpollStream::FinishConnect() {
  if (!writable_) return EAGAIN;
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  if (error != 0) return error;
  local_ = SocketAddress::LocalOf(fd());
  // Nobody listens, and the kernel gave us the very port that we called: TCP then connects a socket to itself.
  return local_ == peer_ ? ECONNREFUSED : 0;
}

int64_t EpollStream::Read(char* buffer, size_t size) {
  if (!readable_) return -EAGAIN;
  while (true) {
    const ssize_t received = recv(fd(), buffer, size, 0);
    if (received >= 0) {
      // The end of the stream stays readable.
      if (received > 0 && static_cast<size_t>(received) < size && drains_on_short_read_) readable_ = false;
      return received;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) readable_ = false;
    return -errno;
  }
}

int64_t EpollStream::Write(const char* data, size_t size) {
  if (!writable_) return -EAGAIN;
  while (true) {
    const ssize_t sent = send(fd(), data, size, MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    if (errno == EINTR) continue;
    if (errno == EAGAIN) writable_ = false;
    return -errno;
  }
}

class EpollListener final : public ListenSocket, private Descriptor {
 public:
  EpollListener(EpollNetwork& network, int fd, const SocketAddress& local)
      : Descriptor(network, fd), network_(network), local_(local) {}

  void Close() override { CloseDescriptor(); }
  std::string LocalAddress() const override { return local_.ToString(); }
  uint16_t LocalPort() const override { return local_.port(); }

  std::unique_ptr<StreamSocket> Accept(int* error) override;

 private:
  void OnEvents(uint32_t) override {
    readable_ = true;
    if (observer_ != nullptr) observer_->OnReadable();
  }

  EpollNetwork& network_;
  SocketAddress local_;
  bool readable_ = true;
};

// Errors of a connection that failed while it waited to be accepted: the next one may be well (accept(2)).
bool ConcernsOneConnection(int error) {
  constexpr int kErrors[] = {EINTR,       ECONNABORTED, EPROTO,       ENOPROTOOPT, ENETDOWN,
                             ENETUNREACH, EHOSTDOWN,    EHOSTUNREACH, ENONET,      EOPNOTSUPP};
  return std::find(std::begin(kErrors), std::end(kErrors), error) != std::end(kErrors);
}

std::unique_ptr<StreamSocket> EpollListener::Accept(int* error) {
  *error = EAGAIN;
  if (!readable_) return nullptr;
  SocketAddress peer;
  int accepted;
  do {
    accepted = accept4(fd(), peer.data(), peer.size_to_fill(), SOCK_NONBLOCK | SOCK_CLOEXEC);
  } while (accepted < 0 && ConcernsOneConnection(errno));
  if (accepted < 0) {
    *error = errno;
    if (errno == EAGAIN) readable_ = false;
    return nullptr;
  }
  const SocketAddress local = local_.IsWildcard() ? SocketAddress::LocalOf(accepted) : local_;
  return MakeRegistered<EpollStream>(error, network_, accepted, local, peer, EpollStream::Start::kConnected);
}

// A new socket for `address`, or -1 and the error. Small writes go out at once, as asyncio's do; what a listener
// accepts inherits that.
int MakeSocket(const SocketAddress& address, int* error) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    *error = errno;
    return -1;
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

std::unique_ptr<ListenSocket> EpollNetwork::Listen(const std::string& address, uint16_t port, int backlog,
                                                   int* error) {
  SocketAddress local;
  *error = local.Parse(address, port);
  if (*error != 0) return nullptr;
  const int fd = MakeSocket(local, error);
  if (fd < 0) return nullptr;
  const int on = 1;
  const int off = 0;
  // So that a server can start again at once: the port of connections that ended lately is free.
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (local.family() == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  if (bind(fd, local.data(), local.size()) != 0 || listen(fd, backlog) != 0) {
    *error = errno;
    close(fd);
    return nullptr;
  }
  return MakeRegistered<EpollListener>(error, *this, fd, SocketAddress::LocalOf(fd));
}

std::unique_ptr<StreamSocket> EpollNetwork::Connect(const std::string& address, uint16_t port, int* error) {
  SocketAddress peer;
  *error = peer.Parse(address, port);
  if (*error != 0) return nullptr;
  const int fd = MakeSocket(peer, error);
  if (fd < 0) return nullptr;
  // Interrupted, it goes on by itself.
  if (connect(fd, peer.data(), peer.size()) != 0 && errno != EINPROGRESS && errno != EINTR) {
    *error = errno;
    close(fd);
    return nullptr;
  }
  return MakeRegistered<EpollStream>(error, *this, fd, SocketAddress::LocalOf(fd), peer,
                                     EpollStream::Start::kConnecting);
}

// Blocks; runs on another thread.
std::vector<std::string> LookUp(const std::string& host) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failure = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (failure != 0) {
    // The resolver's errors are no errnos: its own text, and the errno that comes nearest.
    const int error = failure == EAI_SYSTEM ? errno : failure == EAI_AGAIN ? EAGAIN : ENXIO;
    throw std::system_error(error, std::generic_category(),
                            absl::StrCat("look up ", host, " (", gai_strerror(failure), ")"));
  }
  std::vector<std::string> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof(text), nullptr, 0, NI_NUMERICHOST) == 0) {
      addresses.push_back(text);
    }
  }
  freeaddrinfo(found);
  return addresses;
}

Coro<std::vector<std::string>> EpollNetwork::Resolve(std::string host) {
  std::vector<std::string> addresses;
  if (host.empty()) {
    addresses.push_back("0.0.0.0");
  } else if (host == "localhost") {
    addresses.push_back("127.0.0.1");
    addresses.push_back("::1");
  } else if (SocketAddress().Parse(host, 0) == 0) {
    addresses.push_back(std::move(host));
  } else {
    Future<std::vector<std::string>> lookup =
        loop_.RunInExecutor([host = std::move(host)] { return LookUp(host); });
    addresses = co_await std::move(lookup);
  }
  co_return std::move(addresses);
}

}  // namespace

std::unique_ptr<Network> MakeEpollNetwork(EpollLoop& loop) { return std::make_unique<EpollNetwork>(loop); }

}  // namespace detent::internal
