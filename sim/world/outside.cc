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
#include "detent/sim/world/names.h"
#include "detent/sim/world/network.h"
#include "detent/sim/world/programs.h"
#include "detent/sim/world/signals.h"
#include "detent/sim/world/threads.h"

namespace detent::sim {
namespace {

class World final : public SimOutside {
 public:
  World(EventLoop& loop, absl::AnyInvocable<void()> drain, Arrivals& arrivals, Interruptions& interruptions,
        Faults& faults)
      : loop_(loop), drain_(std::move(drain)), arrivals_(arrivals), interruptions_(interruptions), faults_(faults) {}
  ~World() override {
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
  internal::Network& network() override {
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

 private:
  EventLoop& loop_;
  absl::AnyInvocable<void()> drain_;
  Arrivals& arrivals_;
  Interruptions& interruptions_;
  Faults& faults_;
  std::unique_ptr<internal::Names> names_;
  internal::Ref<Disk> disk_;
  std::unique_ptr<internal::Network> network_;
  std::unique_ptr<internal::Adoption> adoption_;
  std::unique_ptr<internal::Datagrams> datagrams_;
  std::unique_ptr<internal::SignalSource> signals_;
  std::unique_ptr<internal::Programs> programs_;
  std::unique_ptr<SimThreads> threads_;
};

}  // namespace

std::unique_ptr<SimOutside> MakeSimOutside(EventLoop& loop, absl::AnyInvocable<void()> drain, Arrivals& arrivals,
                                           Interruptions& interruptions, Faults& faults) {
  return std::make_unique<World>(loop, std::move(drain), arrivals, interruptions, faults);
}

}  // namespace detent::sim
