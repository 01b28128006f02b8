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

}  // namespace

class Blows::Reboot final : public Arrival {
 public:
  Reboot(Blows& blows, Host& host, uint64_t stream) : blows_(blows), host_(host), stream_(stream) {}

  void Arrive() override {
    Host& host = host_;
    blows_.ground_.core().EnterHome(nullptr);  // Between two steps: that of the last one may be a dead one's.
    Drop();
    host.Boot();
  }
  void Drop() override { blows_.reboots_.erase(place); }
  std::string Describe() const override { return absl::StrCat("the boot of ", host_.name()); }
  uint64_t Stream() const override { return stream_; }

  std::list<Reboot>::iterator place;

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
  for (Reboot& reboot : reboots_) {
    if (reboot.IsExpected()) ground_.arrivals->Remove(reboot);
  }
}

void Blows::OnOpportunity(std::string_view place) {
  Host* const host = hosts_.Running();
  if (host == nullptr || !host->IsUp() || host->is_spared() || hosts_.CountDown() >= down_max_) return;
  const uint64_t stream = HashOf(HashOf(HashOf("blow"), HashOf(host->name())), HashOf(place));
  constexpr FaultFamily kFaults[] = {FaultFamily::kKill};
  const uint32_t blow = ground_.faults->Decide(ChoiceKind::kFault, stream, 1, kFaults, place, [&](uint32_t) {
    return absl::StrCat("host ", host->name(), " is killed after a ", std::string(place));
  });
  if (blow == 0) return;
  ExpectBoot(*host, stream);
  host->Kill();
}

void Blows::ExpectBoot(Host& host, uint64_t stream) {
  const uint32_t doublings =
      ground_.loop->ChooseInWorld(ChoiceKind::kLatency, HashOf(stream, HashOf("boot")), 1 + kDownDoublings, [&] {
        std::string words;
        for (uint32_t i = 1; i <= kDownDoublings; ++i) {
          absl::StrAppend(&words, "host ", host.name(), " boots after ", absl::FormatDuration(kDown * (1 << i)),
                          " instead of ", absl::FormatDuration(kDown), "\n");
        }
        return words;
      });
  reboots_.emplace_back(*this, host, stream);
  Reboot& reboot = reboots_.back();
  reboot.place = std::prev(reboots_.end());
  const LoopTime when = ground_.core().now + kDown * (1 << doublings);
  ground_.arrivals->Add(reboot, when, Range(when, when));
}

void Blows::OnHealed() {
  while (!reboots_.empty()) {
    ground_.arrivals->Remove(reboots_.front());
    reboots_.pop_front();
  }
  hosts_.BootAll();
}

}  // namespace detent::sim
