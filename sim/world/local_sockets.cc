// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/local_sockets.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <string_view>
#include <utility>

namespace detent::sim {
namespace {

using internal::IoResult;
using internal::StreamSocket;

// How many bytes an end takes that nobody has read.
constexpr size_t kRoom = 64 * 1024;

// One end: what has arrived there, and what it knows of the other one.
class LocalStream final : public StreamSocket {
 public:
  LocalStream(const LocalSockets::DrawPart& draw_part, uint64_t stream, std::string local, std::string peer, Ways ways)
      : StreamSocket(Reads::kParts, ways),
        draw_part_(draw_part),
        stream_(stream),
        local_(std::move(local)),
        peer_(std::move(peer)) {}
  ~LocalStream() override { LocalStream::Close(); }

  static void MakePeers(LocalStream& a, LocalStream& b) {
    a.other_ = &b;
    b.other_ = &a;
  }

  void Close() override {
    if (std::exchange(closed_, true)) return;
    const bool unread = !arrived_.empty();
    arrived_.clear();
    LocalStream* const other = std::exchange(other_, nullptr);
    if (other == nullptr) return;
    other->other_ = nullptr;
    other->got_end_ = true;
    if (unread) other->error_ = ECONNRESET;
    other->Tell();
  }
  std::string LocalAddress() const override { return local_; }
  uint16_t LocalPort() const override { return 0; }
  std::string PeerAddress() const override { return peer_; }
  IoResult<internal::Credentials> PeerCredentials() const override {
    internal::Credentials credentials;
    credentials.pid = credentials.uid = credentials.gid = kSomebody;
    return credentials;
  }

  IoResult<> FinishConnect() override { return IoResult<>(); }
  IoResult<size_t> Read(char* buffer, size_t size) override {
    using Result = IoResult<size_t>;
    if (closed_) return Result::Error(EBADF);
    if (arrived_.empty()) {
      if (error_ != 0) return Result::Error(std::exchange(error_, 0));
      return got_end_ ? Result(0) : Result::WouldBlock();
    }
    size = std::min(size, arrived_.size());
    std::memcpy(buffer, arrived_.data(), size);
    arrived_.erase(0, size);
    // Half of the room at a time, so that a slow reader does not make a crowd of tiny writes.
    if (other_ != nullptr && other_->wants_room_ && arrived_.size() <= kRoom / 2) {
      other_->wants_room_ = false;
      other_->Tell();
    }
    return size;
  }
  IoResult<size_t> Write(const char* data, size_t size) override {
    using Result = IoResult<size_t>;
    if (closed_) return Result::Error(EBADF);
    if (error_ != 0) return Result::Error(std::exchange(error_, 0));
    if (other_ == nullptr || sent_end_) return Result::Error(EPIPE);
    size = std::min(size, kRoom - other_->arrived_.size());
    if (size == 0) {
      wants_room_ = true;
      return Result::WouldBlock();
    }
    other_->arrived_.append(data, size);
    other_->Tell();
    return size;
  }
  IoResult<size_t> WritePieces(std::span<const std::string_view> pieces) override {
    std::string joined;
    for (const std::string_view piece : pieces) joined += piece;
    return Write(joined.data(), joined.size());
  }
  void ShutdownWrite() override {
    if (std::exchange(sent_end_, true) || other_ == nullptr) return;
    other_->got_end_ = true;
    other_->Tell();
  }
  size_t DrawPart(size_t size) override { return draw_part_(stream_, size, peer_); }
  bool HasPeerClosed() const override { return other_ == nullptr || (got_end_ && ways() != Ways::kOut); }

 private:
  static constexpr int kSomebody = 1000;

  void Tell() const {
    if (observer_ == nullptr) return;
    observer_->OnReadable();
    observer_->OnWritable();
    if (HasPeerClosed()) observer_->OnPeerClosed();
  }

