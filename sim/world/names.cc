// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/names.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "detent/runtime/choice_kind.h"
#include "detent/sim/world/choices.h"
#include "detent/sim/world/name_faults.h"

namespace detent::sim {
namespace {

constexpr absl::Duration kSlow = absl::Seconds(5);
constexpr absl::Duration kTimeOut = absl::Seconds(20);

// How a look-up will end, and when.
class Course {
 public:
  Course(internal::NamesFound its_end, absl::Duration its_delay) : end(std::move(its_end)), delay(its_delay) {}

  internal::NamesFound end;
  absl::Duration delay;
};

class SimLookUp final : public internal::NameLookUp, public Arrival {
 public:
  SimLookUp(Arrivals& arrivals, std::string host, uint64_t stream)
      : NameLookUp(std::move(host)), arrivals_(arrivals), stream_(stream) {}
  ~SimLookUp() override {
    if (IsExpected()) arrivals_.Remove(*this);
  }

  void Start(LoopTime now, Course course) {
    course_end_ = std::move(course.end);
    const bool may_move = course.delay <= kDelayMax;
    const LoopTime when = now + course.delay;
    arrivals_.Add(*this, when, may_move ? Range(now + kDelay / 2, now + kDelayMax) : Range(when, when));
  }

  void Arrive() override { Finish(std::move(course_end_)); }
  void Drop() override {}
  std::string Describe() const override { return absl::StrCat("the look-up of ", host()); }
  uint64_t Stream() const override { return stream_; }

 private:
  Arrivals& arrivals_;
  const uint64_t stream_;
  internal::NamesFound course_end_;
};

class SimNames final : public internal::Names, public NameTable, public HostNames {
 public:
  SimNames(EventLoop& loop, Arrivals& arrivals, Faults& faults)
      : loop_(loop), arrivals_(arrivals), world_faults_(faults) {}

  std::unique_ptr<internal::NameLookUp> LookUp(std::string host) override;

  void SetFaults(NameFaults faults) override { faults_ = faults; }
  void SetHost(std::string name, Address address) override { hosts_.emplace(std::move(name), std::move(address)); }
  void SetAddresses(std::string_view name, std::vector<Address> addresses) override {
    table_[std::string(name)] = std::move(addresses);
  }

 private:
  using Addresses = std::vector<Address>;

  Course DrawCourse(const std::string& host, uint64_t stream, const Addresses* listed);
  // In the order of severity.
  enum class Trouble : uint8_t { kNone, kSlow, kFails, kTimesOut };
  Trouble DrawTrouble(const std::string& host, uint64_t stream);
  // What cannot strike is no choice.
  bool Strikes(uint64_t stream, std::string_view name, double probability) {
    return probability > 0 && loop_.DrawFaultInWorld(stream, name, probability);
  }

  EventLoop& loop_;
  Arrivals& arrivals_;
  Faults& world_faults_;
  NameFaults faults_;
  // What a name that is in no table has.
  internal::NamesFound FindHost(const std::string& name) const {
    const auto found = hosts_.find(name);
    if (found != hosts_.end()) return internal::NamesFound({found->second});
    if (hosts_.empty()) return internal::NamesFound({Address::Named(name, 0)});
    return internal::NamesFound(internal::kNameNotFound, "Name or service not known");
  }
  std::map<std::string, Addresses> table_;
  std::map<std::string, Address> hosts_;
};

std::unique_ptr<internal::NameLookUp> SimNames::LookUp(std::string host) {
  const uint64_t stream = loop_.NewStream("look-up");
  auto look_up = std::make_unique<SimLookUp>(arrivals_, host, stream);
  const auto listed = table_.find(host);
  if (listed == table_.end() && host == "localhost") {
    look_up->Finish(internal::NamesFound({Address::Ipv4({127, 0, 0, 1}, 0)}));
    return look_up;
  }
  Course course = DrawCourse(host, stream, listed == table_.end() ? nullptr : &listed->second);
  if (course.delay == absl::ZeroDuration()) {
    look_up->Finish(std::move(course.end));
  } else {
    look_up->Start(loop_.core().now, std::move(course));
  }
  return look_up;
}

SimNames::Trouble SimNames::DrawTrouble(const std::string& host, uint64_t stream) {
  if (!world_faults_.May(FaultFamily::kName)) return Trouble::kNone;
  constexpr FaultFamily kFaults[] = {FaultFamily::kName, FaultFamily::kName, FaultFamily::kName};
  return static_cast<Trouble>(
      world_faults_.Decide(ChoiceKind::kFault, stream, 1, kFaults, "look-up", [&](uint32_t alternative) {
        const char* const words[] = {"", "takes 5s", "fails for now", "times out after 20s"};
        return absl::StrCat("the look-up of ", host, " ", words[alternative]);
      }));
}

Course SimNames::DrawCourse(const std::string& host, uint64_t stream, const Addresses* listed) {
  using internal::NamesFound;
  // In the words of a system's resolver.
  if (Strikes(stream, "look-up timed out", faults_.timed_out)) {
    return Course(NamesFound(internal::kNameTemporaryFailure, "Temporary failure in name resolution"), kTimeOut);
  }
  if (Strikes(stream, "name not found", faults_.not_found)) {
    return Course(NamesFound(internal::kNameNotFound, "Name or service not known"), kDelay);
  }
  if (Strikes(stream, "look-up failed", faults_.temporary)) {
    return Course(NamesFound(internal::kNameTemporaryFailure, "Temporary failure in name resolution"), kDelay);
  }
  const Trouble trouble = DrawTrouble(host, stream);
  if (trouble == Trouble::kFails || trouble == Trouble::kTimesOut) {
    return Course(NamesFound(internal::kNameTemporaryFailure, "Temporary failure in name resolution"),
                  trouble == Trouble::kFails ? kDelay : kTimeOut);
  }
  const bool slow = trouble == Trouble::kSlow || Strikes(stream, "slow look-up", faults_.slow);
  if (listed == nullptr) return Course(FindHost(host), slow ? kSlow : absl::ZeroDuration());
  const absl::Duration delay =
      slow ? kSlow : kDelay * (1 << ChooseDoublings(loop_, ChoiceKind::kName, stream, Calm::kDelays, [&host] {
                                 return absl::StrCat("the look-up of ", host);
                               }));
  Addresses addresses = *listed;
  const uint32_t first = loop_.ChooseInWorld(ChoiceKind::kName, stream, static_cast<uint32_t>(addresses.size()), [&] {
    std::string words;
    for (size_t i = 1; i < addresses.size(); ++i) {
      absl::StrAppend(&words, "the look-up of ", host, " gives ", addresses[i].Host(), " first instead of ",
                      addresses[0].Host(), "\n");
    }
    return words;
  });
  std::rotate(addresses.begin(), addresses.begin() + first, addresses.begin() + first + 1);
  return Course(NamesFound(std::move(addresses)), delay);
}

}  // namespace

std::unique_ptr<internal::Names> MakeSimNames(EventLoop& loop, Arrivals& arrivals, Faults& faults) {
  return std::make_unique<SimNames>(loop, arrivals, faults);
}

}  // namespace detent::sim
