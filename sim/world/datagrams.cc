// SPDX-License-Identifier: Apache-2.0
//
// Invariants.
//   1. A Flight is what is under way: a datagram or a refusal. It is in `flights_` exactly while it is expected
//      (arrivals.h), whatever becomes of its sender.
//   2. Nothing here depends on an address in memory, a hash or a clock: sockets are numbered as they are opened, and
//      looked at in that order.
#include "detent/sim/world/datagrams.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <iterator>
#include <list>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "detent/runtime/choice_kind.h"
#include "detent/sim/world/choices.h"
#include "detent/sim/world/datagram_faults.h"
#include "detent/sim/world/stream_hash.h"

namespace detent::sim {
namespace {

using internal::DatagramSetup;
using internal::IoResult;

constexpr int kFirstFreePort = 49152;
constexpr int kLastPort = 65535;
// A datagram takes no less, moved as it may be.
constexpr absl::Duration kLatencyMin = absl::Microseconds(25);

class SimDatagrams;

class SimDatagram final : public internal::DatagramEnd {
 public:
  SimDatagram(SimDatagrams& datagrams, uint64_t number, uint64_t stream, const Address& local,
              const DatagramSetup& setup)
      : DatagramEnd(local, setup.remote), datagrams_(&datagrams), number_(number), stream_(stream), setup_(setup) {}
  ~SimDatagram() override { Close(); }

  void Close() override;
  IoResult<> Receive(Datagram& received) override;
  IoResult<> Send(std::string_view bytes, const Address& to) override;

  uint64_t number() const { return number_; }
  // The number of the next thing that is sent, by it or to it as a refusal.
  uint64_t CountFlight() { return ++flights_; }
  // Of what it sends.
  uint64_t stream() const { return stream_; }
  bool shares_port() const { return setup_.share_port; }
  // How well it fits what `from` sends to `to`: 0 not at all, more is better.
  int Fits(const Address& from, bool from_anywhere, const Address& to) const;
  // What came: dropped if there is no room.
  void Arrive(const std::string& bytes, const Address& from);
  // Nobody was there.
  void Refuse();
  // What it sent is not under way any more.
  void GiveRoom(size_t size);
  // The world goes.
  void Detach() { datagrams_ = nullptr; }

 private:
  SimDatagrams* datagrams_;  // Null once it is closed.
  const uint64_t number_;
  const uint64_t stream_;
  const DatagramSetup setup_;
  std::deque<Datagram> waiting_;
  size_t bytes_waiting_ = 0;
  size_t bytes_under_way_ = 0;
  bool wants_room_ = false;
  int error_ = 0;  // Of an earlier send, not told yet.
  uint64_t flights_ = 0;
};

// A datagram on its way, perhaps to nowhere, or a refusal on the way back.
class Flight final : public Arrival {
 public:
  enum class Kind : uint8_t { kDatagram, kLost, kRefusal };

  // `number`: of those of its sender.
  Flight(SimDatagrams& datagrams, Kind its_kind, const SimDatagram& its_sender, Address its_from, Address its_to,
         uint64_t number)
      : kind(its_kind),
        sender(its_sender.number()),
        stream(its_sender.stream()),
        from(std::move(its_from)),
        to(std::move(its_to)),
        datagrams_(datagrams),
        number_(number) {}

  void Arrive() override;
  void Drop() override;
  std::string Describe() const override {
    return absl::StrCat(kind == Kind::kRefusal ? "the refusal of a datagram from " : "the datagram from ",
                        from.ToString(), " to ", to.ToString());
  }

  uint64_t Stream() const override { return HashOf(stream, number_); }

  Kind kind;
  const uint64_t sender;  // Its number.
  const uint64_t stream;  // Of all that it sends.
  const Address from;
  const Address to;
  bool from_anywhere = false;  // The sender is bound to every address.
  bool wants_refusal = false;  // The sender is connected.
  size_t in_buffer = 0;        // How much of the sender's buffer it takes.
  std::string bytes;
  std::list<Flight>::iterator place;

