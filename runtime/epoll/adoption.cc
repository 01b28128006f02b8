// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/adoption.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "detent/runtime/epoll/input_streams.h"
#include "detent/runtime/epoll/pipes.h"
#include "detent/runtime/epoll/socket_descriptor.h"
#include "detent/runtime/epoll/sockets.h"
#include "detent/runtime/epoll/unix_sockets.h"

namespace detent::internal {
namespace {

constexpr int kFirstInherited = 3;  // As sd_listen_fds(3) has it.

int SocketOption(int fd, int option) {
  int value = 0;
  socklen_t size = sizeof(value);
  return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

DescriptorKind KindOfSocket(int fd) {
  if (SocketOption(fd, SO_TYPE) != SOCK_STREAM) return DescriptorKind::kDatagrams;
  if (SocketOption(fd, SO_ACCEPTCONN) == 1) return DescriptorKind::kListener;
  sockaddr_storage peer;
  socklen_t size = sizeof(peer);
  const bool connected = getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
  return connected ? DescriptorKind::kStream : DescriptorKind::kUnconnected;
}

DescriptorKind KindOfPipe(int fd) {
  switch (fcntl(fd, F_GETFL) & O_ACCMODE) {
    case O_RDONLY:
      return DescriptorKind::kReadEnd;
    case O_WRONLY:
      return DescriptorKind::kWriteEnd;
    default:
      return DescriptorKind::kOther;  // A FIFO that is opened for both: it never ends.
  }
}

void MakeOurs(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  fcntl(fd, F_SETFD, FD_CLOEXEC);
}

class EpollAdoption final : public Adoption {
 public:
  EpollAdoption(Epoll& epoll, Disk& disk) : epoll_(epoll), disk_(&disk), descriptors_(epoll) {}

  DescriptorKind KindOf(int fd) override;
  int Refusal(int fd) override;
  IoResult<std::unique_ptr<StreamSocket>> AdoptStream(int fd) override;
  IoResult<std::unique_ptr<ListenSocket>> AdoptListener(int fd) override;
  std::vector<InheritedDescriptor> Inherited() override;
  std::atomic<bool>& inherited_taken() override {
    static std::atomic<bool> taken = false;  // Of the process: its loops share them.
    return taken;
  }
  IoResult<std::unique_ptr<StreamSocket>> OpenStandardInput() override;

 private:
  Epoll& epoll_;
  const Ref<Disk> disk_;
  SocketDescriptors descriptors_;
};

DescriptorKind EpollAdoption::KindOf(int fd) {
  struct stat found;
  if (fstat(fd, &found) != 0) return DescriptorKind::kClosed;
  if (S_ISSOCK(found.st_mode)) return KindOfSocket(fd);
  if (S_ISFIFO(found.st_mode)) return KindOfPipe(fd);
  if (S_ISREG(found.st_mode) || S_ISDIR(found.st_mode) || S_ISBLK(found.st_mode)) return DescriptorKind::kFile;
  return isatty(fd) != 0 ? DescriptorKind::kTerminal : DescriptorKind::kOther;
}

// Before anything is changed, and before there is somebody who would close it.
int EpollAdoption::Refusal(int fd) {
  class Nobody final : public DescriptorObserver {
    void OnEvents(uint32_t) override {}
  } nobody;
  const int error = epoll_.Watch(fd, &nobody, EPOLLIN);
  if (error == 0) epoll_.Watch(fd, &nobody, 0);
  return error;
}

IoResult<std::unique_ptr<StreamSocket>> EpollAdoption::AdoptStream(int fd) {
  const DescriptorKind kind = KindOf(fd);
  MakeOurs(fd);
  if (kind != DescriptorKind::kStream) {
    const auto ways = kind == DescriptorKind::kReadEnd ? StreamSocket::Ways::kIn : StreamSocket::Ways::kOut;
    return MakePipeEnd(descriptors_, fd, ways, "pipe");
  }
  const int domain = SocketOption(fd, SO_DOMAIN);
  return domain == AF_INET || domain == AF_INET6 ? AdoptTcpStream(descriptors_, fd) : AdoptUnixStream(descriptors_, fd);
}

IoResult<std::unique_ptr<ListenSocket>> EpollAdoption::AdoptListener(int fd) {
  MakeOurs(fd);
  const int domain = SocketOption(fd, SO_DOMAIN);
  return domain == AF_INET || domain == AF_INET6 ? AdoptTcpListener(descriptors_, fd)
                                                 : AdoptUnixListener(descriptors_, fd);
}

std::vector<InheritedDescriptor> EpollAdoption::Inherited() {
  std::vector<InheritedDescriptor> found;
  const char* const process = getenv("LISTEN_PID");
  const char* const count_text = getenv("LISTEN_FDS");
  int64_t number = 0;
  // Meant for another process: this one's parent, which did not take it out of its environment.
  if (process == nullptr || count_text == nullptr || !absl::SimpleAtoi(process, &number) || number != getpid()) {
    return found;
  }
  int count = 0;
  if (!absl::SimpleAtoi(count_text, &count) || count < 0 || count > 65536) {
    throw std::invalid_argument(absl::StrCat("InheritedListeners(): the environment has LISTEN_FDS=", count_text,
                                             "; it must be the number of descriptors from 3 on, as systemd sets it"));
  }
  const char* const names_text = getenv("LISTEN_FDNAMES");
  const std::vector<std::string> names =
      names_text == nullptr ? std::vector<std::string>() : absl::StrSplit(names_text, ':');
  if (names_text != nullptr && names.size() != static_cast<size_t>(count)) {
    throw std::invalid_argument(absl::StrCat("InheritedListeners(): the environment has LISTEN_FDNAMES=", names_text,
                                             " and LISTEN_FDS=", count_text, "; there must be a name for each"));
  }
  for (int i = 0; i < count; ++i) {
    found.emplace_back(kFirstInherited + i, names.empty() ? "unknown" : names[static_cast<size_t>(i)]);
  }
  return found;
}

IoResult<std::unique_ptr<StreamSocket>> EpollAdoption::OpenStandardInput() {
  using Result = IoResult<std::unique_ptr<StreamSocket>>;
  const DescriptorKind kind = KindOf(STDIN_FILENO);
  if (kind == DescriptorKind::kReadEnd || kind == DescriptorKind::kTerminal) {
    // A description of its own, so that O_NONBLOCK is nobody else's. Refused for another user's terminal, or without
    // a /proc.
    const int own = open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own >= 0) return MakePipeEnd(descriptors_, own, StreamSocket::Ways::kIn, "standard input");
  }
  const int own = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
  if (own < 0) return Result::Error(errno);
  if (kind == DescriptorKind::kStream) return MakeSharedInput(descriptors_, own);
  return MakeFileInput(*disk_, own);
}

}  // namespace

std::unique_ptr<Adoption> MakeEpollAdoption(Epoll& epoll, Disk& disk) {
  return std::make_unique<EpollAdoption>(epoll, disk);
}

}  // namespace detent::internal
