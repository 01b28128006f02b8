// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/blows.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "detent/runtime/internal/home.h"
#include "detent/sim/world/stream_hash.h"

namespace detent::sim {
namespace {

constexpr absl::Duration kDown = absl::Seconds(1);
constexpr uint32_t kDownDoublings = 6;
// In the order of severity.
constexpr FaultFamily kBlows[] = {FaultFamily::kPause, FaultFamily::kKill, FaultFamily::kPowerOff};
constexpr const char* kVerbs[] = {"", " stands still", " is killed", " fails"};

}  // namespace

class Blows::Return final : public Arrival {
 public:
  Return(Blows& blows, Host& host, uint64_t stream) : blows_(blows), host_(host), stream_(stream) {}

  void Arrive() override {
    Host& host = host_;
    blows_.ground_.core().EnterHome(nullptr);  // Between two steps: that of the last one may be a dead one's.
    Drop();
    if (host.IsTakenDown()) host.Boot();  // Not if the test was quicker, and its program has come to its end.
    host.Resume();
  }
  void Drop() override { blows_.returns_.erase(place); }
  std::string Describe() const override { return absl::StrCat("the return of ", host_.name()); }
  uint64_t Stream() const override { return stream_; }

  std::list<Return>::iterator place;

 private:
  Blows& blows_;
  Host& host_;
  const uint64_t stream_;
};

Blows::Blows(Victims& hosts, const Ground& ground, uint32_t down_max)
    : hosts_(hosts), ground_(ground), down_max_(down_max) {
  ground_.faults->Enrol(*this);
  ground_.faults->SetStruck(this);
}

Blows::~Blows() {
  ground_.faults->SetStruck(nullptr);
  ground_.faults->Dismiss(*this);
  for (Return& expected : returns_) {
    if (expected.IsExpected()) ground_.arrivals->Remove(expected);
  }
}

void Blows::OnOpportunity(std::string_view place) {
  Host* const host = hosts_.Running();
  if (host == nullptr || !host->IsUp() || host->is_spared() || hosts_.CountDown() >= down_max_) return;
  const uint64_t stream = HashOf(HashOf(HashOf("blow"), HashOf(host->name())), HashOf(place));
  const uint32_t blow = ground_.faults->Decide(ChoiceKind::kFault, stream, 1, kBlows, place, [&](uint32_t blow) {
    return absl::StrCat(blow == 3 ? "the power of host " : "host ", host->name(), kVerbs[blow], " after a ",
                        std::string(place));
  });
  if (blow == 0) return;
  ExpectReturn(*host, stream, blow == 1 ? "goes on" : "boots");
  switch (blow) {
    case 1:
      return host->Pause();
    case 2:
      return host->Kill();
    default:
      return host->PowerOff();
  }
}

void Blows::ExpectReturn(Host& host, uint64_t stream, const char* verb) {
  const uint32_t doublings =
      ground_.loop->ChooseInWorld(ChoiceKind::kLatency, HashOf(stream, HashOf("return")), 1 + kDownDoublings, [&] {
        std::string words;
        for (uint32_t i = 1; i <= kDownDoublings; ++i) {
          absl::StrAppend(&words, "host ", host.name(), " ", verb, " after ", absl::FormatDuration(kDown * (1 << i)),
                          " instead of ", absl::FormatDuration(kDown), "\n");
        }
        return words;
      });
  returns_.emplace_back(*this, host, stream);
  Return& expected = returns_.back();
  expected.place = std::prev(returns_.end());
  const LoopTime when = ground_.core().now + kDown * (1 << doublings);
  ground_.arrivals->Add(expected, when, Range(when, when));
}

void Blows::OnHealed() {
  while (!returns_.empty()) {
    ground_.arrivals->Remove(returns_.front());
    returns_.pop_front();
  }
  hosts_.ReturnAll();
}

}  // namespace detent::sim
