// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/network.h"

#include <map>
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
#include "detent/sim/world/network_faults.h"
#include "detent/sim/world/tcp.h"

namespace detent::sim {
namespace {

using tcp::Address;

bool IsOfItself(const std::string& host) {
  return host == "0.0.0.0" || host == "::" || host == "::1" || host.starts_with("127.");
}

// 10.0.0.1 and so on; the first is the test's.
std::string AddressOf(uint32_t number) {
  const uint32_t host = number + 1;
  return absl::StrCat("10.", host >> 16, ".", host >> 8 & 0xff, ".", host & 0xff);
}

class Net final : public SimNetwork, public MachineNetwork, private Patient {
 public:
  Net(EventLoop& loop, Arrivals& arrivals, Faults& faults) : loop_(loop), arrivals_(arrivals), world_faults_(faults) {
    world_faults_.Enrol(*this);
    machines_.push_back(std::make_unique<Machine>(*this, 0, ""));
  }
  ~Net() override {
    world_faults_.Dismiss(*this);
    CutWires();
  }

  Machine& machine(uint32_t number) override { return *machines_[number]; }
  void BeWorld() override {
    machines_.clear();
    AddMachine();
  }
  uint32_t AddMachine() override {
    const auto number = static_cast<uint32_t>(machines_.size());
    machines_.push_back(std::make_unique<Machine>(*this, number, AddressOf(number)));
    by_address_.emplace(machines_.back()->address(), number);
    return number;
  }
  void Kill(uint32_t number) override {
    machines_[number]->DropListeners();
    ForEndsAt(number, &tcp::Wire::Kill);
  }
  void LosePower(uint32_t number) override {
    machines_[number]->TurnOff();
    ForEndsAt(number, &tcp::Wire::Silence);
    machines_[number]->DropListeners();
  }
  void TurnOn(uint32_t number) override {
    if (machines_[number]->IsOn()) return;
    machines_[number]->TurnOn();
    ForEndsAt(number, &tcp::Wire::AnswerAgain);
  }
  void Sent() override { world_faults_.OfferBlow("send"); }

 private:
  void OnHealed() override { ReleaseStalled(); }
  uint32_t Find(const std::string& host, uint32_t from) const override {
    if (machines_[0]->IsEverybody()) return 0;
    if (IsOfItself(host)) return from;
    const auto found = by_address_.find(host);
    return found == by_address_.end() ? kNoMachine : found->second;
  }
  bool IsOn(uint32_t number) const override { return machines_[number]->IsOn(); }
  bool IsMuted() const override {
    for (const internal::Home* home = core().home(); home != nullptr; home = home->maker) {
      if (home->has_ended) return true;
    }
    return false;
  }
  // The test has links that no fault hits, and so is each machine by itself.
  bool IsSpared(const Address& a, const Address& b) const {
    return !machines_[0]->IsEverybody() && (a.machine == b.machine || a.machine == 0 || b.machine == 0);
  }
  internal::LoopCore& core() const override { return loop_.core(); }
  Arrivals& arrivals() const override { return arrivals_; }
  tcp::Course DrawCourse(const Address& from, const Address& to, uint64_t stream, tcp::Message::Kind kind,
                         absl::FunctionRef<std::string()> what) override;
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
  size_t DrawLocalPart(uint64_t stream, size_t size, const std::string& peer) override {
    const bool draws = !core().tearing_down && internal::CurrentCore() == &core();
    return draws ? DrawPart(ChoiceKind::kRead, stream, size, peer) : size;
  }
  uint64_t NextPipe() override { return next_pipe_++; }
  uint64_t NewStream(std::string_view kind) override { return loop_.NewStream(kind); }
  bool DrawFullTable(uint64_t stream, const Address& address) override;
  void SetFaults(NetworkFaults faults) override { faults_ = faults; }
  bool IsListening(const Address& address) const override { return machines_[address.machine]->IsListening(address); }
  void Deliver(const Address& address, std::unique_ptr<tcp::Stream> stream) override {
    machines_[address.machine]->Deliver(address, std::move(stream));
  }

  EventLoop& loop_;
  Arrivals& arrivals_;
  Faults& world_faults_;
  NetworkFaults faults_;
  std::vector<std::unique_ptr<Machine>> machines_;  // By number.
  std::map<std::string, uint32_t> by_address_;
  uint64_t next_pipe_ = 0;
};

tcp::Course Net::DrawCourse(const Address& from, const Address& to, uint64_t stream, tcp::Message::Kind kind,
                            absl::FunctionRef<std::string()> what) {
  using Fate = tcp::Course::Fate;
  // What a program does between two runs, such as dropping a connection, is on no tape.
  if (internal::CurrentCore() != &core()) return tcp::Course();
  if (!world_faults_.May(FaultFamily::kStream) || IsSpared(from, to)) {
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

tcp::Message::Kind Net::DrawAnswer(uint64_t stream, const Address& client, const Address& server) {
  using Kind = tcp::Message::Kind;
  if (Strikes(stream, "connect refused", faults_.refused)) return Kind::kRefused;
  if (Strikes(stream, "connect reset", faults_.reset)) return Kind::kReset;
  if (!world_faults_.May(FaultFamily::kConnect) || IsSpared(client, server)) return Kind::kConnected;
  constexpr FaultFamily kFaults[] = {FaultFamily::kConnect, FaultFamily::kConnect};
  constexpr Kind kAnswers[] = {Kind::kConnected, Kind::kRefused, Kind::kReset};
  return kAnswers[world_faults_.Decide(ChoiceKind::kFault, stream, 1, kFaults, "connect", [&](uint32_t alternative) {
    return absl::StrCat("the connect from ", client.ToString(), " to ", server.ToString(), " is ",
                        alternative == 1 ? "refused" : "reset");
  })];
}

bool Net::DrawFullTable(uint64_t stream, const Address& address) {
  if (Strikes(stream, "too many open files", faults_.no_descriptors)) return true;
  if (!world_faults_.May(FaultFamily::kConnect)) return false;
  constexpr FaultFamily kFaults[] = {FaultFamily::kConnect};
  return world_faults_.Decide(
             ChoiceKind::kFault, HashOf(stream, HashOf("accept")), 1, kFaults, "accept", [&](uint32_t) {
               return absl::StrCat("there is no descriptor for the next connection to ", address.ToString());
             }) != 0;
}

}  // namespace

std::unique_ptr<SimNetwork> MakeSimNetwork(EventLoop& loop, Arrivals& arrivals, Faults& faults) {
  return std::make_unique<Net>(loop, arrivals, faults);
}

}  // namespace detent::sim
