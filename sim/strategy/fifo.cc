// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/fifo.h"

namespace detent::sim {
namespace {

class FifoStrategy final : public Strategy {
 public:
  std::string Name() const override { return "Fifo"; }
  uint32_t Choose(const ChoicePoint&) override { return 0; }
};

}  // namespace

std::unique_ptr<Strategy> Fifo::Make() const { return std::make_unique<FifoStrategy>(); }

}  // namespace detent::sim
