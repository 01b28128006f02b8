// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/unix_sockets.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "detent/runtime/epoll/accept.h"
#include "detent/runtime/epoll/stream.h"

namespace detent::internal {
namespace {

class PathAddress {
 public:
  // REQUIRES: `path` fits.
  explicit PathAddress(const std::string& path) {
    std::memset(&bytes_, 0, sizeof(bytes_));
    bytes_.sun_family = AF_UNIX;
    std::memcpy(bytes_.sun_path, path.data(), path.size());
    // A name that begins with a zero byte is as long as it says.
    size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (path[0] == '\0' ? 0 : 1));
  }

  // The path, as Network has it, of what `name`, which is getsockname() or getpeername(), says.
  static std::string Of(int fd, int (*name)(int, sockaddr*, socklen_t*)) {
    sockaddr_un found = {};
    socklen_t size = sizeof(found);
    if (name(fd, reinterpret_cast<sockaddr*>(&found), &size) != 0 || found.sun_family != AF_UNIX) return "";
    const size_t length = std::min<size_t>(size, sizeof(found)) - offsetof(sockaddr_un, sun_path);
    const std::string path(found.sun_path, length);
    return path.empty() || path[0] == '\0' ? path : std::string(path.c_str());
  }

  const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&bytes_); }
  socklen_t size() const { return size_; }

 private:
  sockaddr_un bytes_;
  socklen_t size_;
};

