// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/machine.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace detent::sim {
namespace {

using tcp::Address;

constexpr uint16_t kFirstFreePort = 49152;
constexpr uint16_t kLastPort = 65535;

bool IsV6(const std::string& host) { return host.find(':') != std::string::npos; }
bool IsWildcard(const std::string& host) { return host == "0.0.0.0" || host == "::"; }
bool IsLoopback(const std::string& host) { return host == "::1" || host.starts_with("127."); }

// What a program gets that has died.
class DeadStream final : public internal::StreamSocket {
 public:
  explicit DeadStream(std::string peer) : StreamSocket(Reads::kAll), peer_(std::move(peer)) {}

  void Close() override {}
  std::string LocalAddress() const override { return "127.0.0.1:0"; }
  uint16_t LocalPort() const override { return 0; }
  internal::IoResult<> FinishConnect() override { return internal::IoResult<>::WouldBlock(); }
  internal::IoResult<size_t> Read(char*, size_t) override { return internal::IoResult<size_t>::WouldBlock(); }
  internal::IoResult<size_t> Write(const char*, size_t) override { return internal::IoResult<size_t>::WouldBlock(); }
  internal::IoResult<size_t> WritePieces(std::span<const std::string_view>) override {
    return internal::IoResult<size_t>::WouldBlock();
  }
  void ShutdownWrite() override {}
  std::string PeerAddress() const override { return peer_; }
  bool HasPeerClosed() const override { return false; }

 private:
  const std::string peer_;
};

}  // namespace

class SimListener final : public internal::ListenSocket {
 public:
  SimListener(Machine& machine, uint64_t stream, Address address, const internal::ListenSettings& settings)
      : machine_(&machine), stream_(stream), address_(std::move(address)), settings_(settings) {}
  ~SimListener() override { Close(); }

  void Close() override;
  std::string LocalAddress() const override { return address_.ToString(); }
  uint16_t LocalPort() const override { return address_.port; }

  internal::IoResult<std::unique_ptr<internal::StreamSocket>> Accept() override {
    using Result = internal::IoResult<std::unique_ptr<internal::StreamSocket>>;
    if (waiting_.empty()) return Result::Error(machine_ == nullptr && !is_dead_ ? EBADF : EAGAIN);
    return TakeNext();
  }

  const Address& address() const { return address_; }
  // Whether it takes what comes to `host`, if it is a wildcard: "::" may be for IPv6 only.
  bool Covers(const std::string& host) const { return !settings_.only_v6 || !IsV6(address_.host) || IsV6(host); }
  bool SharesPort() const { return settings_.reuse_port; }

  void Add(std::unique_ptr<tcp::Stream> stream) {
    if (settings_.reset_on_close) stream->ResetOnClose();
    if (settings_.keep_alive) stream->KeepAlive();
    waiting_.push_back(std::move(stream));
    if (observer_ != nullptr) observer_->OnReadable();
  }
  // Its program has died, or the network goes.
  void Detach() {
    is_dead_ = true;
    machine_ = nullptr;
    for (const std::unique_ptr<tcp::Stream>& stream : waiting_) stream->Abort();
    waiting_.clear();
  }

 private:
  // REQUIRES: somebody waits to be accepted.
  internal::IoResult<std::unique_ptr<internal::StreamSocket>> TakeNext();

  Machine* machine_;  // Null once either is closed.
  const uint64_t stream_;
  Address address_;
  const internal::ListenSettings settings_;
  std::deque<std::unique_ptr<tcp::Stream>> waiting_;
  bool is_dead_ = false;  // What its program does with it has no effect.
};

void SimListener::Close() {
  if (machine_ == nullptr) return;
  std::exchange(machine_, nullptr)->Forget(this);
  for (const std::unique_ptr<tcp::Stream>& stream : waiting_) stream->Abort();
  waiting_.clear();
}

internal::IoResult<std::unique_ptr<internal::StreamSocket>> SimListener::TakeNext() {
  // As Linux: who could not be accepted waits on.
  if (machine_ != nullptr && machine_->DrawFullTable(stream_, address_))
    return internal::IoResult<std::unique_ptr<internal::StreamSocket>>::Error(EMFILE);
  std::unique_ptr<internal::StreamSocket> next = std::move(waiting_.front());
  waiting_.pop_front();
  return next;
}

