// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/tcp.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/step_text.h"
#include "detent/sim/world/choices.h"

namespace detent::sim::tcp {
namespace {

const char* WordsOf(Message::Kind kind) {
  switch (kind) {
    case Message::Kind::kConnect:
      return "the connect";
    case Message::Kind::kConnected:
      return "the answer to the connect";
    case Message::Kind::kRefused:
      return "the refusal";
    case Message::Kind::kData:
      return "the message";
    case Message::Kind::kEnd:
      return "the end of the stream";
    case Message::Kind::kReset:
      return "the reset";
  }
  return "the message";
}

// How long Linux tries to connect, sends again what nobody confirms, and asks whether somebody is still there.
constexpr absl::Duration kConnectPatience = absl::Minutes(2);
constexpr absl::Duration kPatience = absl::Minutes(15);
constexpr absl::Duration kKeepAlivePatience = absl::Seconds(2 * 3600 + 9 * 75);

}  // namespace

// --- Pipe ---

bool Pipe::Add(Fabric& fabric, Message::Kind kind, std::string_view bytes) {
  const uint64_t number = kind == Message::Kind::kData ? data_sent_ + 1 : 0;
  const Course course = fabric.DrawCourse(wire_.address(1 - to_), wire_.address(to_), stream_, kind,
                                          [&] { return NameOf(kind, number); });
  if (course.fate == Course::Fate::kReset) return false;
  Put(fabric, kind, number, bytes, course);
  data_sent_ = std::max(data_sent_, number);
  return true;
}

void Pipe::Put(Fabric& fabric, Message::Kind kind, uint64_t number, std::string_view bytes, const Course& course) {
  const LoopTime now = fabric.core().now;
  LoopTime arrives = now + course.latency;
  const bool idle = under_way_.empty();
  if (!idle) arrives = std::max(arrives, under_way_.back().arrives);
  const bool stalls = course.fate == Course::Fate::kStalls;
  under_way_.emplace_back(kind, number, bytes, arrives,
                          stalls ? Range(arrives, arrives) : Range(now + kLatencyMin, now + kDelayMax));
  if (!idle) return;
  try {
    fabric.arrivals().Add(*this, arrives, under_way_.front().range);
  } catch (...) {  // No memory.
    under_way_.pop_back();
    throw;
  }
  keep_wire_ = wire_.shared_from_this();
}

// What is later than a message can be waits for one that has stalled.
void Pipe::ReleaseStalled(Fabric& fabric) {
  const LoopTime now = fabric.core().now;
  for (Message& message : under_way_) {
    message.arrives = std::min(message.arrives, now + kDelayMax);
    message.range = Range(std::min(message.range.earliest, now + kDelayMax), now + kDelayMax);
  }
  if (!IsExpected()) return;
  fabric.arrivals().Remove(*this);
  fabric.arrivals().Add(*this, under_way_.front().arrives, under_way_.front().range);
}

void Pipe::Arrive() {
  internal::LoopCore& core = wire_.fabric()->core();
  // It may have been moved to an earlier time.
  under_way_.front().arrives = std::min(under_way_.front().arrives, core.now);
  core.ready.Push(this);
}

std::string Pipe::Describe() const { return NameOf(under_way_.front().kind, under_way_.front().number); }

std::string Pipe::NameOf(Message::Kind kind, uint64_t number) const {
  const std::string name = number == 0 ? std::string(WordsOf(kind)) : absl::StrCat("the ", Ordinal(number), " message");
  return absl::StrCat(name, " from ", wire_.address(1 - to_).ToString(), " to ", wire_.address(to_).ToString());
}

void Pipe::Run() {
  internal::LoopCore& core = wire_.fabric()->core();
  while (!under_way_.empty() && under_way_.front().arrives <= core.now) {
    const Message message = std::move(under_way_.front());
    under_way_.pop_front();
    ++delivered_;
    wire_.Deliver(to_, message);
  }
  if (!under_way_.empty()) {
    wire_.fabric()->arrivals().Add(*this, under_way_.front().arrives, under_way_.front().range);
  } else {
    keep_wire_ = nullptr;  // This may be the end of us.
  }
}

void Pipe::Clear(const Fabric& fabric) {
  if (IsExpected()) fabric.arrivals().Remove(*this);
  if (IsReady()) fabric.core().Forget(this);
  Discard();
}

void Pipe::Discard() {
  under_way_.clear();
  keep_wire_ = nullptr;
}

internal::Lane Pipe::lane() const { return internal::Lane::OfDeliveries(ordinal_); }

void Pipe::DescribeStep(internal::StepText& text) const {
  const size_t size = under_way_.empty() ? 0 : under_way_.front().bytes.size();
  text.what = absl::StrCat("delivery from ", wire_.address(1 - to_).ToString(), " to ", wire_.address(to_).ToString(),
                           size > 0 ? absl::StrCat(": ", size, size == 1 ? " byte" : " bytes") : "");
}

// --- Wire ---

Wire::Wire(Fabric& fabric, uint64_t stream, Address client, Address server)
    : fabric_(&fabric),
      ends_{End(std::move(client)), End(std::move(server))},
      pipes_{Pipe(*this, kClient, fabric.NextPipe(), HashOf(stream, kClient)),
             Pipe(*this, kServer, fabric.NextPipe(), HashOf(stream, kServer))},
      patience_{{HashOf(stream, 2), [this] { GiveUp(kClient); }, [this] { return address(kClient).ToString(); }},
                {HashOf(stream, 3), [this] { GiveUp(kServer); }, [this] { return address(kServer).ToString(); }}} {
  place_ = fabric.wires_.insert(fabric.wires_.end(), this);  // Last: whoever throws is in no list.
}

Wire::~Wire() {
  if (fabric_ != nullptr) fabric_->wires_.erase(place_);
}

void Wire::Cut() {
  const std::shared_ptr<Wire> keep = shared_from_this();
  Fabric& fabric = *std::exchange(fabric_, nullptr);
  fabric.wires_.erase(place_);
  for (Pipe& pipe : pipes_) pipe.Clear(fabric);
  for (Patience& each : patience_) each.End(fabric.arrivals());
}

void Wire::ReleaseStalled() {
  for (Pipe& pipe : pipes_) pipe.ReleaseStalled(*fabric_);
}

void Fabric::ReleaseStalled() {
  for (Wire* const wire : wires_) wire->ReleaseStalled();
}

void Fabric::ForEndsAt(uint32_t machine, void (Wire::*what)(size_t end)) {
  std::vector<std::pair<std::shared_ptr<Wire>, size_t>> found;
  for (Wire* const wire : wires_) {
    for (const size_t end : {Wire::kClient, Wire::kServer}) {
      if (wire->address(end).machine == machine) found.emplace_back(wire->shared_from_this(), end);
    }
  }
  for (const auto& [wire, end] : found) ((*wire).*what)(end);
}

void Fabric::CutWires() {
  while (!wires_.empty()) wires_.front()->Cut();
}

std::unique_ptr<Stream> Wire::MakeStream(size_t at) {
  auto stream = std::make_unique<Stream>(shared_from_this(), at);
  ends_[at].stream = stream.get();
  return stream;
}

std::unique_ptr<Stream> Wire::Connect(const internal::ConnectSettings& settings) {
  ends_[kClient].keep_alive = settings.keep_alive;
  ends_[kClient].user_timeout = settings.user_timeout;
  Send(kClient, Message::Kind::kConnect);
  return MakeStream(kClient);
}

void Wire::Send(size_t from, Message::Kind kind, std::string_view bytes) {
  // A loop that is torn down makes no more choices.
  if (fabric_ == nullptr || fabric_->core().tearing_down) return;
  if (pipes_[1 - from].Add(*fabric_, kind, bytes)) return fabric_->Sent();
  for (Pipe& pipe : pipes_) pipe.AddCalm(*fabric_, Message::Kind::kReset);
}

void Wire::Deliver(size_t to, const Message& message) {
  End& end = ends_[to];
  patience_[to].End(fabric_->arrivals());
  if (message.kind == Message::Kind::kConnect) return Answer(to);
  if (end.is_silent) return DeliverToNobody(to, message.kind);
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
      Arrive(to, message.bytes);
      break;
    case Message::Kind::kEnd:
      end.got_end = true;
      end.stream->TellReadable();
      end.stream->TellPeerClosed();
      break;
    case Message::Kind::kRefused:
    case Message::Kind::kReset:
      end.reset = true;
      end.error = message.kind == Message::Kind::kRefused ? ECONNREFUSED : end.got_end ? EPIPE : ECONNRESET;
      end.stream->TellReadable();
      end.stream->TellWritable();
      end.stream->TellPeerClosed();
      break;
  }
}

