// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/host.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/io/internal/signal_numbers.h"
#include "detent/runtime/io/internal/signal_source.h"
#include "detent/sim/world/home_loop.h"
#include "detent/sim/world/host_loop.h"
#include "detent/sim/world/network.h"
#include "detent/sim/world/world_state.h"

namespace detent::sim {

// What its boots tell of their ends.
class Host::Ends final : public HostLoop::Observer {
 public:
  explicit Ends(Host& host) : host_(host) {}
  void OnFailed(const std::exception_ptr& error) override {
    if (host_.options_.may_fail) return host_.GoDown();
    host_.world_.Fail(std::make_exception_ptr(
        HostFailed(absl::StrCat("host ", host_.name_, " failed: ", internal::DescribeException(error)))));
  }
  void OnEnded() override {
    host_.has_ended_ = true;
    host_.GoDown();
  }
  std::exception_ptr ErrorOf(const internal::TaskState& task) const override {
    return std::make_exception_ptr(
        HostDown(absl::StrCat("host ", host_.name_, " is down, and its task \"", task.name(), "\" has gone with it")));
  }

 private:
  Host& host_;
};

Host::Host(WorldState& world, std::string name, uint32_t machine, std::shared_ptr<HostProgram> program,
           const HostOptions& options)
    : world_(world),
      name_(std::move(name)),
      machine_(machine),
      disk_(new Disk(*world.ground().loop, *world.ground().arrivals, *world.ground().faults)),
      options_(options),
      program_(std::move(program)),
      ends_(std::make_unique<Ends>(*this)) {}

Host::~Host() { disk_->End(); }

void Host::Kill() {
  if (!world_.IsMuted()) GoDown();
}

void Host::PowerOff() {
  if (world_.IsMuted()) return;
  HostLoop* const loop = std::exchange(loop_, nullptr);
  if (loop != nullptr) loop->MarkDead();
  if (!world_.network().machine(machine_).IsOn()) return;
  world_.network().LosePower(machine_);
  disk_->LosePower();
  if (loop != nullptr) world_.Bury(*loop);
}

void Host::Wipe() {
  if (world_.IsMuted()) return;
  PowerOff();
  disk_->Wipe();
}

void Host::Pause() {
  if (!world_.IsMuted() && IsUp()) loop_->Pause(*world_.ground().steps);
}

void Host::Resume() {
  if (!world_.IsMuted() && IsUp() && loop_->home()->is_paused) loop_->GoOn();
}

bool Host::IsPaused() const { return loop_ != nullptr && loop_->home()->is_paused; }

void Host::Raise(int signal) {
  internal::RequireSignal(signal);
  if (world_.IsMuted() || !IsUp()) return;
  const HomeScope there(loop_->core(), *loop_->home(), loop_->source());
  loop_->outside().signals().Raise(signal);
}

void Host::GoDown() {
  if (loop_ == nullptr) return;
  HostLoop& loop = *std::exchange(loop_, nullptr);
  loop.MarkDead();
  world_.network().Kill(machine_);
  world_.Bury(loop);
}

// With the world.
void Host::End() {
  if (loop_ != nullptr) std::exchange(loop_, nullptr)->MarkDead();
  for (const auto& boot : boots_) world_.Bury(*boot);
}

void Host::Boot() {
  if (world_.IsMuted() || IsUp()) return;
  world_.network().TurnOn(machine_);
  HostParts parts;
  parts.world = &world_.outside();
  parts.machine = machine_;
  parts.disk = disk_;
  parts.die = [this] { GoDown(); };
  boots_.push_back(
      std::make_unique<HostLoop>(name_, boots_.size() + 1, world_.ground(), program_, std::move(parts), *ends_));
  loop_ = boots_.back().get();
  has_ended_ = false;
}

void Host::BootAnother(std::shared_ptr<HostProgram> program) {
  if (world_.IsMuted()) return;
  program_ = std::move(program);
  Boot();
}

class Host::InHost::Scope {
 public:
  explicit Scope(const HostLoop& loop) : scope_(loop.core(), *loop.home(), loop.source()) {}

 private:
  const HomeScope scope_;
};

// A host that is down spawns in its last boot: the task is dead from the beginning.
Host::InHost::InHost(const Host& host) : scope_(std::make_unique<Scope>(*host.boots_.back())) {}
Host::InHost::~InHost() = default;

void Host::NoteSpawned(const AnyTask& task) {
  if (IsUp()) return loop_->AddSpawned(task);
  boots_.back()->DestroySpawned(task);
}

void* Host::FindLocal(size_t variable) const { return loop_ == nullptr ? nullptr : loop_->FindLocal(variable); }

}  // namespace detent::sim
