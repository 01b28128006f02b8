// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/input_streams.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "detent/runtime/io/internal/disk_call.h"
#include "detent/runtime/io/internal/file_system.h"

namespace detent::internal {
namespace {

// What the two have in common: there is no way out.
class InputOnly : public StreamSocket {
 public:
  std::string LocalAddress() const override { return "standard input"; }
  uint16_t LocalPort() const override { return 0; }
  std::string PeerAddress() const override { return "standard input"; }
  IoResult<> FinishConnect() override { return IoResult<>(); }
  IoResult<size_t> Write(const char*, size_t) override { return IoResult<size_t>::Error(EBADF); }
  IoResult<size_t> WritePieces(std::span<const std::string_view>) override { return IoResult<size_t>::Error(EBADF); }
  void ShutdownWrite() override {}

 protected:
  InputOnly() : StreamSocket(Reads::kAll, Ways::kIn) {}
};

class SharedInput final : public InputOnly, private SocketDescriptor {
 public:
  SharedInput(SocketDescriptors& all, int fd) : SocketDescriptor(all, fd) {}

  void Close() override { CloseDescriptor(); }
  IoResult<size_t> Read(char* buffer, size_t size) override {
    while (is_ready_) {
      const ssize_t count = recv(fd(), buffer, size, MSG_DONTWAIT);
      if (count >= 0) return static_cast<size_t>(count);
      if (errno == EINTR) continue;
      if (errno == EAGAIN) is_ready_ = false;
      return IoResult<size_t>::Error(errno);
    }
    return IoResult<size_t>::WouldBlock();
  }
  bool HasPeerClosed() const override { return peer_closed_; }

 private:
  void OnEvents(uint32_t events) override {
    is_ready_ = true;
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) peer_closed_ = true;
    if (observer_ == nullptr) return;
    observer_->OnReadable();
    if (peer_closed_) observer_->OnPeerClosed();
  }

  bool is_ready_ = true;
  bool peer_closed_ = false;
};

// Gives at offset 0 whatever comes next, and nothing after it: so that a call is one read(2), and ends with what there
// is.
class NextPiece final : public DiskFile {
 public:
  explicit NextPiece(int fd) : fd_(fd) {}
  ~NextPiece() override { NextPiece::Close(); }

  int Close() override {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
    return 0;
  }
  IoResult<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) override {
    if (offset > 0) return size_t{0};
    while (true) {
      const ssize_t count = read(fd_, buffer, size);
      if (count >= 0) return static_cast<size_t>(count);
      if (errno != EINTR) return IoResult<size_t>::Error(errno);
    }
  }
  IoResult<size_t> WriteAt(uint64_t, const char*, size_t) override { return IoResult<size_t>::Error(EBADF); }
  IoResult<size_t> Append(const char*, size_t) override { return IoResult<size_t>::Error(EBADF); }
  int Sync() override { return EBADF; }
  int SyncData() override { return EBADF; }
  int Truncate(uint64_t) override { return EBADF; }
  IoResult<FileInfo> Stat() override { return IoResult<FileInfo>::Error(EBADF); }

 private:
  int fd_;
};

class FileInput final : public InputOnly, private DiskCallObserver {
 public:
  FileInput(Disk& disk, int fd) : disk_(&disk), file_(std::make_shared<NextPiece>(fd)) {}
  ~FileInput() override { FileInput::Close(); }

  // A read that is under way has the file until it is done.
  void Close() override {
    if (under_way_ != nullptr) std::exchange(under_way_, nullptr)->observer = nullptr;
    file_ = nullptr;
    bytes_.clear();
  }
  IoResult<size_t> Read(char* buffer, size_t size) override {
    if (!bytes_.empty()) {
      size = std::min(size, bytes_.size());
      std::memcpy(buffer, bytes_.data(), size);
      bytes_.erase(0, size);
      return size;
    }
    if (error_ != 0) return IoResult<size_t>::Error(error_);
    if (ended_) return size_t{0};
    if (under_way_ == nullptr) ReadAhead();
    return IoResult<size_t>::WouldBlock();
  }
  bool HasPeerClosed() const override { return ended_ || error_ != 0; }

 private:
  static constexpr uint64_t kPiece = 64 * 1024;

  void ReadAhead() {
    auto call = std::make_unique<DiskCall>(DiskVerb::kReadAt, "standard input");
    call->file = file_;
    call->size = kPiece;
    call->observer = this;
    under_way_ = call.get();
    disk_->Begin(std::move(call));
  }
  void OnDone(std::unique_ptr<DiskCall> call) override {
    under_way_ = nullptr;
    bytes_ = std::move(call->bytes);
    error_ = bytes_.empty() ? call->error : 0;
    ended_ = bytes_.empty() && error_ == 0;
    if (observer_ == nullptr) return;
    observer_->OnReadable();
    if (HasPeerClosed()) observer_->OnPeerClosed();
  }

  void OnForgotten() override { under_way_ = nullptr; }

  const Ref<Disk> disk_;
  std::shared_ptr<DiskFile> file_;  // Null once it is closed.
  DiskCall* under_way_ = nullptr;
  std::string bytes_;  // That were read ahead.
  int error_ = 0;
  bool ended_ = false;
};

}  // namespace

IoResult<std::unique_ptr<StreamSocket>> MakeSharedInput(SocketDescriptors& all, int fd) {
  return MakeRegistered<StreamSocket, SharedInput>(all, fd);
}

std::unique_ptr<StreamSocket> MakeFileInput(Disk& disk, int fd) { return std::make_unique<FileInput>(disk, fd); }

}  // namespace detent::internal