void Wire::DeliverToNobody(size_t to, Message::Kind kind) {
  End& end = ends_[to];
  if (kind == Message::Kind::kReset || kind == Message::Kind::kRefused) return;
  if (!fabric_->IsOn(end.address.machine)) return WaitInVain(1 - to, kPatience);
  if (!std::exchange(end.reset, true)) Send(to, Message::Kind::kReset);
}

void Wire::WaitInVain(size_t at, absl::Duration length) {
  const End& end = ends_[at];
  if (end.closed || end.reset) return;
  patience_[at].Begin(fabric_->arrivals(), fabric_->core().now, std::min(length, end.user_timeout), shared_from_this());
}

void Wire::GiveUp(size_t at) {
  End& end = ends_[at];
  if (end.closed || end.reset) return;
  end.reset = true;
  end.error = ETIMEDOUT;
  end.stream->TellReadable();
  end.stream->TellWritable();
  end.stream->TellPeerClosed();
}

void Wire::Kill(size_t at) {
  End& end = ends_[at];
  const bool is_alone = ends_[1 - at].address.machine == end.address.machine;
  if (is_alone && !std::exchange(end.closed, true)) {  // Nobody is there who could hear of it.
    end.arrived.clear();
    pipes_[at].Clear(*fabric_);
  }
  Close(at, /*abort=*/false);
  end.stream = nullptr;
  end.is_dead = true;
}