  const LocalSockets::DrawPart draw_part_;
  const uint64_t stream_;
  const std::string local_;
  const std::string peer_;
  LocalStream* other_ = nullptr;  // Null once either is closed.
  std::string arrived_;
  int error_ = 0;  // To be told once.
  bool wants_room_ = false;
  bool sent_end_ = false;
  bool got_end_ = false;
  bool closed_ = false;
};

}  // namespace

class LocalListener final : public internal::ListenSocket {
 public:
  LocalListener(LocalSockets& all, std::string path, size_t backlog)
      : all_(&all), path_(std::move(path)), backlog_(backlog) {
    all.listeners_.emplace(path_, this);
  }
  ~LocalListener() override { LocalListener::Close(); }

  void Close() override {
    if (all_ == nullptr) return;
    std::exchange(all_, nullptr)->listeners_.erase(path_);
    waiting_.clear();
  }
  std::string LocalAddress() const override { return internal::UnixAddressText(path_); }
  uint16_t LocalPort() const override { return 0; }
  IoResult<std::unique_ptr<StreamSocket>> Accept() override {
    using Result = IoResult<std::unique_ptr<StreamSocket>>;
    if (waiting_.empty()) return Result::Error(all_ == nullptr ? EBADF : EAGAIN);
    std::unique_ptr<StreamSocket> next = std::move(waiting_.front());
    waiting_.pop_front();
    return next;
  }

  // As Linux, which lets one more in than the backlog has.
  bool IsFull() const { return waiting_.size() > backlog_; }
  void Add(std::unique_ptr<StreamSocket> stream) {
    waiting_.push_back(std::move(stream));
    if (observer_ != nullptr) observer_->OnReadable();
  }
  // The network goes.
  void Detach() {
    all_ = nullptr;
    waiting_.clear();
  }

 private:
  LocalSockets* all_;  // Null once either is closed.
  const std::string path_;
  const size_t backlog_;
  std::deque<std::unique_ptr<StreamSocket>> waiting_;
};

LocalSockets::~LocalSockets() {
  for (const auto& [path, listener] : listeners_) listener->Detach();
}

IoResult<std::unique_ptr<internal::ListenSocket>> LocalSockets::Listen(const std::string& path,
                                                                       const internal::ListenSettings& settings) {
  using Result = IoResult<std::unique_ptr<internal::ListenSocket>>;
  if (listeners_.contains(path)) return Result::Error(EADDRINUSE);
  return std::unique_ptr<internal::ListenSocket>(
      std::make_unique<LocalListener>(*this, path, static_cast<size_t>(settings.backlog)));
}

IoResult<std::unique_ptr<StreamSocket>> LocalSockets::Connect(const std::string& path) {
  using Result = IoResult<std::unique_ptr<StreamSocket>>;
  const auto found = listeners_.find(path);
  // A listener takes its file along.
  if (found == listeners_.end()) return Result::Error(path[0] == '\0' ? ECONNREFUSED : ENOENT);
  if (found->second->IsFull()) return Result::WouldBlock();
  const std::string name = internal::UnixAddressText(path);
  const std::string unnamed = internal::UnixAddressText("");
  auto client = std::make_unique<LocalStream>(draw_part_, new_stream_(), unnamed, name, StreamSocket::Ways::kBoth);
  auto server = std::make_unique<LocalStream>(draw_part_, new_stream_(), name, unnamed, StreamSocket::Ways::kBoth);
  LocalStream::MakePeers(*client, *server);
  found->second->Add(std::move(server));
  return std::unique_ptr<StreamSocket>(std::move(client));
}

internal::Network::Streams LocalSockets::MakePair(bool one_way) {
  using Ways = StreamSocket::Ways;
  const std::string name = one_way ? "pipe" : "socket pair";
  auto first = std::make_unique<LocalStream>(draw_part_, new_stream_(), name, name, one_way ? Ways::kIn : Ways::kBoth);
  auto second =
      std::make_unique<LocalStream>(draw_part_, new_stream_(), name, name, one_way ? Ways::kOut : Ways::kBoth);
  LocalStream::MakePeers(*first, *second);
  if (one_way) first->ShutdownWrite();
  return internal::Network::Streams(std::move(first), std::move(second));
}

}  // namespace detent::sim
