// SPDX-License-Identifier: Apache-2.0
//
// Invariants.
//   1. As of streams (sockets.cc), a descriptor is registered edge-triggered, and `readable_` and `writable_` say
//      whether a system call is worth it: an event sets them, EAGAIN clears them. An error (EPOLLERR) sets both, since
//      whichever call comes next is told of it. Unlike a stream it is registered for writing only while it is not
//      writable_: every datagram that has left the buffer is an edge, and would wake the loop for nothing.
//   2. One call takes what has come, up to kBatch datagrams, into memory that the loop's sockets share; each is copied
//      into `received_` before another socket reads. A call that gives fewer has drained the socket.
//   3. IP_RECVERR is never set: with it the refusal by one peer would fail the calls for all others.
#include "detent/runtime/epoll/datagrams.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "detent/runtime/internal/list.h"

namespace detent::internal {
namespace {

constexpr size_t kBatch = 16;
constexpr size_t kBufferSize = 64 * 1024;

class EpollDatagrams;

// An IPv4 or IPv6 address as the system has it.
class SystemAddress {
 public:
  SystemAddress() { std::memset(&bytes_, 0, sizeof(bytes_)); }
  // For a socket of `family`. An IPv4 address goes through an IPv6 socket in its IPv6 form; what cannot be sent there
  // has no size().
  SystemAddress(const Address& address, int family) : SystemAddress() {
    if (address.family() == AddressFamily::kIpv4 && family == AF_INET) {
      bytes_.v4.sin_family = AF_INET;
      bytes_.v4.sin_port = htons(address.Port());
      std::memcpy(&bytes_.v4.sin_addr, address.ipv4_bytes().data(), sizeof(bytes_.v4.sin_addr));
      size_ = sizeof(bytes_.v4);
    } else if (family == AF_INET6) {
      bytes_.v6.sin6_family = AF_INET6;
      bytes_.v6.sin6_port = htons(address.Port());
      bytes_.v6.sin6_scope_id = address.scope();
      uint8_t* const to = bytes_.v6.sin6_addr.s6_addr;
      if (address.family() == AddressFamily::kIpv6) {
        std::memcpy(to, address.ipv6_bytes().data(), sizeof(bytes_.v6.sin6_addr));
        size_ = sizeof(bytes_.v6);
      } else if (address.family() == AddressFamily::kIpv4) {
        to[10] = to[11] = 0xff;
        std::memcpy(to + 12, address.ipv4_bytes().data(), 4);
        size_ = sizeof(bytes_.v6);
      }
    }
  }

  sockaddr* data() { return &bytes_.any; }
  const sockaddr* data() const { return &bytes_.any; }
  socklen_t size() const { return size_; }
  socklen_t* size_to_fill() { return &(size_ = sizeof(bytes_)); }
  static constexpr socklen_t kSizeMax = sizeof(sockaddr_in6);

  Address ToAddress() const {
    if (bytes_.any.sa_family == AF_INET) {
      Address::Ipv4Bytes bytes;
      std::memcpy(bytes.data(), &bytes_.v4.sin_addr, bytes.size());
      return Address::Ipv4(bytes, ntohs(bytes_.v4.sin_port));
    }
    Address::Ipv6Bytes bytes;
    std::memcpy(bytes.data(), &bytes_.v6.sin6_addr, bytes.size());
    return Address::Ipv6(bytes, ntohs(bytes_.v6.sin6_port), bytes_.v6.sin6_scope_id);
  }

 private:
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  } bytes_;
  socklen_t size_ = 0;
};

class EpollDatagram final : public DatagramEnd, public DescriptorObserver, public ListLink<EpollDatagram> {
 public:
  // Takes over `fd`. Throws std::system_error if epoll takes no more; the descriptor is then closed.
  EpollDatagram(EpollDatagrams& datagrams, int fd, int family, const Address& local, const DatagramSetup& setup);
  ~EpollDatagram() override { CloseDescriptor(); }

  int fd() const { return fd_; }

  void Close() override {
    CloseDescriptor();
    received_.clear();
    next_ = 0;
  }
  IoResult<> Receive(Datagram& received) override;
  IoResult<> Send(std::string_view bytes, const Address& to) override;

 private:
  void OnEvents(uint32_t events) override;
  void CloseDescriptor();
  // 0 if something was received into received_, else an errno.
  int Fill();