void Wire::Silence(size_t at) {
  End& end = ends_[at];
  const End& peer = ends_[1 - at];
  const bool is_coming = at == kServer && !end.connected && !end.closed;  // Its connect may still be answered.
  end.is_dead = end.is_silent = !is_coming;
  if (is_coming) return;
  patience_[at].End(fabric_->arrivals());
  end.closed = true;
  end.stream = nullptr;
  end.arrived.clear();
  if (peer.keep_alive) WaitInVain(1 - at, kKeepAlivePatience);
  if (peer.wants_room) WaitInVain(1 - at, kPatience);
}

void Wire::AnswerAgain(size_t at) {
  End& end = ends_[at];
  if (std::exchange(end.is_unheard, false)) return Send(1 - at, Message::Kind::kConnect);
  if (!end.is_silent || !patience_[1 - at].IsExpected() || std::exchange(end.reset, true)) return;
  Send(at, Message::Kind::kReset);
}

void Wire::Arrive(size_t to, const std::string& bytes) {
  End& end = ends_[to];
  End& writer = ends_[1 - to];
  end.arrived.append(bytes);
  end.stream->TellReadable();
  if (std::exchange(writer.part_sent, false) && writer.stream != nullptr) writer.stream->TellWritable();
}

void Wire::Answer(size_t server) {
  End& end = ends_[server];
  if (!fabric_->IsOn(end.address.machine)) {
    end.is_unheard = true;
    return WaitInVain(1 - server, kConnectPatience);
  }
  const Message::Kind answer =
      fabric_->IsListening(end.address)
          ? fabric_->DrawAnswer(pipes_[server].stream(), ends_[1 - server].address, end.address)
          : Message::Kind::kRefused;
  if (answer != Message::Kind::kConnected) {
    end.closed = end.reset = true;
    Send(server, answer);
    return;
  }
  end.connected = true;
  Send(server, Message::Kind::kConnected);
  fabric_->Deliver(end.address, MakeStream(server));
}

internal::IoResult<> Wire::FinishConnect(size_t at) {
  End& end = ends_[at];
  if (end.is_dead) return internal::IoResult<>::WouldBlock();
  if (fabric_ == nullptr) return internal::IoResult<>::Error(EBADF);
  if (end.error != 0) return internal::IoResult<>::Error(std::exchange(end.error, 0));
  return end.connected ? internal::IoResult<>() : internal::IoResult<>::WouldBlock();
}

// As Linux: what arrived before a reset can still be read, and the reset is told once.
internal::IoResult<size_t> Wire::Read(size_t at, char* buffer, size_t size) {
  using Result = internal::IoResult<size_t>;
  End& end = ends_[at];
  if (end.is_dead) return Result::WouldBlock();
  if (fabric_ == nullptr) return Result::Error(EBADF);
  if (!end.arrived.empty()) {
    size = std::min(size, end.arrived.size());
    std::memcpy(buffer, end.arrived.data(), size);
    end.arrived.erase(0, size);
    GiveRoom(ends_[1 - at], size);
    return size;
  }
  if (end.got_end) return size_t{0};
  if (end.error != 0) return Result::Error(std::exchange(end.error, 0));
  return end.reset ? Result(0) : Result::WouldBlock();
}

internal::IoResult<size_t> Wire::Write(size_t at, const char* data, size_t size) {
  using Result = internal::IoResult<size_t>;
  End& end = ends_[at];
  if (end.is_dead) return Result::WouldBlock();
  if (fabric_ == nullptr) return Result::Error(EBADF);
  if (end.error != 0) return Result::Error(std::exchange(end.error, 0));
  if (end.reset || end.sent_end) return Result::Error(EPIPE);
  if (end.part_sent) return Result::WouldBlock();
  const size_t room = kWindow - end.in_window;
  if (room == 0) {
    end.wants_room = true;
    return Result::WouldBlock();
  }
  size = std::min(size, room);
  const size_t part = DrawPart(ChoiceKind::kWrite, at, size);
  end.part_sent = part < size;
  end.in_window += part;
  Send(at, Message::Kind::kData, std::string_view(data, part));
  return part;
}

size_t Wire::DrawPart(ChoiceKind kind, size_t at, size_t size) const {
  if (size < 2 || fabric_ == nullptr || fabric_->core().tearing_down) return size;
  const uint64_t stream = pipes_[kind == ChoiceKind::kRead ? at : 1 - at].stream();
  return fabric_->DrawPart(kind, stream, size, address(1 - at).ToString());
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
  if (!end.reset && !end.is_dead && !std::exchange(end.sent_end, true)) Send(at, Message::Kind::kEnd);
}

void Wire::Close(size_t at, bool abort) {
  End& end = ends_[at];
  if (std::exchange(end.closed, true)) return;
  if (fabric_ != nullptr) patience_[at].End(fabric_->arrivals());
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
