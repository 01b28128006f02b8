// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/sim_tcp.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace detent::sim::tcp {

// --- Pipe ---

void Pipe::Add(internal::LoopCore& core, Message::Kind kind, std::string_view bytes, absl::Duration latency) {
  LoopTime arrives = core.now + latency;
  const bool idle = under_way_.empty();
  if (!idle) arrives = std::max(arrives, under_way_.back().arrives);
  under_way_.emplace_back(kind, bytes, arrives);
  if (!idle) return;
  keep_wire_ = wire_.shared_from_this();
  core.AddTimer(this, arrives);
}

void Pipe::Run() {
  internal::LoopCore& core = wire_.fabric()->core();
  while (!under_way_.empty() && under_way_.front().arrives <= core.now) {
    const Message message = std::move(under_way_.front());
    under_way_.pop_front();
    wire_.Deliver(to_, message);
  }
  if (!under_way_.empty()) {
    core.AddTimer(this, under_way_.front().arrives);
  } else {
    keep_wire_ = nullptr;  // This may be the end of us.
  }
}

void Pipe::Clear(internal::LoopCore& core) {
  if (IsArmed()) core.timers.Remove(this);
  if (IsReady()) core.Forget(this);
  Discard();
}

void Pipe::Discard() {
  under_way_.clear();
  keep_wire_ = nullptr;
}

uint64_t Pipe::Lane() const { return internal::LaneOfCallbacks(kFirstDeliverySource + ordinal_); }

// --- Wire ---

Wire::Wire(Fabric& fabric, Address client, Address server)
    : fabric_(&fabric),
      place_(fabric.wires_.insert(fabric.wires_.end(), this)),
      ends_{End(std::move(client)), End(std::move(server))},
      pipes_{Pipe(*this, kClient, fabric.NextPipe()), Pipe(*this, kServer, fabric.NextPipe())} {}

Wire::~Wire() {
  if (fabric_ != nullptr) fabric_->wires_.erase(place_);
}

void Wire::Cut() {
  const std::shared_ptr<Wire> keep = shared_from_this();
  Fabric& fabric = *std::exchange(fabric_, nullptr);
  fabric.wires_.erase(place_);
  for (Pipe& pipe : pipes_) pipe.Clear(fabric.core());
}

void Fabric::CutWires() {
  while (!wires_.empty()) wires_.front()->Cut();
}

std::unique_ptr<Stream> Wire::MakeStream(size_t at) {
  auto stream = std::make_unique<Stream>(shared_from_this(), at);
  ends_[at].stream = stream.get();
  return stream;
}

std::unique_ptr<Stream> Wire::Connect() {
  Send(kClient, Message::Kind::kConnect);
  return MakeStream(kClient);
}

void Wire::Send(size_t from, Message::Kind kind, std::string_view bytes) {
  // A loop that is torn down makes no more choices.
  if (fabric_ == nullptr || fabric_->core().tearing_down) return;
  pipes_[1 - from].Add(fabric_->core(), kind, bytes, fabric_->DrawLatency());
}

void Wire::Deliver(size_t to, const Message& message) {
  End& end = ends_[to];
  if (message.kind == Message::Kind::kConnect) return Answer(to);
  if (end.closed) {
    // Bytes for somebody who is gone.
    if (message.kind == Message::Kind::kData && !std::exchange(end.reset, true)) Send(to, Message::Kind::kReset);
    return;
  }
  if (end.reset) return;
  switch (message.kind) {
    case Message::Kind::kConnect:
      break;
    case Message::Kind::kConnected:
      end.connected = true;
      end.stream->TellWritable();
      break;
    case Message::Kind::kData:
      end.arrived.append(message.bytes);
      end.stream->TellReadable();
      break;
    case Message::Kind::kEnd:
      end.got_end = true;
      end.stream->TellReadable();
      break;
    case Message::Kind::kRefused:
    case Message::Kind::kReset:
      end.reset = true;
      end.error = message.kind == Message::Kind::kRefused ? ECONNREFUSED : end.got_end ? EPIPE : ECONNRESET;
      end.stream->TellReadable();
      end.stream->TellWritable();
      break;
  }
}

void Wire::Answer(size_t server) {
  End& end = ends_[server];
  if (!fabric_->IsListening(end.address)) {
    end.closed = end.reset = true;
    Send(server, Message::Kind::kRefused);
    return;
  }
  end.connected = true;
  Send(server, Message::Kind::kConnected);
  fabric_->Deliver(end.address, MakeStream(server));
}

int Wire::FinishConnect(size_t at) {
  End& end = ends_[at];
  if (fabric_ == nullptr) return EBADF;
  if (end.error != 0) return std::exchange(end.error, 0);
  return end.connected ? 0 : EAGAIN;
}

// As Linux: what arrived before a reset can still be read, and the reset is told once.
int64_t Wire::Read(size_t at, char* buffer, size_t size) {
  End& end = ends_[at];
  if (fabric_ == nullptr) return -EBADF;
  if (!end.arrived.empty()) {
    size = std::min(size, end.arrived.size());
    std::memcpy(buffer, end.arrived.data(), size);
    end.arrived.erase(0, size);
    GiveRoom(ends_[1 - at], size);
    return static_cast<int64_t>(size);
  }
  if (end.got_end) return 0;
  if (end.error != 0) return -std::exchange(end.error, 0);
  return end.reset ? 0 : -EAGAIN;
}

int64_t Wire::Write(size_t at, const char* data, size_t size) {
  End& end = ends_[at];
  if (fabric_ == nullptr) return -EBADF;
  if (end.error != 0) return -std::exchange(end.error, 0);
  if (end.reset || end.sent_end) return -EPIPE;
  const size_t room = kWindow - end.in_window;
  if (room == 0) {
    end.wants_room = true;
    return -EAGAIN;
  }
  size = std::min(size, room);
  end.in_window += size;
  Send(at, Message::Kind::kData, std::string_view(data, size));
  return static_cast<int64_t>(size);
}

void Wire::GiveRoom(End& writer, size_t size) {
  writer.in_window -= size;
  // Half a window at a time, so that a slow reader does not make a crowd of tiny messages.
  if (!writer.wants_room || writer.in_window > kWindow / 2 || writer.stream == nullptr) return;
  writer.wants_room = false;
  writer.stream->TellWritable();
}

void Wire::ShutdownWrite(size_t at) {
  End& end = ends_[at];
  if (!end.reset && !std::exchange(end.sent_end, true)) Send(at, Message::Kind::kEnd);
}

void Wire::Close(size_t at, bool abort) {
  End& end = ends_[at];
  if (std::exchange(end.closed, true)) return;
  end.stream = nullptr;
  const bool unread = !end.arrived.empty();
  end.arrived.clear();
  if (end.reset) return;
  if (abort || unread || !end.connected) {
    end.reset = true;
    Send(at, Message::Kind::kReset);
  } else {
    ShutdownWrite(at);
  }
}

}  // namespace detent::sim::tcp