  EpollDatagrams& datagrams_;
  int fd_;  // -1 once it is closed.
  const int family_;
  const size_t size_max_;
  std::vector<Datagram> received_;  // From next_ on: not given to the program yet.
  size_t next_ = 0;
  bool readable_ = true;
  bool writable_ = true;
};

class EpollDatagrams final : public Datagrams {
 public:
  explicit EpollDatagrams(Epoll& epoll) : epoll_(epoll) {}
  ~EpollDatagrams() override {
    while (EpollDatagram* const socket = sockets_.last()) socket->Close();
  }

  IoResult<std::unique_ptr<DatagramEnd>> Open(const DatagramSetup& setup) override;

  void Register(EpollDatagram* socket) {
    epoll_.Add(socket->fd(), socket, Epoll::kReadable);
    sockets_.Append(socket);
  }
  void WatchWriting(EpollDatagram* socket, bool watch) {
    epoll_.Change(socket->fd(), socket, watch ? Epoll::kReadable | Epoll::kWritable : Epoll::kReadable);
  }
  void Unregister(EpollDatagram* socket) {
    epoll_.Remove(socket->fd(), socket);
    sockets_.Remove(socket);
  }

  // What one recvmmsg() fills in.
  class Batch {
   public:
    Batch() : buffers_(std::make_unique_for_overwrite<char[]>(kBatch * kBufferSize)) {
      std::memset(messages, 0, sizeof(messages));
      for (size_t i = 0; i < kBatch; ++i) {
        parts_[i].iov_base = bytes(i);
        messages[i].msg_hdr.msg_iov = &parts_[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        messages[i].msg_hdr.msg_name = from[i].data();
      }
    }
    void Prepare(size_t size_max) {
      for (size_t i = 0; i < kBatch; ++i) {
        parts_[i].iov_len = size_max;
        messages[i].msg_hdr.msg_namelen = SystemAddress::kSizeMax;
      }
    }
    char* bytes(size_t i) { return buffers_.get() + i * kBufferSize; }

    mmsghdr messages[kBatch];
    SystemAddress from[kBatch];

   private:
    std::unique_ptr<char[]> buffers_;
    iovec parts_[kBatch];
  };
  Batch& batch() {
    if (batch_ == nullptr) batch_ = std::make_unique<Batch>();
    return *batch_;
  }

 private:
  Epoll& epoll_;
  List<EpollDatagram> sockets_;
  std::unique_ptr<Batch> batch_;
};

EpollDatagram::EpollDatagram(EpollDatagrams& datagrams, int fd, int family, const Address& local,
                             const DatagramSetup& setup)
    : DatagramEnd(local, setup.remote), datagrams_(datagrams), fd_(fd), family_(family), size_max_(setup.size_max) {
  try {
    received_.reserve(kBatch);
    datagrams_.Register(this);
  } catch (...) {
    close(fd);
    throw;
  }
}

void EpollDatagram::OnEvents(uint32_t events) {
  constexpr uint32_t kError = EPOLLERR | EPOLLHUP;
  if ((events & (EPOLLIN | kError)) != 0) {
    readable_ = true;
    TellReadable();
  }
  if ((events & (EPOLLOUT | kError)) != 0) {
    if (!std::exchange(writable_, true)) datagrams_.WatchWriting(this, false);
    TellWritable();
  }
}

void EpollDatagram::CloseDescriptor() {
  if (fd_ < 0) return;
  datagrams_.Unregister(this);
  close(std::exchange(fd_, -1));
}

IoResult<> EpollDatagram::Receive(Datagram& received) {
  if (next_ == received_.size()) {
    received_.clear();
    next_ = 0;
    if (const int error = Fill(); error != 0) return IoResult<>::Error(error);
  }
  received = std::move(received_[next_++]);
  return IoResult<>();
}

int EpollDatagram::Fill() {
  if (!readable_) return EAGAIN;
  EpollDatagrams::Batch& batch = datagrams_.batch();
  batch.Prepare(size_max_);
  int count;
  do {
    count = recvmmsg(fd_, batch.messages, kBatch, 0, nullptr);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    if (errno == EAGAIN) readable_ = false;
    return errno;
  }
  if (count < static_cast<int>(kBatch)) readable_ = false;
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    const mmsghdr& message = batch.messages[i];
    received_.emplace_back(std::string(batch.bytes(i), message.msg_len),
                           IsConnected() ? remote() : batch.from[i].ToAddress(),
                           (message.msg_hdr.msg_flags & MSG_TRUNC) != 0);
  }
  return 0;
}

IoResult<> EpollDatagram::Send(std::string_view bytes, const Address& to) {
  if (!writable_) return IoResult<>::WouldBlock();
  SystemAddress address;
  if (to.family() != AddressFamily::kAny) {
    address = SystemAddress(to, family_);
    if (address.size() == 0) return IoResult<>::Error(EAFNOSUPPORT);
  }
  while (true) {
    const sockaddr* const target = address.size() == 0 ? nullptr : address.data();
    if (sendto(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL, target, address.size()) >= 0) return IoResult<>();
    if (errno == EINTR) continue;
    const int error = errno;
    if (error == EAGAIN) {
      writable_ = false;
      datagrams_.WatchWriting(this, true);
    }
    return IoResult<>::Error(error);
  }
}

// --- Opening ---

// A descriptor that is closed unless it is taken.
class OwnedDescriptor {
 public:
  explicit OwnedDescriptor(int fd) : fd_(fd) {}
  OwnedDescriptor(const OwnedDescriptor&) = delete;
  OwnedDescriptor& operator=(const OwnedDescriptor&) = delete;
  ~OwnedDescriptor() {
    if (fd_ >= 0) close(fd_);
  }

