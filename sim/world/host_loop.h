// SPDX-License-Identifier: Apache-2.0
//
// HostLoop: one boot of a host, as its program sees it: the loop on which it runs. Internal.
#ifndef DETENT_SIM_WORLD_HOST_LOOP_H_
#define DETENT_SIM_WORLD_HOST_LOOP_H_

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "detent/sim/world/ground.h"
#include "detent/sim/world/home_loop.h"
#include "detent/sim/world/host_outside.h"
#include "detent/sim/world/host_program.h"
#include "detent/sim/world/sim_outside.h"

namespace detent::sim {

class HostLoop final : public HomeLoop {
 public:
  // Who is told of its end.
  class Observer {
   public:
    // Its main coroutine has failed, or was cancelled; it is left as it is.
    virtual void OnFailed(const std::exception_ptr& error) = 0;
    // Main has ended, and the rest was cancelled.
    virtual void OnEnded() = 0;
    // With what a task ends, spawned from outside, that is destroyed.
    virtual std::exception_ptr ErrorOf(const internal::TaskState& task) const = 0;

   protected:
    ~Observer() = default;
  };

  // The `number`-th boot of the host that has this name, from 1.
  HostLoop(const std::string& name, size_t number, const Ground& ground, std::shared_ptr<HostProgram> program,
           HostParts parts, Observer& observer);
  ~HostLoop() override;

  // What makes tasks there from outside.
  uint64_t source() const { return source_; }
  // One that was spawned from outside: who awaits it gets HostDown.
  void AddSpawned(const AnyTask& task);
  // The same of one that was spawned after the end. REQUIRES: IsDead().
  void DestroySpawned(const AnyTask& task);

  // From now on nothing that it does has an effect.
  void MarkDead() { own_home().has_ended = true; }
  bool IsDead() const { return home()->has_ended; }
  // Destroys all that belongs to it. REQUIRES: IsDead().
  void Destroy();
  // The values of its LoopLocals.
  void* FindLocal(size_t variable) { return locals().Find(variable); }

  uint32_t ChooseFor(ChoiceKind kind, uint32_t n) override { return IsDead() ? 0 : HomeLoop::ChooseFor(kind, n); }
  bool DrawFault(std::string_view name, double probability) override {
    return !IsDead() && HomeLoop::DrawFault(name, probability);
  }
  bool DrawOdd(const std::source_location& where) override { return !IsDead() && HomeLoop::DrawOdd(where); }
  void CallExceptionHandler(const ExceptionContext& context) override {
    if (!IsDead()) HomeLoop::CallExceptionHandler(context);
  }
  internal::Outside& outside() override { return *outside_; }

 private:
  class FirstStep;

  void StartJob(absl::AnyInvocable<void()> job, std::source_location where) override;
  void StopHome() override;
  void BeginMain();
  bool OnMainEnded() override;
  void OnEnd() override;

  Observer& observer_;
  const Ground ground_;
  const uint64_t source_;
  std::shared_ptr<HostProgram> program_;  // Until it has ended.
  const std::unique_ptr<SimOutside> outside_;
  std::unique_ptr<FirstStep> first_step_;
  std::vector<AnyTask> spawned_;
  bool stopped_ = false;
  bool destroyed_ = false;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_HOST_LOOP_H_
