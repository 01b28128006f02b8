// SPDX-License-Identifier: Apache-2.0
//
// A Wire is one TCP connection: two ends, and two pipes with what is under way. Its streams own it, and so does a pipe
// while something is under way in it, so that what was sent before a Close() still arrives.
//
// Invariants.
//   1. A pipe delivers in the order of sending, and is in the loop's timers exactly while something is under way in it.
//   2. Everything that one end tells the other goes through Wire::Send(), but for one thing: that bytes were read is
//      known at once, without a message. Faults of the network belong into Send().
//   3. Nothing here depends on an address, a hash or a clock: pipes are numbered in the order in which they were made.
#include "detent/sim/sim_network.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "detent/runtime/internal/timer_heap.h"

namespace detent::sim {
namespace {

constexpr size_t kWindow = 64 * 1024;
constexpr absl::Duration kLatencyMin = absl::Microseconds(50);
constexpr uint32_t kLatencies = 8;
constexpr uint16_t kFirstFreePort = 49152;
// Where the sources of deliveries are numbered from: tasks and callbacks stay below.
constexpr uint64_t kFirstSource = uint64_t{1} << 62;

class SimListener;
class SimNetwork;
class SimStream;
class Wire;

class Address {
 public:
  Address(std::string its_host, uint16_t its_port) : host(std::move(its_host)), port(its_port) {}
  std::string ToString() const { return internal::JoinHostPort(host, port); }

