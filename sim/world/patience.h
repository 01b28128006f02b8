// SPDX-License-Identifier: Apache-2.0
//
// Patience: how long one end of a simulated connection waits for somebody who answers nothing. Internal.
#ifndef DETENT_SIM_WORLD_PATIENCE_H_
#define DETENT_SIM_WORLD_PATIENCE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "detent/sim/world/arrivals.h"

namespace detent::sim {

class Patience final : public Arrival {
 public:
  // `on_end()` is called when it is over; `who()` says whose it is, for a person.
  Patience(uint64_t stream, absl::AnyInvocable<void()> on_end, absl::AnyInvocable<std::string() const> who)
      : stream_(stream), on_end_(std::move(on_end)), who_(std::move(who)) {}

  // From now on, unless it waits already. `keep` is kept meanwhile.
  void Begin(Arrivals& arrivals, LoopTime now, absl::Duration length, std::shared_ptr<void> keep) {
    if (IsExpected()) return;
    arrivals.Add(*this, now + length, Range(now + length, now + length));
    keep_ = std::move(keep);
  }
  // Somebody has answered. REQUIRES: somebody else keeps what is kept.
  void End(Arrivals& arrivals) {
    if (!IsExpected()) return;
    arrivals.Remove(*this);
    keep_ = nullptr;
  }

  void Arrive() override {
    const std::shared_ptr<void> keep = std::move(keep_);
    on_end_();
  }
  void Drop() override { keep_ = nullptr; }
  std::string Describe() const override { return "the end of the patience of " + who_(); }
  uint64_t Stream() const override { return stream_; }

 private:
  const uint64_t stream_;
  absl::AnyInvocable<void()> on_end_;
  absl::AnyInvocable<std::string() const> who_;
  std::shared_ptr<void> keep_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_PATIENCE_H_