int MakeSocket() { return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

class UnixStream final : public EpollStream {
 public:
  UnixStream(SocketDescriptors& all, int fd, std::string local, std::string peer, Ways ways = Ways::kBoth)
      : EpollStream(all, fd, Start::kConnected, ways), local_(std::move(local)), peer_(std::move(peer)) {}

  std::string LocalAddress() const override { return local_; }
  uint16_t LocalPort() const override { return 0; }
  std::string PeerAddress() const override { return peer_; }
  IoResult<Credentials> PeerCredentials() const override {
    ucred peer = {};
    socklen_t size = sizeof(peer);
    if (getsockopt(fd(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return IoResult<Credentials>::Error(errno);
    Credentials credentials;
    credentials.pid = peer.pid;
    credentials.uid = peer.uid;
    credentials.gid = peer.gid;
    return credentials;
  }

 private:
  const std::string local_;
  const std::string peer_;
};

// Which file it is, whatever its name.
class FileIdentity {
 public:
  FileIdentity() {}
  // Of a socket at `path`; of nothing if there is none.
  explicit FileIdentity(const std::string& path) {
    struct stat found = {};
    if (lstat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return;
    device_ = found.st_dev;
    number_ = found.st_ino;
  }
  bool exists() const { return number_ != 0; }
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;

 private:
  dev_t device_ = 0;
  ino_t number_ = 0;
};

class UnixListener final : public ListenSocket, private SocketDescriptor {
 public:
  UnixListener(SocketDescriptors& all, int fd, std::string path, FileIdentity file)
      : SocketDescriptor(all, fd), all_(all), path_(std::move(path)), file_(file), owner_(getpid()) {}
  ~UnixListener() override { UnixListener::Close(); }

  void Close() override {
    // Somebody else may have taken the path over; and a forked child has no business there.
    if (file_.exists() && owner_ == getpid() && FileIdentity(path_) == file_) unlink(path_.c_str());
    file_ = FileIdentity();
    CloseDescriptor();
  }
  std::string LocalAddress() const override { return UnixAddressText(path_); }
  uint16_t LocalPort() const override { return 0; }

  IoResult<std::unique_ptr<StreamSocket>> Accept() override {
    using Result = IoResult<std::unique_ptr<StreamSocket>>;
    if (!readable_) return Result::WouldBlock();
    sockaddr_un peer = {};
    socklen_t size = sizeof(peer);
    const int accepted = AcceptOne(fd(), reinterpret_cast<sockaddr*>(&peer), &size);
    if (accepted < 0) {
      if (errno == EAGAIN) readable_ = false;
      return Result::Error(errno);
    }
    return MakeRegistered<StreamSocket, UnixStream>(all_, accepted, LocalAddress(), UnixAddressText(""));
  }

 private:
  void OnEvents(uint32_t) override {
    readable_ = true;
    if (observer_ != nullptr) observer_->OnReadable();
  }

  SocketDescriptors& all_;
  const std::string path_;
  FileIdentity file_;
  const pid_t owner_;
  bool readable_ = true;
};

// Removes a socket at `path` if nobody listens at it any more. False, and EADDRINUSE, if somebody does, or if it is
// something else.
bool RemoveStale(const std::string& path) {
  const FileIdentity there(path);
  const int fd = there.exists() ? MakeSocket() : -1;
  bool stale = false;
  if (fd >= 0) {
    const PathAddress address(path);
    stale = connect(fd, address.data(), address.size()) != 0 && errno == ECONNREFUSED;
    close(fd);
  }
  if (stale && FileIdentity(path) == there && unlink(path.c_str()) == 0) return true;
  errno = EADDRINUSE;
  return false;
}

bool Bind(int fd, const std::string& path) {
  const PathAddress address(path);
  if (bind(fd, address.data(), address.size()) == 0) return true;
  if (errno != EADDRINUSE || path[0] == '\0' || !RemoveStale(path)) return false;
  return bind(fd, address.data(), address.size()) == 0;
}

}  // namespace

IoResult<std::unique_ptr<ListenSocket>> ListenAtPath(SocketDescriptors& all, const std::string& path,
                                                     const ListenSettings& settings) {
  using Listening = std::unique_ptr<ListenSocket>;
  const int fd = MakeSocket();
  if (fd < 0) return IoResult<Listening>::Error(errno);
  if (!Bind(fd, path)) return CloseWithError<Listening>(fd);
  const bool has_file = path[0] != '\0';
  // Before it listens, so that nobody connects who may not.
  const bool ok =
      (!has_file || settings.mode == 0 || chmod(path.c_str(), settings.mode) == 0) && listen(fd, settings.backlog) == 0;
  if (!ok) {
    const int error = errno;
    if (has_file) unlink(path.c_str());
    close(fd);
    return IoResult<Listening>::Error(error);
  }
  return MakeRegistered<ListenSocket, UnixListener>(all, fd, path, has_file ? FileIdentity(path) : FileIdentity());
}

IoResult<std::unique_ptr<StreamSocket>> ConnectToPath(SocketDescriptors& all, const std::string& path) {
  using Connected = std::unique_ptr<StreamSocket>;
  const int fd = MakeSocket();
  if (fd < 0) return IoResult<Connected>::Error(errno);
  const PathAddress address(path);
  // It connects at once, or not at all.
  if (connect(fd, address.data(), address.size()) != 0) return CloseWithError<Connected>(fd);
  return MakeRegistered<StreamSocket, UnixStream>(all, fd, UnixAddressText(""), UnixAddressText(path));
}

IoResult<Network::Streams> MakeSocketPair(SocketDescriptors& all, bool one_way) {
  using Ways = StreamSocket::Ways;
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) {
    return IoResult<Network::Streams>::Error(errno);
  }
  if (one_way) shutdown(fds[0], SHUT_WR);
  const std::string name = one_way ? "pipe" : "socket pair";
  auto first = MakeRegistered<StreamSocket, UnixStream>(all, fds[0], name, name, one_way ? Ways::kIn : Ways::kBoth);
  if (!first.ok()) {
    close(fds[1]);
    return IoResult<Network::Streams>::Error(first.error());
  }
  auto second = MakeRegistered<StreamSocket, UnixStream>(all, fds[1], name, name, one_way ? Ways::kOut : Ways::kBoth);
  if (!second.ok()) return IoResult<Network::Streams>::Error(second.error());
  return Network::Streams(std::move(first).value(), std::move(second).value());
}

IoResult<std::unique_ptr<StreamSocket>> AdoptUnixStream(SocketDescriptors& all, int fd) {
  return MakeRegistered<StreamSocket, UnixStream>(all, fd, UnixAddressText(PathAddress::Of(fd, getsockname)),
                                                  UnixAddressText(PathAddress::Of(fd, getpeername)));
}

IoResult<std::unique_ptr<ListenSocket>> AdoptUnixListener(SocketDescriptors& all, int fd) {
  return MakeRegistered<ListenSocket, UnixListener>(all, fd, PathAddress::Of(fd, getsockname), FileIdentity());
}

}  // namespace detent::internal
