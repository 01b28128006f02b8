// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/memory_pipe.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "detent/runtime/choice_kind.h"
#include "detent/runtime/internal/access.h"
#include "detent/sim/world/choices.h"

namespace detent::sim {
namespace {

constexpr size_t kCapacity = 64 * 1024;

class PipeEnd;

class Buffer {
 public:
  Buffer(EventLoop& its_loop, std::string its_name)
      : loop(its_loop), name(std::move(its_name)), stream(loop.NewStream("pipe")) {}

  EventLoop& loop;
  const std::string name;
  const uint64_t stream;
  std::string bytes;
  PipeEnd* reader = nullptr;  // Null once it is closed.
  PipeEnd* writer = nullptr;
  bool wants_room = false;  // A write found none.
  bool is_sink = false;
};

class PipeEnd final : public internal::StreamSocket {
 public:
  enum class Side : bool { kReads, kWrites };

  PipeEnd(std::shared_ptr<Buffer> buffer, Side side)
      : StreamSocket(Reads::kParts, side == Side::kReads ? Ways::kIn : Ways::kOut),
        buffer_(std::move(buffer)),
        side_(side) {
    (side == Side::kReads ? buffer_->reader : buffer_->writer) = this;
  }
  ~PipeEnd() override { Close(); }

  void Close() override {
    if (std::exchange(closed_, true)) return;
    (side_ == Side::kReads ? buffer_->reader : buffer_->writer) = nullptr;
    if (PipeEnd* const other = side_ == Side::kReads ? buffer_->writer : buffer_->reader) other->Tell();
  }
  std::string LocalAddress() const override { return buffer_->name; }
  uint16_t LocalPort() const override { return 0; }
  std::string PeerAddress() const override { return buffer_->name; }

  internal::IoResult<> FinishConnect() override { return internal::IoResult<>(); }
  internal::IoResult<size_t> Read(char* into, size_t size) override {
    using Result = internal::IoResult<size_t>;
    if (closed_ || side_ == Side::kWrites) return Result::Error(EBADF);
    std::string& bytes = buffer_->bytes;
    if (bytes.empty()) return buffer_->writer == nullptr ? Result(0) : Result::WouldBlock();
    size = std::min(size, bytes.size());
    std::memcpy(into, bytes.data(), size);
    bytes.erase(0, size);
    if (buffer_->writer != nullptr && std::exchange(buffer_->wants_room, false)) buffer_->writer->Tell();
    return size;
  }
  internal::IoResult<size_t> Write(const char* data, size_t size) override {
    using Result = internal::IoResult<size_t>;
    if (closed_ || side_ == Side::kReads) return Result::Error(EBADF);
    if (buffer_->is_sink) return size;
    if (buffer_->reader == nullptr) return Result::Error(EPIPE);
    size = std::min(size, kCapacity - buffer_->bytes.size());
    if (size == 0) {
      buffer_->wants_room = true;
      return Result::WouldBlock();
    }
    buffer_->bytes.append(data, size);
    buffer_->reader->Tell();
    return size;
  }
  internal::IoResult<size_t> WritePieces(std::span<const std::string_view> pieces) override {
    std::string joined;
    for (const std::string_view piece : pieces) joined += piece;
    return Write(joined.data(), joined.size());
  }
  void ShutdownWrite() override {
    if (side_ == Side::kWrites) Close();
  }
  bool HasPeerClosed() const override {
    if (side_ == Side::kReads) return buffer_->writer == nullptr;
    return !buffer_->is_sink && buffer_->reader == nullptr;
  }
  size_t DrawPart(size_t size) override {
    if (size < 2 || buffer_->loop.core().tearing_down) return size;
    return ChoosePart(buffer_->loop, ChoiceKind::kRead, buffer_->stream, size,
                      [&](size_t part) { return WordsOfRead(part, size, buffer_->name); });
  }

 private:
  // As epoll does at an end or an error: both directions.
  void Tell() const {
    if (observer_ == nullptr) return;
    observer_->OnReadable();
    observer_->OnWritable();
    if (HasPeerClosed()) observer_->OnPeerClosed();
  }

  const std::shared_ptr<Buffer> buffer_;
  const Side side_;
  bool closed_ = false;
};

}  // namespace

MemoryPipe MakeMemoryPipe(EventLoop& loop, const std::string& name) {
  auto buffer = std::make_shared<Buffer>(loop, name);
  MemoryPipe pipe;
  pipe.reads = std::make_unique<PipeEnd>(buffer, PipeEnd::Side::kReads);
  pipe.writes = std::make_unique<PipeEnd>(buffer, PipeEnd::Side::kWrites);
  return pipe;
}

std::unique_ptr<internal::StreamSocket> MakeSink(EventLoop& loop, const std::string& name) {
  auto buffer = std::make_shared<Buffer>(loop, name);
  buffer->is_sink = true;
  return std::make_unique<PipeEnd>(std::move(buffer), PipeEnd::Side::kWrites);
}

}  // namespace detent::sim