  std::string host;
  uint16_t port;
};

bool IsWildcard(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

class Message {
 public:
  enum class Kind : uint8_t { kConnect, kConnected, kRefused, kData, kEnd, kReset };

  Message(Kind what, std::string_view content, LoopTime when) : kind(what), bytes(content), arrives(when) {}

  Kind kind;
  std::string bytes;
  LoopTime arrives;
};

// What is under way to one end of a wire.
class Pipe final : public internal::Timer {
 public:
  Pipe(Wire& wire, size_t to, uint64_t ordinal) : wire_(wire), to_(to), ordinal_(ordinal) {}

  void Add(internal::LoopCore& core, Message::Kind kind, std::string_view bytes, absl::Duration latency);
  // Forgets what is under way. The wire may be gone afterwards.
  void Clear(internal::LoopCore& core);

  void Run() override;
  void Discard() override;
  uint64_t Lane() const override { return internal::LaneOfCallbacks(kFirstSource + ordinal_); }

 private:
  Wire& wire_;
  const size_t to_;
  const uint64_t ordinal_;
  std::deque<Message> under_way_;
  std::shared_ptr<Wire> keep_wire_;  // While something is under way.
};

// What TCP knows at one end of a connection.
class End {
 public:
  explicit End(Address its_address) : address(std::move(its_address)) {}

  Address address;
  SimStream* stream = nullptr;
  std::string arrived;    // And not read yet.
  size_t in_window = 0;   // Bytes of ours that the peer has not read.
  int error = 0;          // To be told once.
  bool connected = false;
  bool wants_room = false;  // A write found none.
  bool sent_end = false;
  bool got_end = false;
  bool reset = false;  // By the peer, or refused.
  bool closed = false;
};

class Wire : public std::enable_shared_from_this<Wire> {
 public:
  Wire(SimNetwork& network, Address client, Address server);
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire();

  static constexpr size_t kClient = 0;
  static constexpr size_t kServer = 1;

  End& end(size_t index) { return ends_[index]; }
  SimNetwork* network() const { return network_; }  // Null once it is gone.

  std::unique_ptr<SimStream> MakeStream(size_t index);

  // Sends from one end to the other.
  void Send(size_t from, Message::Kind kind, std::string_view bytes = {});
  void Deliver(size_t to, const Message& message);

  int64_t Read(size_t at, char* buffer, size_t size);
  int64_t Write(size_t at, const char* data, size_t size);
  void Close(size_t at, bool abort);

  // The network goes.
  void Detach();

 private:
  void GiveRoom(End& writer, size_t size);

  SimNetwork* network_;
  std::list<Wire*>::iterator place_;  // In the network's list.
  End ends_[2];
  Pipe pipes_[2];  // By the end to which they lead.
};

class SimStream final : public internal::StreamSocket {
 public:
  SimStream(std::shared_ptr<Wire> wire, size_t at) : wire_(std::move(wire)), at_(at) {}
  ~SimStream() override { Close(); }

  void Close() override { wire_->Close(at_, /*abort=*/false); }
  void Abort() { wire_->Close(at_, /*abort=*/true); }
  std::string LocalAddress() const override { return wire_->end(at_).address.ToString(); }
  uint16_t LocalPort() const override { return wire_->end(at_).address.port; }
  std::string PeerAddress() const override { return wire_->end(1 - at_).address.ToString(); }

  int FinishConnect() override {
    End& end = wire_->end(at_);
    if (end.error != 0) return std::exchange(end.error, 0);
    return end.connected ? 0 : EAGAIN;
  }
  int64_t Read(char* buffer, size_t size) override { return wire_->Read(at_, buffer, size); }
  int64_t Write(const char* data, size_t size) override { return wire_->Write(at_, data, size); }
  void ShutdownWrite() override {
    End& end = wire_->end(at_);
    if (!end.reset && !std::exchange(end.sent_end, true)) wire_->Send(at_, Message::Kind::kEnd);
  }

  void TellReadable() const {
    if (observer_ != nullptr) observer_->OnReadable();
  }
  void TellWritable() const {
    if (observer_ != nullptr) observer_->OnWritable();
  }

 private:
  std::shared_ptr<Wire> wire_;
  const size_t at_;
};

class SimListener final : public internal::ListenSocket {
 public:
  SimListener(SimNetwork& network, Address address) : network_(&network), address_(std::move(address)) {}
  ~SimListener() override { Close(); }

  void Close() override;
  std::string LocalAddress() const override { return address_.ToString(); }
  uint16_t LocalPort() const override { return address_.port; }

  std::unique_ptr<internal::StreamSocket> Accept(int* error) override {
    *error = network_ == nullptr ? EBADF : EAGAIN;
    if (waiting_.empty()) return nullptr;
    std::unique_ptr<SimStream> next = std::move(waiting_.front());
    waiting_.pop_front();
    return next;
  }

  void Add(std::unique_ptr<SimStream> stream) {
    waiting_.push_back(std::move(stream));
    if (observer_ != nullptr) observer_->OnReadable();
  }
  void Detach() {
    network_ = nullptr;
    waiting_.clear();
  }

 private:
  SimNetwork* network_;  // Null once either is closed.
  Address address_;
  std::deque<std::unique_ptr<SimStream>> waiting_;
};

class SimNetwork final : public internal::Network {
 public:
  explicit SimNetwork(EventLoop& loop) : loop_(loop) {}
  ~SimNetwork() override {
    while (!wires_.empty()) wires_.front()->Detach();
    for (const auto& [place, listener] : listeners_) listener->Detach();
  }

  Coro<std::vector<std::string>> Resolve(std::string host) override {
    std::vector<std::string> addresses;
    addresses.push_back(host.empty() ? "0.0.0.0" : host == "localhost" ? "127.0.0.1" : std::move(host));
    co_return std::move(addresses);
  }
  std::unique_ptr<internal::ListenSocket> Listen(const std::string& host, uint16_t port, int backlog,
                                                 int* error) override;
  std::unique_ptr<internal::StreamSocket> Connect(const std::string& host, uint16_t port, int* error) override;

  internal::LoopCore& core() const { return loop_.core(); }
  // Whether what happens now belongs to a run. Else it is part of cleaning up, and makes no choices.
  bool IsRunning() const { return internal::CurrentCore() == &core() && !core().tearing_down; }
  absl::Duration DrawLatency() {
    const uint32_t choice = IsRunning() ? loop_.ChooseFor(internal::ChoiceKind::kLatency, kLatencies) : 0;
    return kLatencyMin * (1 << choice);
  }
  uint64_t NextPipe() { return next_pipe_++; }

  // Who takes a connection to `address`; null if nobody does.
  SimListener* ListenerFor(const Address& address) const;
  void Forget(const Address& listening) { listeners_.erase(Place(listening.port, listening.host)); }

  std::list<Wire*>& wires() { return wires_; }

 private:
  using Place = std::pair<uint16_t, std::string>;

  bool IsTaken(const std::string& host, uint16_t port) const;
  // 0 if there is none.
  uint16_t TakeFreePort();

  EventLoop& loop_;
  std::map<Place, SimListener*> listeners_;
  std::list<Wire*> wires_;
  uint16_t next_port_ = kFirstFreePort;
  uint64_t next_pipe_ = 0;
};

// --- Pipe ---

void Pipe::Add(internal::LoopCore& core, Message::Kind kind, std::string_view bytes, absl::Duration latency) {
  LoopTime arrives = core.now + latency;
  const bool idle = under_way_.empty();
  if (!idle) arrives = std::max(arrives, under_way_.back().arrives);
  under_way_.emplace_back(kind, bytes, arrives);
  if (!idle) return;
  keep_wire_ = wire_.shared_from_this();
  core.timers.Add(this, arrives);
}

void Pipe::Run() {
  internal::LoopCore& core = wire_.network()->core();
  while (!under_way_.empty() && under_way_.front().arrives <= core.now) {
    const Message message = std::move(under_way_.front());
    under_way_.pop_front();
    wire_.Deliver(to_, message);
  }
  if (under_way_.empty()) {
    keep_wire_ = nullptr;  // This may be the end of us.
  } else {
    core.timers.Add(this, under_way_.front().arrives);
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

// --- Wire ---

Wire::Wire(SimNetwork& network, Address client, Address server)
    : network_(&network),
      ends_{End(std::move(client)), End(std::move(server))},
      pipes_{Pipe(*this, kClient, network.NextPipe()), Pipe(*this, kServer, network.NextPipe())} {
  place_ = network.wires().insert(network.wires().end(), this);
}

Wire::~Wire() {
  if (network_ != nullptr) network_->wires().erase(place_);
}

void Wire::Detach() {
  const std::shared_ptr<Wire> keep = shared_from_this();
  SimNetwork& network = *std::exchange(network_, nullptr);
  network.wires().erase(place_);
  for (Pipe& pipe : pipes_) pipe.Clear(network.core());
}

std::unique_ptr<SimStream> Wire::MakeStream(size_t index) {
  auto stream = std::make_unique<SimStream>(shared_from_this(), index);
  ends_[index].stream = stream.get();
  return stream;
}

void Wire::Send(size_t from, Message::Kind kind, std::string_view bytes) {
  if (network_ == nullptr || network_->core().tearing_down) return;
  pipes_[1 - from].Add(network_->core(), kind, bytes, network_->DrawLatency());
}

void Wire::Deliver(size_t to, const Message& message) {
  End& end = ends_[to];
  if (message.kind == Message::Kind::kConnect) {
    SimListener* listener = network_->ListenerFor(end.address);
    end.closed = listener == nullptr;
    Send(to, end.closed ? Message::Kind::kRefused : Message::Kind::kConnected);
    if (listener == nullptr) return;
    end.connected = true;
    listener->Add(MakeStream(to));
    return;
  }
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

// As Linux: what arrived before a reset can still be read, and the reset is told once.
int64_t Wire::Read(size_t at, char* buffer, size_t size) {
  End& end = ends_[at];
  if (network_ == nullptr) return -EBADF;
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
  if (network_ == nullptr) return -EBADF;
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

void Wire::Close(size_t at, bool abort) {
  End& end = ends_[at];
  if (std::exchange(end.closed, true)) return;
  end.stream = nullptr;
  if (end.reset) return;
  if (abort || !end.connected || !end.arrived.empty()) {
    end.reset = true;
    Send(at, Message::Kind::kReset);
  } else if (!std::exchange(end.sent_end, true)) {
    Send(at, Message::Kind::kEnd);
  }
  end.arrived.clear();
}

// --- Listener and network ---

void SimListener::Close() {
  if (network_ == nullptr) return;
  std::exchange(network_, nullptr)->Forget(address_);
  for (const std::unique_ptr<SimStream>& stream : waiting_) stream->Abort();
  waiting_.clear();
}

SimListener* SimNetwork::ListenerFor(const Address& address) const {
  for (const std::string& host : {address.host, std::string("0.0.0.0"), std::string("::")}) {
    const auto found = listeners_.find(Place(address.port, host));
    if (found != listeners_.end()) return found->second;
  }
  return nullptr;
}

bool SimNetwork::IsTaken(const std::string& host, uint16_t port) const {
  for (auto each = listeners_.lower_bound(Place(port, "")); each != listeners_.end() && each->first.first == port; ++each) {
    if (each->first.second == host || IsWildcard(each->first.second) || IsWildcard(host)) return true;
  }
  return false;
}

uint16_t SimNetwork::TakeFreePort() {
  for (int tries = 0; tries <= 65535 - kFirstFreePort; ++tries) {
    const uint16_t port = next_port_;
    next_port_ = port == 65535 ? kFirstFreePort : port + 1;
    if (!IsTaken("::", port)) return port;
  }
  return 0;
}

std::unique_ptr<internal::ListenSocket> SimNetwork::Listen(const std::string& host, uint16_t port, int,
                                                           int* error) {
  if (port == 0) {
    port = TakeFreePort();
  } else if (IsTaken(host, port)) {
    port = 0;
  }
  if (port == 0) {
    *error = EADDRINUSE;
    return nullptr;
  }
  auto listener = std::make_unique<SimListener>(*this, Address(host, port));
  listeners_.emplace(Place(port, host), listener.get());
  return listener;
}

std::unique_ptr<internal::StreamSocket> SimNetwork::Connect(const std::string& host, uint16_t port, int* error) {
  const uint16_t local_port = TakeFreePort();
  if (local_port == 0) {
    *error = EADDRNOTAVAIL;
    return nullptr;
  }
  const char* local_host = host.find(':') == std::string::npos ? "127.0.0.1" : "::1";
  const auto wire = std::make_shared<Wire>(*this, Address(local_host, local_port), Address(host, port));
  wire->Send(Wire::kClient, Message::Kind::kConnect);
  return wire->MakeStream(Wire::kClient);
}

}  // namespace

std::unique_ptr<internal::Network> MakeSimNetwork(EventLoop& loop) { return std::make_unique<SimNetwork>(loop); }

}  // namespace detent::sim
