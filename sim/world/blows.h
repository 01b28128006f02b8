// SPDX-License-Identifier: Apache-2.0
//
// Blows: the faults that take a host down. Internal.
//
// A host may be struck behind each of its steps, each message that it sends, and each write and sync of its disk: what
// came before has happened, and what the step still does has no effect. A victim boots, or goes on, after a second, or
// after up to 64.
#ifndef DETENT_SIM_WORLD_BLOWS_H_
#define DETENT_SIM_WORLD_BLOWS_H_

#include <cstdint>
#include <list>
#include <string_view>

#include "detent/sim/world/faults.h"
#include "detent/sim/world/ground.h"
#include "detent/sim/world/host.h"

namespace detent::sim {

// Those who may be struck.
class Victims {
 public:
  // That to which what runs belongs; null for the test.
  virtual Host* Running() const = 0;
  // How many are down, and have not come to their own end, or stand still.
  virtual uint32_t CountDown() const = 0;
  // Boots those, and lets those go on that are paused.
  virtual void ReturnAll() = 0;

 protected:
  ~Victims() = default;
};

class Blows final : public Struck, private Patient {
 public:
  // At most `down_max` hosts are down at once, those counted that the test has taken down.
  Blows(Victims& hosts, const Ground& ground, uint32_t down_max);
  Blows(const Blows&) = delete;
  Blows& operator=(const Blows&) = delete;
  ~Blows();

  void OnOpportunity(std::string_view place) override;

 private:
  class Return;

  void OnHealed() override;
  // The victim boots, or goes on, after a while.
  void ExpectReturn(Host& host, uint64_t stream, const char* verb);

  Victims& hosts_;
  const Ground ground_;
  const uint32_t down_max_;
  std::list<Return> returns_;  // Those that are expected.
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_BLOWS_H_