 private:
  SimDatagrams& datagrams_;
  const uint64_t number_;
};

class SimDatagrams final : public internal::Datagrams, public FaultyDatagrams {
 public:
  SimDatagrams(EventLoop& loop, Arrivals& arrivals, Faults& faults)
      : loop_(loop), arrivals_(arrivals), world_faults_(faults) {}
  ~SimDatagrams() override {
    for (Flight& flight : flights_) {
      if (flight.IsExpected()) arrivals_.Remove(flight);
    }
    for (const auto& [number, socket] : sockets_) socket->Detach();
  }

  IoResult<std::unique_ptr<internal::DatagramEnd>> Open(const DatagramSetup& setup) override;
  void SetFaults(DatagramFaults faults) override { faults_ = faults; }

  void Forget(uint64_t number) { sockets_.erase(number); }
  // Sends, or loses, and perhaps twice. What is under way counts in the sender's buffer.
  void Send(SimDatagram& sender, std::string_view bytes, const Address& to);
  void Land(Flight& flight);
  void Forget(Flight& flight) { flights_.erase(flight.place); }

 private:
  Flight& AddFlight(Flight::Kind kind, SimDatagram& sender, const Address& to);
  enum class Fate : uint8_t { kComes, kLost, kTwice };
  Fate Start(Flight& flight);
  // Gives it to whoever it is for; false if there is nobody.
  bool Deliver(const Flight& flight);
  // Null if it is closed.
  SimDatagram* Find(uint64_t number) const {
    const auto found = sockets_.find(number);
    return found == sockets_.end() ? nullptr : found->second;
  }
  bool IsTaken(const Address& local, bool share_port) const;
  // 0 if there is none.
  int TakeFreePort(const Address& local);
  // What cannot strike is no choice, and what a program does between two runs is on no tape.
  bool Strikes(uint64_t stream, std::string_view name, double probability) {
    return probability > 0 && IsInRun() && loop_.DrawFaultInWorld(stream, name, probability);
  }
  bool IsInRun() const { return internal::CurrentCore() == &loop_.core(); }

