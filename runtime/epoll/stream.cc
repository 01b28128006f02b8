// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/stream.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <utility>

namespace detent::internal {

namespace {

constexpr uint32_t kEnd = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

}  // namespace

void EpollStream::OnEvents(uint32_t events) {
  if ((events & (kEnd | EPOLLPRI)) != 0) [[unlikely]]
    OnUnusual(events);
  if ((events & (EPOLLIN | kEnd)) != 0) {
    readable_ = true;
    if (observer_ != nullptr) observer_->OnReadable();
  }
  if (!writable_ && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
    writable_ = true;
    if (observer_ != nullptr) observer_->OnWritable();
  }
}

void EpollStream::OnUnusual(uint32_t events) {
  drains_on_short_read_ = false;
  // The other end of a pipe never writes, and says so.
  const uint32_t gone = ways() == Ways::kOut ? EPOLLHUP | EPOLLERR : kEnd;
  if ((events & gone) == 0 || std::exchange(peer_closed_, true)) return;
  if (observer_ != nullptr) observer_->OnPeerClosed();
}

IoResult<> EpollStream::FinishConnect() {
  if (!writable_) return IoResult<>::WouldBlock();
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  return error == 0 ? IoResult<>() : IoResult<>::Error(error);
}

IoResult<size_t> EpollStream::Read(char* buffer, size_t size) {
  if (!readable_) return IoResult<size_t>::WouldBlock();
  while (true) {
    const ssize_t received = recv(fd(), buffer, size, 0);
    if (received >= 0) {
      // The end of the stream stays readable.
      if (received > 0 && static_cast<size_t>(received) < size && drains_on_short_read_) readable_ = false;
      return static_cast<size_t>(received);
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) readable_ = false;
    return IoResult<size_t>::Error(errno);
  }
}

IoResult<size_t> EpollStream::Write(const char* data, size_t size) {
  if (!writable_) return IoResult<size_t>::WouldBlock();
  while (true) {
    const ssize_t sent = send(fd(), data, size, MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<size_t>(sent);
    if (errno == EINTR) continue;
    if (errno == EAGAIN) writable_ = false;
    return IoResult<size_t>::Error(errno);
  }
}

IoResult<size_t> EpollStream::WritePieces(std::span<const std::string_view> pieces) {
  if (!writable_) return IoResult<size_t>::WouldBlock();
  iovec parts[kPiecesMax];
  size_t count = 0;
  for (const std::string_view piece : pieces) parts[count++] = {const_cast<char*>(piece.data()), piece.size()};
  msghdr message = {};
  message.msg_iov = parts;
  message.msg_iovlen = count;
  while (true) {
    const ssize_t sent = sendmsg(fd(), &message, MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<size_t>(sent);
    if (errno == EINTR) continue;
    if (errno == EAGAIN) writable_ = false;
    return IoResult<size_t>::Error(errno);
  }
}

// Fails only if the peer is gone: reading tells.
void EpollStream::ShutdownWrite() { shutdown(fd(), SHUT_WR); }

void EpollStream::Leave() {
  StreamSocket::Leave();
  LeaveLoop();
}

int EpollStream::Join(Network& network) {
  readable_ = writable_ = true;  // An edge may have come in between.
  return JoinLoop(static_cast<DescriptorNetwork&>(network).descriptors());
}

void EpollStream::Abort() {
  const linger at_once = {1, 0};
  if (fd() >= 0) setsockopt(fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  CloseDescriptor();
}

}  // namespace detent::internal
