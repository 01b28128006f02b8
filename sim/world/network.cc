// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/network.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "detent/runtime/choice_kind.h"
#include "detent/sim/world/choices.h"
#include "detent/sim/world/local_sockets.h"
#include "detent/sim/world/network_faults.h"
#include "detent/sim/world/tcp.h"

namespace detent::sim {
namespace {

using tcp::Address;

constexpr uint16_t kFirstFreePort = 49152;
constexpr uint16_t kLastPort = 65535;

class SimNetwork;

bool IsV6(const std::string& host) { return host.find(':') != std::string::npos; }
bool IsWildcard(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

class SimListener final : public internal::ListenSocket {
 public:
  SimListener(SimNetwork& network, uint64_t stream, Address address, const internal::ListenSettings& settings)
      : network_(&network), stream_(stream), address_(std::move(address)), settings_(settings) {}
  ~SimListener() override { Close(); }

  void Close() override;
  std::string LocalAddress() const override { return address_.ToString(); }
  uint16_t LocalPort() const override { return address_.port; }

  internal::IoResult<std::unique_ptr<internal::StreamSocket>> Accept() override {
    using Result = internal::IoResult<std::unique_ptr<internal::StreamSocket>>;
    if (waiting_.empty()) return Result::Error(network_ == nullptr ? EBADF : EAGAIN);
    return TakeNext();
  }

  const Address& address() const { return address_; }
  // Whether it takes what comes to `host`, if it is a wildcard: "::" may be for IPv6 only.
  bool Covers(const std::string& host) const { return !settings_.only_v6 || !IsV6(address_.host) || IsV6(host); }
  bool SharesPort() const { return settings_.reuse_port; }

  void Add(std::unique_ptr<tcp::Stream> stream) {
    if (settings_.reset_on_close) stream->ResetOnClose();
    waiting_.push_back(std::move(stream));
    if (observer_ != nullptr) observer_->OnReadable();
  }
  // The network goes.
  void Detach() {
    network_ = nullptr;
    waiting_.clear();
  }

 private:
  // REQUIRES: somebody waits to be accepted.
  internal::IoResult<std::unique_ptr<internal::StreamSocket>> TakeNext();

  SimNetwork* network_;  // Null once either is closed.
  const uint64_t stream_;
  Address address_;
  const internal::ListenSettings settings_;
  std::deque<std::unique_ptr<tcp::Stream>> waiting_;
};

class SimNetwork final : public internal::Network, public tcp::Fabric, public FaultyNetwork, private Patient {
 public:
  SimNetwork(EventLoop& loop, Arrivals& arrivals, Faults& faults)
      : loop_(loop), arrivals_(arrivals), world_faults_(faults) {
    world_faults_.Enrol(*this);
  }
  ~SimNetwork() override {
    world_faults_.Dismiss(*this);
    CutWires();
    for (SimListener* const listener : listeners_) listener->Detach();
  }

  internal::IoResult<std::unique_ptr<internal::ListenSocket>> Listen(const std::string& host, uint16_t port,
                                                                     const internal::ListenSettings& settings) override;
  internal::IoResult<std::unique_ptr<internal::StreamSocket>> Connect(
      const std::string& host, uint16_t port, const internal::ConnectSettings& settings) override;
  internal::IoResult<std::unique_ptr<internal::ListenSocket>> ListenUnix(
      const std::string& path, const internal::ListenSettings& settings) override {
    return local_.Listen(path, settings);
  }
  internal::IoResult<std::unique_ptr<internal::StreamSocket>> ConnectUnix(const std::string& path) override {
    return local_.Connect(path);
  }
  internal::IoResult<Streams> MakePair(bool one_way) override { return local_.MakePair(one_way); }

  void SetFaults(NetworkFaults faults) override { faults_ = faults; }
  bool DrawFullTable(uint64_t stream, const Address& address);
  void Sent() override { world_faults_.OfferBlow("send"); }
  void OnHealed() override { ReleaseStalled(); }

  void Forget(SimListener* listener) { std::erase(listeners_, listener); }

 private:
  internal::LoopCore& core() const override { return loop_.core(); }
  Arrivals& arrivals() const override { return arrivals_; }
  tcp::Course DrawCourse(uint64_t stream, tcp::Message::Kind kind, absl::FunctionRef<std::string()> what) override;
  size_t DrawPart(ChoiceKind kind, uint64_t stream, size_t size, const std::string& peer) override {
    return ChoosePart(loop_, kind, stream, size, [&](size_t part) {
      if (kind == ChoiceKind::kRead) return WordsOfRead(part, size, peer);
      return absl::StrCat("a write to ", peer, " is taken in two parts, first ", part, " of its ", size, " bytes");
    });
  }
  tcp::Message::Kind DrawAnswer(uint64_t stream, const Address& client, const Address& server) override;
  // What cannot strike is no choice.
  bool Strikes(uint64_t stream, std::string_view name, double probability) {
    return probability > 0 && core().owner().DrawFaultInWorld(stream, name, probability);
  }
  size_t DrawLocalPart(uint64_t stream, size_t size, const std::string& peer) {
    const bool draws = !core().tearing_down && internal::CurrentCore() == &core();
    return draws ? DrawPart(ChoiceKind::kRead, stream, size, peer) : size;
  }
  uint64_t NextPipe() override { return next_pipe_++; }
  uint64_t NewStream(std::string_view kind) { return loop_.NewStream(kind); }
  bool IsListening(const Address& address) const override { return ListenerAt(address) != nullptr; }
  void Deliver(const Address& address, std::unique_ptr<tcp::Stream> stream) override {
    SimListener* const listener = ListenerAt(address);
    listener->Add(std::move(stream));
    // Those that share a port take turns.
    std::erase(listeners_, listener);
    listeners_.push_back(listener);
  }

  // Null if nobody listens.
  SimListener* ListenerAt(const Address& address) const;
  bool IsTaken(const std::string& host, uint16_t port, const internal::ListenSettings& settings) const;
  // 0 if there is none.
  uint16_t TakeFreePort();

  EventLoop& loop_;
  Arrivals& arrivals_;
  Faults& world_faults_;
  NetworkFaults faults_;
  std::vector<SimListener*> listeners_;  // Of those at one address, whose turn comes first stands first.
  LocalSockets local_{
      [this](uint64_t stream, size_t size, const std::string& peer) { return DrawLocalPart(stream, size, peer); },
      [this] { return NewStream("local socket"); }};
  uint16_t next_port_ = kFirstFreePort;
  uint64_t next_pipe_ = 0;
};

tcp::Course SimNetwork::DrawCourse(uint64_t stream, tcp::Message::Kind kind, absl::FunctionRef<std::string()> what) {
  using Fate = tcp::Course::Fate;
  // What a program does between two runs, such as dropping a connection, is on no tape.
  if (internal::CurrentCore() != &core()) return tcp::Course();
  if (!world_faults_.May(FaultFamily::kStream)) {
    return tcp::Course(Fate::kComes,
                       kDelay * (1 << ChooseDoublings(loop_, ChoiceKind::kLatency, stream, Calm::kDelays, what)));
  }
  constexpr FaultFamily kFaults[] = {FaultFamily::kStream, FaultFamily::kStream, FaultFamily::kStream};
  constexpr absl::Duration kSentAgain = absl::Seconds(1);
  constexpr absl::Duration kStall = absl::Seconds(15);
  constexpr uint32_t kCalm = 1 + kDoublings;
  // Only what stands is reset; the last of the faults is left out for the others.
  const bool stands = tcp::Message::IsOfStream(kind);
  const uint32_t choice = world_faults_.Decide(
      ChoiceKind::kLatency, stream, kCalm, std::span(kFaults).first(stands ? 3 : 2), stands ? "message" : "handshake",
      [&](uint32_t alternative) {
        if (alternative < kCalm) return WordsOfDelay(what(), alternative, Calm::kDelays);
        if (alternative == kCalm + 2) return absl::StrCat(what(), " is lost, and the connection reset");
        return absl::StrCat(
            what(), alternative == kCalm ? " is lost, and sent again after " : " is held up by the network for ",
            absl::FormatDuration(alternative == kCalm ? kSentAgain : kStall));
      });
  if (choice < kCalm) return tcp::Course(Fate::kComes, kDelay * (1 << choice));
  if (choice == kCalm + 2) return tcp::Course(Fate::kReset, kDelay);
  return tcp::Course(Fate::kStalls, choice == kCalm ? kSentAgain : kStall);
}

tcp::Message::Kind SimNetwork::DrawAnswer(uint64_t stream, const Address& client, const Address& server) {
  using Kind = tcp::Message::Kind;
  if (Strikes(stream, "connect refused", faults_.refused)) return Kind::kRefused;
  if (Strikes(stream, "connect reset", faults_.reset)) return Kind::kReset;
  if (!world_faults_.May(FaultFamily::kConnect)) return Kind::kConnected;
  constexpr FaultFamily kFaults[] = {FaultFamily::kConnect, FaultFamily::kConnect};
  constexpr Kind kAnswers[] = {Kind::kConnected, Kind::kRefused, Kind::kReset};
  return kAnswers[world_faults_.Decide(ChoiceKind::kFault, stream, 1, kFaults, "connect", [&](uint32_t alternative) {
    return absl::StrCat("the connect from ", client.ToString(), " to ", server.ToString(), " is ",
                        alternative == 1 ? "refused" : "reset");
  })];
}

bool SimNetwork::DrawFullTable(uint64_t stream, const Address& address) {
  if (Strikes(stream, "too many open files", faults_.no_descriptors)) return true;
  if (!world_faults_.May(FaultFamily::kConnect)) return false;
  constexpr FaultFamily kFaults[] = {FaultFamily::kConnect};
  return world_faults_.Decide(
             ChoiceKind::kFault, HashOf(stream, HashOf("accept")), 1, kFaults, "accept", [&](uint32_t) {
               return absl::StrCat("there is no descriptor for the next connection to ", address.ToString());
             }) != 0;
}

void SimListener::Close() {
  if (network_ == nullptr) return;
  std::exchange(network_, nullptr)->Forget(this);
  for (const std::unique_ptr<tcp::Stream>& stream : waiting_) stream->Abort();
  waiting_.clear();
}

internal::IoResult<std::unique_ptr<internal::StreamSocket>> SimListener::TakeNext() {
  // As Linux: who could not be accepted waits on.
  if (network_ != nullptr && network_->DrawFullTable(stream_, address_))
    return internal::IoResult<std::unique_ptr<internal::StreamSocket>>::Error(EMFILE);
  std::unique_ptr<internal::StreamSocket> next = std::move(waiting_.front());
  waiting_.pop_front();
  return next;
}

SimListener* SimNetwork::ListenerAt(const Address& address) const {
  for (const std::string& host : {address.host, std::string("0.0.0.0"), std::string("::")}) {
    for (SimListener* const each : listeners_) {
      if (each->address().port == address.port && each->address().host == host && each->Covers(address.host)) {
        return each;
      }
    }
  }
  return nullptr;
}

bool SimNetwork::IsTaken(const std::string& host, uint16_t port, const internal::ListenSettings& settings) const {
  return std::any_of(listeners_.begin(), listeners_.end(), [&](const SimListener* other) {
    const std::string& other_host = other->address().host;
    if (other->address().port != port || (settings.reuse_port && other->SharesPort())) return false;
    if (settings.only_v6 && IsV6(host) && !IsV6(other_host)) return false;
    return other_host == host || ((IsWildcard(other_host) || IsWildcard(host)) && other->Covers(host));
  });
}

uint16_t SimNetwork::TakeFreePort() {
  for (int tries = 0; tries <= kLastPort - kFirstFreePort; ++tries) {
    const uint16_t port = next_port_;
    next_port_ = port == kLastPort ? kFirstFreePort : port + 1;
    if (!IsTaken("0.0.0.0", port, internal::ListenSettings())) return port;
  }
  return 0;
}

internal::IoResult<std::unique_ptr<internal::ListenSocket>> SimNetwork::Listen(
    const std::string& host, uint16_t port, const internal::ListenSettings& settings) {
  using Listening = std::unique_ptr<internal::ListenSocket>;
  if (port == 0) {
    port = TakeFreePort();
  } else if (IsTaken(host, port, settings)) {
    port = 0;
  }
  if (port == 0) return internal::IoResult<Listening>::Error(EADDRINUSE);
  auto listener = std::make_unique<SimListener>(*this, NewStream("listener"), Address(host, port), settings);
  listeners_.push_back(listener.get());
  return Listening(std::move(listener));
}

internal::IoResult<std::unique_ptr<internal::StreamSocket>> SimNetwork::Connect(
    const std::string& host, uint16_t port, const internal::ConnectSettings& settings) {
  using Connecting = std::unique_ptr<internal::StreamSocket>;
  const uint16_t local_port = TakeFreePort();
  if (local_port == 0) return internal::IoResult<Connecting>::Error(EADDRNOTAVAIL);
  const char* local_host = host.find(':') == std::string::npos ? "127.0.0.1" : "::1";
  auto wire =
      std::make_shared<tcp::Wire>(*this, NewStream("connection"), Address(local_host, local_port), Address(host, port));
  std::unique_ptr<tcp::Stream> stream = wire->Connect();
  if (settings.reset_on_close) stream->ResetOnClose();
  return Connecting(std::move(stream));
}

}  // namespace

std::unique_ptr<internal::Network> MakeSimNetwork(EventLoop& loop, Arrivals& arrivals, Faults& faults) {
  return std::make_unique<SimNetwork>(loop, arrivals, faults);
}

}  // namespace detent::sim
