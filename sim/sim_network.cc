// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/sim_network.h"

#include <cerrno>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "detent/runtime/internal/choice_kind.h"
#include "detent/sim/sim_tcp.h"

namespace detent::sim {
namespace {

using tcp::Address;

constexpr absl::Duration kLatencyMin = absl::Microseconds(50);
constexpr uint32_t kLatencies = 8;
constexpr uint16_t kFirstFreePort = 49152;
constexpr uint16_t kLastPort = 65535;

class SimNetwork;

bool IsWildcard(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

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
    std::unique_ptr<tcp::Stream> next = std::move(waiting_.front());
    waiting_.pop_front();
    return next;
  }

  void Add(std::unique_ptr<tcp::Stream> stream) {
    waiting_.push_back(std::move(stream));
    if (observer_ != nullptr) observer_->OnReadable();
  }
  // The network goes.
  void Detach() {
    network_ = nullptr;
    waiting_.clear();
  }

 private:
  SimNetwork* network_;  // Null once either is closed.
  Address address_;
  std::deque<std::unique_ptr<tcp::Stream>> waiting_;
};

class SimNetwork final : public internal::Network, public tcp::Fabric {
 public:
  explicit SimNetwork(EventLoop& loop) : loop_(loop) {}
  ~SimNetwork() override {
    CutWires();
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

  void Forget(const Address& listening) { listeners_.erase(Place(listening.port, listening.host)); }

 private:
  using Place = std::pair<uint16_t, std::string>;

  internal::LoopCore& core() const override { return loop_.core(); }
  absl::Duration DrawLatency() override {
    // What a program does between two runs, such as dropping a connection, is on no tape.
    const bool in_run = internal::CurrentCore() == &core();
    return kLatencyMin * (1 << (in_run ? loop_.ChooseFor(internal::ChoiceKind::kLatency, kLatencies) : 0));
  }
  uint64_t NextPipe() override { return next_pipe_++; }
  bool IsListening(const Address& address) const override { return ListenerAt(address) != nullptr; }
  void Deliver(const Address& address, std::unique_ptr<tcp::Stream> stream) override {
    ListenerAt(address)->Add(std::move(stream));
  }

  // Null if nobody listens.
  SimListener* ListenerAt(const Address& address) const;
  bool IsTaken(const std::string& host, uint16_t port) const;
  // 0 if there is none.
  uint16_t TakeFreePort();

  EventLoop& loop_;
  std::map<Place, SimListener*> listeners_;
  uint16_t next_port_ = kFirstFreePort;
  uint64_t next_pipe_ = 0;
};

void SimListener::Close() {
  if (network_ == nullptr) return;
  std::exchange(network_, nullptr)->Forget(address_);
  for (const std::unique_ptr<tcp::Stream>& stream : waiting_) stream->Abort();
  waiting_.clear();
}

SimListener* SimNetwork::ListenerAt(const Address& address) const {
  for (const std::string& host : {address.host, std::string("0.0.0.0"), std::string("::")}) {
    const auto found = listeners_.find(Place(address.port, host));
    if (found != listeners_.end()) return found->second;
  }
  return nullptr;
}

bool SimNetwork::IsTaken(const std::string& host, uint16_t port) const {
  for (auto each = listeners_.lower_bound(Place(port, "")); each != listeners_.end(); ++each) {
    const auto& [other_port, other_host] = each->first;
    if (other_port != port) break;
    if (other_host == host || IsWildcard(other_host) || IsWildcard(host)) return true;
  }
  return false;
}

uint16_t SimNetwork::TakeFreePort() {
  for (int tries = 0; tries <= kLastPort - kFirstFreePort; ++tries) {
    const uint16_t port = next_port_;
    next_port_ = port == kLastPort ? kFirstFreePort : port + 1;
    if (!IsTaken("0.0.0.0", port)) return port;
  }
  return 0;
}

std::unique_ptr<internal::ListenSocket> SimNetwork::Listen(const std::string& host, uint16_t port, int, int* error) {
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
  return std::make_shared<tcp::Wire>(*this, Address(local_host, local_port), Address(host, port))->Connect();
}

}  // namespace

std::unique_ptr<internal::Network> MakeSimNetwork(EventLoop& loop) { return std::make_unique<SimNetwork>(loop); }

}  // namespace detent::sim
