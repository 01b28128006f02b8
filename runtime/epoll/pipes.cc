// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/pipes.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <span>
#include <string_view>
#include <utility>

namespace detent::internal {
namespace {

// write(2) raises SIGPIPE where nobody reads; only sockets can be asked not to. So the signal is kept from this thread,
// and taken back if it came.
ssize_t WriteWithoutSignal(int fd, const iovec* parts, int count) {
  sigset_t pipe;
  sigset_t before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  const ssize_t written = writev(fd, parts, count);
  const int error = errno;
  if (written < 0 && error == EPIPE && sigismember(&before, SIGPIPE) == 0) {
    const timespec at_once = {};
    while (sigtimedwait(&pipe, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return written;
}

// Registered and tried as EpollStream does, except that a short read says nothing of a pipe.
class PipeEnd final : public StreamSocket, private SocketDescriptor {
 public:
  PipeEnd(SocketDescriptors& all, int fd, Ways ways, std::string name)
      : StreamSocket(Reads::kAll, ways), SocketDescriptor(all, fd), name_(std::move(name)) {
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  }

  void Close() override { CloseDescriptor(); }
  std::string LocalAddress() const override { return name_; }
  uint16_t LocalPort() const override { return 0; }
  std::string PeerAddress() const override { return name_; }

  IoResult<> FinishConnect() override { return IoResult<>(); }
  IoResult<size_t> Read(char* buffer, size_t size) override {
    return Try([&] { return read(fd(), buffer, size); });
  }
  IoResult<size_t> Write(const char* data, size_t size) override {
    const std::string_view whole(data, size);
    return WritePieces({&whole, 1});
  }
  IoResult<size_t> WritePieces(std::span<const std::string_view> pieces) override {
    iovec parts[kPiecesMax];
    int count = 0;
    for (const std::string_view piece : pieces) parts[count++] = {const_cast<char*>(piece.data()), piece.size()};
    return Try([&] { return WriteWithoutSignal(fd(), parts, count); });
  }
  void ShutdownWrite() override { Close(); }
  bool HasPeerClosed() const override { return peer_closed_; }
  void Leave() override {
    StreamSocket::Leave();
    LeaveLoop();
  }
  int Join(Network& network) override {
    is_ready_ = true;  // An edge may have come in between.
    return JoinLoop(static_cast<DescriptorNetwork&>(network).descriptors());
  }

 private:
  template <typename F>
  IoResult<size_t> Try(F call) {
    if (!is_ready_) return IoResult<size_t>::WouldBlock();
    while (true) {
      const ssize_t count = call();
      if (count >= 0) return static_cast<size_t>(count);
      if (errno == EINTR) continue;
      if (errno == EAGAIN) is_ready_ = false;
      return IoResult<size_t>::Error(errno);
    }
  }
  void OnEvents(uint32_t events) override {
    is_ready_ = true;
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) peer_closed_ = true;
    if (observer_ == nullptr) return;
    ways() == Ways::kIn ? observer_->OnReadable() : observer_->OnWritable();
    if (peer_closed_) observer_->OnPeerClosed();
  }

  const std::string name_;
  bool is_ready_ = true;  // An end goes one way: to read, or to write.
  bool peer_closed_ = false;
};

}  // namespace

std::unique_ptr<StreamSocket> MakePipeEnd(SocketDescriptors& all, int fd, StreamSocket::Ways ways, std::string name) {
  return std::make_unique<PipeEnd>(all, fd, ways, std::move(name));
}

}  // namespace detent::internal