  EventLoop& loop_;
  Arrivals& arrivals_;
  Faults& world_faults_;
  DatagramFaults faults_;
  std::map<uint64_t, SimDatagram*> sockets_;
  std::list<Flight> flights_;
  uint64_t next_number_ = 1;
  int next_port_ = kFirstFreePort;
};

// --- A socket ---

void SimDatagram::Close() {
  if (datagrams_ == nullptr) return;
  std::exchange(datagrams_, nullptr)->Forget(number_);
  waiting_.clear();
}

IoResult<> SimDatagram::Receive(Datagram& received) {
  if (datagrams_ == nullptr) return IoResult<>::Error(EBADF);
  // As Linux: the error first.
  if (error_ != 0) return IoResult<>::Error(std::exchange(error_, 0));
  if (waiting_.empty()) return IoResult<>::WouldBlock();
  received = std::move(waiting_.front());
  waiting_.pop_front();
  bytes_waiting_ -= received.bytes().size();
  return IoResult<>();
}

IoResult<> SimDatagram::Send(std::string_view bytes, const Address& to) {
  if (datagrams_ == nullptr) return IoResult<>::Error(EBADF);
  if (error_ != 0) return IoResult<>::Error(std::exchange(error_, 0));
  if (bytes.size() > kDatagramMax) return IoResult<>::Error(EMSGSIZE);
  const Address& target = IsConnected() ? remote() : to;
  if (target.family() == AddressFamily::kIpv6 && local().family() == AddressFamily::kIpv4) {
    return IoResult<>::Error(EAFNOSUPPORT);
  }
  if (target.IsBroadcast() && !setup_.broadcast) return IoResult<>::Error(EACCES);
  if (bytes_under_way_ > 0 && bytes_under_way_ + bytes.size() > kDatagramBytesMax) {
    wants_room_ = true;
    return IoResult<>::WouldBlock();
  }
  bytes_under_way_ += bytes.size();
  datagrams_->Send(*this, bytes, target);
  return IoResult<>();
}

int SimDatagram::Fits(const Address& from, bool from_anywhere, const Address& to) const {
  if (to.Port() != local().Port()) return 0;
  const bool is_peer = IsConnected() && remote().Port() == from.Port() && (from_anywhere || remote() == from);
  if (IsConnected() && !is_peer) return 0;
  if (to.IsBroadcast()) return local().IsWildcard() ? 1 : 0;
  const bool is_local = local() == to;
  if (to.IsMulticast()) {
    const bool joined = setup_.group.has_value() && setup_.group->WithPort(to.Port()) == to;
    return joined && (is_local || local().IsWildcard()) ? 1 : 0;
  }
  // An IPv4 socket gets nothing that was sent to an IPv6 address.
  const bool is_open =
      local().IsWildcard() && (local().family() == AddressFamily::kIpv6 || to.family() != AddressFamily::kIpv6);
  if (!is_local && !is_open) return 0;
  return 1 + (is_local ? 1 : 0) + (is_peer ? 2 : 0);
}

void SimDatagram::Arrive(const std::string& bytes, const Address& from) {
  const size_t size = std::min(bytes.size(), setup_.size_max);
  if (waiting_.size() == kDatagramsWaitingMax || bytes_waiting_ + size > kDatagramBytesMax) return;
  waiting_.emplace_back(bytes.substr(0, size), IsConnected() ? remote() : from, size < bytes.size());
  bytes_waiting_ += size;
  TellReadable();
}

void SimDatagram::Refuse() {
  error_ = ECONNREFUSED;
  TellReadable();
  TellWritable();
}

void SimDatagram::GiveRoom(size_t size) {
  bytes_under_way_ -= size;
  if (std::exchange(wants_room_, false)) TellWritable();
}

// --- What is under way ---

void Flight::Arrive() { datagrams_.Land(*this); }
void Flight::Drop() { datagrams_.Forget(*this); }

Flight& SimDatagrams::AddFlight(Flight::Kind kind, SimDatagram& sender, const Address& to) {
  Address from = sender.local();
  if (from.IsWildcard()) {
    const char* const loopback = to.family() == AddressFamily::kIpv6 ? "::1" : "127.0.0.1";
    from = Address::FromHost(loopback, from.Port()).value();
  }
  Flight& flight = flights_.emplace_back(*this, kind, sender, std::move(from), to, sender.CountFlight());
  flight.place = std::prev(flights_.end());
  return flight;
}

// Whether it is lost or comes twice is the same choice as how long it takes.
SimDatagrams::Fate SimDatagrams::Start(Flight& flight) {
  const LoopTime now = loop_.core().now;
  Fate fate = Fate::kComes;
  uint32_t doublings = 0;
  if (IsInRun() && flight.kind == Flight::Kind::kDatagram && world_faults_.May(FaultFamily::kDatagram)) {
    constexpr FaultFamily kFaults[] = {FaultFamily::kDatagram, FaultFamily::kDatagram};
    constexpr uint32_t kCalm = 1 + kDoublings;
    doublings = world_faults_.Decide(ChoiceKind::kLatency, flight.stream, kCalm, kFaults, "datagram",
                                     [&flight](uint32_t alternative) {
                                       if (alternative < kCalm)
                                         return WordsOfDelay(flight.Describe(), alternative, Calm::kDelays);
                                       return flight.Describe() + (alternative == kCalm ? " is lost" : " comes twice");
                                     });
    if (doublings >= kCalm) fate = doublings == kCalm ? Fate::kLost : Fate::kTwice;
    if (fate != Fate::kComes) doublings = 0;
  } else if (IsInRun()) {
    doublings = ChooseDoublings(loop_, ChoiceKind::kLatency, flight.stream, Calm::kDelays,
                                [&flight] { return flight.Describe(); });
  }
  if (fate == Fate::kLost) flight.kind = Flight::Kind::kLost;
  arrivals_.Add(flight, now + kDelay * (1 << doublings), Range(now + kLatencyMin, now + kDelayMax));
  return fate;
}

void SimDatagrams::Send(SimDatagram& sender, std::string_view bytes, const Address& to) {
  // A loop that is torn down makes no more choices.
  if (loop_.core().tearing_down) return;
  const bool lost = Strikes(sender.stream(), "datagram lost", faults_.lost);
  int count = !lost && Strikes(sender.stream(), "datagram twice", faults_.twice) ? 2 : 1;
  for (int i = 0; i < count; ++i) {
    Flight& flight = AddFlight(lost ? Flight::Kind::kLost : Flight::Kind::kDatagram, sender, to);
    flight.from_anywhere = sender.local().IsWildcard();
    flight.wants_refusal = sender.IsConnected();
    flight.in_buffer = i == 0 ? bytes.size() : 0;
    flight.bytes = bytes;
    if (Start(flight) == Fate::kTwice) count = 2;
  }
}

void SimDatagrams::Land(Flight& flight) {
  SimDatagram* const sender = Find(flight.sender);
  switch (flight.kind) {
    case Flight::Kind::kLost:
      break;
    case Flight::Kind::kDatagram:
      if (!Deliver(flight) && flight.wants_refusal && sender != nullptr) {
        Start(AddFlight(Flight::Kind::kRefusal, *sender, flight.to));
      }
      break;
    case Flight::Kind::kRefusal:
      if (sender != nullptr) sender->Refuse();
      break;
  }
  if (sender != nullptr && flight.in_buffer > 0) sender->GiveRoom(flight.in_buffer);
  Forget(flight);
}

bool SimDatagrams::Deliver(const Flight& flight) {
  const bool to_all = flight.to.IsMulticast() || flight.to.IsBroadcast();
  SimDatagram* best = nullptr;
  int best_fit = 0;
  for (const auto& [number, socket] : sockets_) {
    const int fit = socket->Fits(flight.from, flight.from_anywhere, flight.to);
    if (fit > 0 && to_all) socket->Arrive(flight.bytes, flight.from);
    if (fit < best_fit || fit == 0) continue;
    best = socket;  // Of equal ones the latest, as in Linux.
    best_fit = fit;
  }
  if (best != nullptr && !to_all) best->Arrive(flight.bytes, flight.from);
  return best != nullptr || to_all;
}

// --- Opening ---

bool SimDatagrams::IsTaken(const Address& local, bool share_port) const {
  for (const auto& [number, socket] : sockets_) {
    const Address& other = socket->local();
    if (other.Port() != local.Port() || (share_port && socket->shares_port())) continue;
    if (other == local || other.IsWildcard() || local.IsWildcard()) return true;
  }
  return false;
}

int SimDatagrams::TakeFreePort(const Address& local) {
  for (int tries = 0; tries <= kLastPort - kFirstFreePort; ++tries) {
    const int port = next_port_;
    next_port_ = port == kLastPort ? kFirstFreePort : port + 1;
    if (!IsTaken(local.WithPort(port), false)) return port;
  }
  return 0;
}

IoResult<std::unique_ptr<internal::DatagramEnd>> SimDatagrams::Open(const DatagramSetup& setup) {
  using Opened = std::unique_ptr<internal::DatagramEnd>;
  Address local = setup.local;
  if (local.Port() == 0) {
    local = local.WithPort(TakeFreePort(local));
  } else if (IsTaken(local, setup.share_port)) {
    local = local.WithPort(0);
  }
  if (local.Port() == 0) return IoResult<Opened>::Error(EADDRINUSE);
  // The system takes the address by which it would send.
  if (local.IsWildcard() && setup.remote.family() != AddressFamily::kAny) {
    local =
        Address::FromHost(setup.remote.family() == AddressFamily::kIpv6 ? "::1" : "127.0.0.1", local.Port()).value();
  }
  auto socket = std::make_unique<SimDatagram>(*this, next_number_++, loop_.NewStream("datagrams"), local, setup);
  sockets_.emplace(socket->number(), socket.get());
  return Opened(std::move(socket));
}

}  // namespace

std::unique_ptr<internal::Datagrams> MakeSimDatagrams(EventLoop& loop, Arrivals& arrivals, Faults& faults) {
  return std::make_unique<SimDatagrams>(loop, arrivals, faults);
}

}  // namespace detent::sim
