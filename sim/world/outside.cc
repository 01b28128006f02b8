// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/outside.h"

#include <utility>

#include "detent/runtime/errors.h"
#include "detent/runtime/internal/descriptor_callbacks.h"
#include "detent/runtime/internal/ref.h"
#include "detent/runtime/io/internal/adoption.h"
#include "detent/runtime/io/internal/datagrams.h"
#include "detent/runtime/io/internal/names.h"
#include "detent/runtime/io/internal/network.h"
#include "detent/sim/world/adoption.h"
#include "detent/sim/world/datagrams.h"
#include "detent/sim/world/disk.h"
#include "detent/sim/world/hosts.h"
#include "detent/sim/world/names.h"
#include "detent/sim/world/network.h"
#include "detent/sim/world/programs.h"
#include "detent/sim/world/signals.h"
#include "detent/sim/world/threads.h"

namespace detent::sim {
namespace {

class LoopOutside final : public SimOutside {
 public:
  LoopOutside(const Ground& ground, absl::AnyInvocable<void()> drain)
      : ground_(ground),
        drain_(std::move(drain)),
        loop_(*ground.loop),
        arrivals_(*ground.arrivals),
        interruptions_(*ground.interruptions),
        faults_(*ground.faults) {}
  ~LoopOutside() override {
    if (disk_) disk_->End();
  }

  internal::Names& names() override {
    if (names_ == nullptr) names_ = MakeSimNames(loop_, arrivals_, faults_);
    return *names_;
  }
  internal::Disk& disk() override {
    if (!disk_) disk_ = internal::Ref<Disk>(new Disk(loop_, arrivals_, faults_));
    return *disk_;
  }
  internal::Network& network() override { return sim_network().machine(0); }
  SimNetwork& sim_network() override {
    if (network_ == nullptr) network_ = MakeSimNetwork(loop_, arrivals_, faults_);
    return *network_;
  }
  internal::Adoption& adoption() override {
    if (adoption_ == nullptr) adoption_ = MakeSimAdoption(loop_);
    return *adoption_;
  }
  internal::Descriptors& descriptors() override { throw InvalidStateError(internal::kNoDescriptors); }
  internal::Datagrams& datagrams() override {
    if (datagrams_ == nullptr) datagrams_ = MakeSimDatagrams(loop_, arrivals_, faults_);
    return *datagrams_;
  }
  internal::SignalSource& signals() override {
    if (signals_ == nullptr) signals_ = MakeSimSignals(loop_, interruptions_);
    return *signals_;
  }
  internal::Programs& programs() override {
    if (programs_ == nullptr) programs_ = MakeSimPrograms(loop_, arrivals_);
    return *programs_;
  }
  internal::Threads& threads() override {
    if (threads_ == nullptr) threads_ = MakeSimThreads(loop_, std::move(drain_), arrivals_, interruptions_);
    return *threads_;
  }
  SimThreads* threads_if_any() override { return threads_.get(); }

  std::shared_ptr<Hosts> MakeWorld(uint32_t hosts_down_max) override {
    if (hosts_ != nullptr) {
      throw InvalidStateError("World: this run has one already; make one world a run, and add all hosts to that");
    }
    const bool is_used = names_ != nullptr || disk_ || network_ != nullptr || adoption_ != nullptr ||
                         datagrams_ != nullptr || signals_ != nullptr || programs_ != nullptr || threads_ != nullptr;
    if (is_used) {
      throw InvalidStateError(
          "World: something of the outside was used before (a socket, a file, a name, a signal, a process, a loop of "
          "OnThreads()); make the world first, so that all is of one of its hosts");
    }
    sim_network().BeWorld();
    hosts_ = std::make_shared<Hosts>(ground_, *this, hosts_down_max);
    return hosts_;
  }
  void EndWorld() override {
    if (hosts_ != nullptr) hosts_->End();
  }

 private:
  const Ground ground_;
  absl::AnyInvocable<void()> drain_;
  EventLoop& loop_;
  Arrivals& arrivals_;
  Interruptions& interruptions_;
  Faults& faults_;
  std::unique_ptr<internal::Names> names_;
  internal::Ref<Disk> disk_;
  std::unique_ptr<SimNetwork> network_;
  std::unique_ptr<internal::Adoption> adoption_;
  std::unique_ptr<internal::Datagrams> datagrams_;
  std::unique_ptr<internal::SignalSource> signals_;
  std::unique_ptr<internal::Programs> programs_;
  std::unique_ptr<SimThreads> threads_;
  std::shared_ptr<Hosts> hosts_;
};

}  // namespace

std::unique_ptr<SimOutside> MakeSimOutside(const Ground& ground, absl::AnyInvocable<void()> drain) {
  return std::make_unique<LoopOutside>(ground, std::move(drain));
}

}  // namespace detent::sim
