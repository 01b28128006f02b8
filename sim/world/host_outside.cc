// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/host_outside.h"

#include <utility>

#include "detent/runtime/errors.h"
#include "detent/runtime/internal/descriptor_callbacks.h"
#include "detent/runtime/io/internal/adoption.h"
#include "detent/runtime/io/internal/datagrams.h"
#include "detent/runtime/io/internal/names.h"
#include "detent/sim/world/adoption.h"
#include "detent/sim/world/network.h"
#include "detent/sim/world/programs.h"
#include "detent/sim/world/signals.h"
#include "detent/sim/world/threads.h"

namespace detent::sim {
namespace {

class HostOutside final : public SimOutside {
 public:
  HostOutside(const Ground& ground, HostParts parts) : ground_(ground), parts_(std::move(parts)) {}

  internal::Names& names() override { return parts_.world->names(); }
  internal::Disk& disk() override { return *parts_.disk; }
  internal::Network& network() override { return parts_.world->sim_network().machine(parts_.machine); }
  internal::Adoption& adoption() override {
    if (adoption_ == nullptr) adoption_ = MakeSimAdoption(*ground_.loop);
    return *adoption_;
  }
  internal::Descriptors& descriptors() override { throw InvalidStateError(internal::kNoDescriptors); }
  internal::Datagrams& datagrams() override { return parts_.world->datagrams(); }
  internal::SignalSource& signals() override {
    if (signals_ == nullptr) signals_ = MakeSimSignals(*ground_.loop, *ground_.interruptions, std::move(parts_.die));
    return *signals_;
  }
  internal::Programs& programs() override { return parts_.world->programs(); }
  internal::Threads& threads() override {
    if (threads_ == nullptr) {
      threads_ = MakeSimThreads(*parts_.loop, std::move(parts_.drain), *ground_.arrivals, *ground_.interruptions);
    }
    return *threads_;
  }
  SimThreads* threads_if_any() override { return threads_.get(); }
  SimNetwork& sim_network() override { return parts_.world->sim_network(); }
  std::shared_ptr<Hosts> MakeWorld(uint32_t) override {
    throw InvalidStateError("World: this is a host of one already; make the world in the test");
  }
  void EndWorld() override {}

 private:
  const Ground ground_;
  HostParts parts_;
  std::unique_ptr<internal::Adoption> adoption_;
  std::unique_ptr<internal::SignalSource> signals_;
  std::unique_ptr<SimThreads> threads_;
};

}  // namespace

std::unique_ptr<SimOutside> MakeHostOutside(const Ground& ground, HostParts parts) {
  return std::make_unique<HostOutside>(ground, std::move(parts));
}

}  // namespace detent::sim