  int get() const { return fd_; }
  int Take() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

template <typename T>
bool SetOption(int fd, int level, int name, const T& value) {
  return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

bool JoinGroup(int fd, int family, const DatagramSetup& setup) {
  in_addr interface = {};
  if (setup.interface.has_value()) {
    std::memcpy(&interface, setup.interface->ipv4_bytes().data(), sizeof(interface));
    if (family == AF_INET && !SetOption(fd, IPPROTO_IP, IP_MULTICAST_IF, interface)) return false;
  }
  if (!setup.group.has_value()) return true;
  if (family == AF_INET) {
    ip_mreq request = {};
    std::memcpy(&request.imr_multiaddr, setup.group->ipv4_bytes().data(), sizeof(request.imr_multiaddr));
    request.imr_interface = interface;
    // Else it would hear of every group that anybody on this machine has joined.
    return SetOption(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0) && SetOption(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, request);
  }
  ipv6_mreq request = {};
  std::memcpy(&request.ipv6mr_multiaddr, setup.group->ipv6_bytes().data(), sizeof(request.ipv6mr_multiaddr));
  request.ipv6mr_interface = setup.group->scope();
  return SetOption(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, request);
}

bool SetUp(int fd, int family, const DatagramSetup& setup) {
  if (setup.broadcast && !SetOption(fd, SOL_SOCKET, SO_BROADCAST, 1)) return false;
  if (setup.share_port && !SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1)) return false;
  if (family == AF_INET6 && !SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0)) return false;
  const SystemAddress local(setup.local, family);
  if (bind(fd, local.data(), local.size()) != 0) return false;
  if (!JoinGroup(fd, family, setup)) return false;
  if (setup.remote.family() == AddressFamily::kAny) return true;
  const SystemAddress remote(setup.remote, family);
  if (remote.size() == 0) errno = EAFNOSUPPORT;
  return remote.size() > 0 && connect(fd, remote.data(), remote.size()) == 0;
}

IoResult<std::unique_ptr<DatagramEnd>> EpollDatagrams::Open(const DatagramSetup& setup) {
  using Opened = std::unique_ptr<DatagramEnd>;
  const int family = setup.local.family() == AddressFamily::kIpv6 ? AF_INET6 : AF_INET;
  OwnedDescriptor fd(socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  SystemAddress local;
  if (fd.get() < 0 || !SetUp(fd.get(), family, setup) ||
      getsockname(fd.get(), local.data(), local.size_to_fill()) != 0) {
    return IoResult<Opened>::Error(errno);
  }
  try {
    return Opened(std::make_unique<EpollDatagram>(*this, fd.Take(), family, local.ToAddress(), setup));
  } catch (const std::system_error& e) {
    return IoResult<Opened>::Error(e.code().value());
  }
}

}  // namespace

std::unique_ptr<Datagrams> MakeEpollDatagrams(Epoll& epoll) { return std::make_unique<EpollDatagrams>(epoll); }

}  // namespace detent::internal