Machine::Machine(MachineNetwork& network, uint32_t number, std::string address)
    : network_(network),
      number_(number),
      address_(std::move(address)),
      local_([&network](uint64_t stream, size_t size,
                        const std::string& peer) { return network.DrawLocalPart(stream, size, peer); },
             [&network] { return network.NewStream("local socket"); }),
      next_port_(kFirstFreePort) {}

Machine::~Machine() {
  for (SimListener* const listener : listeners_) listener->Detach();
}

void Machine::DropListeners() {
  for (SimListener* const listener : std::exchange(listeners_, {})) listener->Detach();
}

bool Machine::IsOwn(const std::string& host) const {
  return IsEverybody() || IsWildcard(host) || IsLoopback(host) || host == address_;
}

SimListener* Machine::ListenerAt(const Address& address) const {
  for (const std::string& host : {address.host, std::string("0.0.0.0"), std::string("::")}) {
    for (SimListener* const each : listeners_) {
      if (each->address().port == address.port && each->address().host == host && each->Covers(address.host)) {
        return each;
      }
    }
  }
  return nullptr;
}

bool Machine::IsTaken(const std::string& host, uint16_t port, const internal::ListenSettings& settings) const {
  return std::any_of(listeners_.begin(), listeners_.end(), [&](const SimListener* other) {
    const std::string& other_host = other->address().host;
    if (other->address().port != port || (settings.reuse_port && other->SharesPort())) return false;
    if (settings.only_v6 && IsV6(host) && !IsV6(other_host)) return false;
    return other_host == host || ((IsWildcard(other_host) || IsWildcard(host)) && other->Covers(host));
  });
}

uint16_t Machine::TakeFreePort() {
  for (int tries = 0; tries <= kLastPort - kFirstFreePort; ++tries) {
    const uint16_t port = next_port_;
    next_port_ = port == kLastPort ? kFirstFreePort : port + 1;
    if (!IsTaken("0.0.0.0", port, internal::ListenSettings())) return port;
  }
  return 0;
}

void Machine::Deliver(const Address& address, std::unique_ptr<tcp::Stream> stream) {
  SimListener* const listener = ListenerAt(address);
  listener->Add(std::move(stream));
  // Those that share a port take turns.
  std::erase(listeners_, listener);
  listeners_.push_back(listener);
}

internal::IoResult<std::unique_ptr<internal::ListenSocket>> Machine::Listen(const std::string& host, uint16_t port,
                                                                            const internal::ListenSettings& settings) {
  using Listening = std::unique_ptr<internal::ListenSocket>;
  if (network_.IsMuted()) {
    auto listener = std::make_unique<SimListener>(*this, 0, Address(host, port, number_), settings);
    listener->Detach();
    return Listening(std::move(listener));
  }
  if (!IsOwn(host)) return internal::IoResult<Listening>::Error(EADDRNOTAVAIL);
  if (port == 0) {
    port = TakeFreePort();
  } else if (IsTaken(host, port, settings)) {
    port = 0;
  }
  if (port == 0) return internal::IoResult<Listening>::Error(EADDRINUSE);
  auto listener =
      std::make_unique<SimListener>(*this, network_.NewStream("listener"), Address(host, port, number_), settings);
  listeners_.push_back(listener.get());
  return Listening(std::move(listener));
}

internal::IoResult<std::unique_ptr<internal::StreamSocket>> Machine::Connect(
    const std::string& host, uint16_t port, const internal::ConnectSettings& settings) {
  using Connecting = std::unique_ptr<internal::StreamSocket>;
  if (network_.IsMuted()) return Connecting(std::make_unique<DeadStream>(internal::JoinHostPort(host, port)));
  const uint32_t to = network_.Find(host, number_);
  if (to == MachineNetwork::kNoMachine) return internal::IoResult<Connecting>::Error(ENETUNREACH);
  const uint16_t local_port = TakeFreePort();
  if (local_port == 0) return internal::IoResult<Connecting>::Error(EADDRNOTAVAIL);
  const bool is_here = IsEverybody() || (to == number_ && host != address_);
  const std::string local_host = !is_here ? address_ : IsV6(host) ? "::1" : "127.0.0.1";
  auto wire = std::make_shared<tcp::Wire>(network_, network_.NewStream("connection"),
                                          Address(local_host, local_port, number_), Address(host, port, to));
  std::unique_ptr<tcp::Stream> stream = wire->Connect(settings);
  if (settings.reset_on_close) stream->ResetOnClose();
  return Connecting(std::move(stream));
}

}  // namespace detent::sim
