// SPDX-License-Identifier: Apache-2.0
//
// Host: a machine of a simulated World (world.h), with one program: what a test does to it, and asks of it.
//
//   sim::Host& db = world.AddHost("db", [] { return ServeKv(); });
//   db.Kill();                                               // its tasks are gone, and nothing of them has an effect
//   db.Boot();                                               // the program anew, as after a restart
//   int n = co_await db.Spawn(CountKeys, {.name = "probe"});  // HostDown if it dies meanwhile
//   const Store* store = db.Peek(kStore);                    // null while it is down
//
// To a program its host is its loop: EventLoop::Current(), Time(), Random(), AllTasks(), Stop(), the exception handler
// and the LoopLocals are the host's own, and new with each boot. Statics of the program are not: they survive a crash.
//
// Death.         A host is marked dead first; a step of its own that runs goes on to where it suspends. Then its tasks
//                are destroyed, the latest first, with its timers, callbacks and jobs. What they and their destructors
//                do from the mark on has no effect, and does not throw: what they send, close, write, spawn, draw and
//                report. What is lost with them is not reported.
// Order.         A verb acts at once. One that finds things so already does nothing. A boot begins with a step of its
//                own.
// Suspension.    Only awaiting what Spawn() gives.
// Cancellation.  As of any task.
// Errors.        HostDown for who awaits a task of a host that is down, or goes down. What leaves the program's main
//                coroutine fails the test (HostFailed), unless HostOptions::may_fail.
// Ownership.     The World's. A reference is good until that goes.
// Threads.       The loop's own thread only.
#ifndef DETENT_SIM_WORLD_HOST_H_
#define DETENT_SIM_WORLD_HOST_H_

#include <cstdint>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/coro.h"
#include "detent/runtime/internal/ref.h"
#include "detent/runtime/loop_local.h"
#include "detent/runtime/spawn.h"
#include "detent/runtime/task.h"
#include "detent/sim/world/disk.h"
#include "detent/sim/world/host_program.h"

namespace detent::sim {

class HostLoop;
class WorldState;

// Who awaits a task learns by it that its host is down.
class HostDown : public std::runtime_error {
 public:
  explicit HostDown(const std::string& what) : std::runtime_error(what) {}
};

// The program of a host has failed; of which, and how, is in what().
class HostFailed : public std::runtime_error {
 public:
  explicit HostFailed(const std::string& what) : std::runtime_error(what) {}
};

// Trivially destructible (rule R10).
struct HostOptions {
  // What leaves its main coroutine kills the host, as by Kill(), and does not fail the test.
  bool may_fail = false;
  // No fault strikes it.
  bool spared = false;
};

class Host {
 public:
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  ~Host();

  const std::string& name() const { return name_; }
  // Whether its program runs, or is to begin.
  bool IsUp() const { return loop_ != nullptr; }

  // Whether it is down for another reason than that its program has come to its end.
  bool IsTakenDown() const { return !IsUp() && !has_ended_; }

  // Whether it stands still.
  bool IsPaused() const;

  // SIGKILL. What was written stays written, and the system closes what was open.
  void Kill();
  // The power fails. Peers hear nothing any more; after the boot, whoever sends something to a connection of before is
  // reset. What was not synced is as Disk::LosePower() leaves it.
  void PowerOff();
  // The same, and the disk is empty.
  void Wipe();
  // SIGSTOP: its tasks take no steps, while clocks go on and what comes for it arrives. SIGCONT: they go on.
  void Pause();
  void Resume();
  // As if somebody had sent this signal to its program. One that nobody there takes kills it, if it is of that kind.
  void Raise(int signal);
  // The disk, which survives; a test may prepare it, and look at what is on it.
  Disk& disk() const { return *disk_; }
  // Begins the program, or another from now on: an upgrade.
  void Boot();
  template <typename F>
  void Boot(F&& function, std::source_location where = std::source_location::current()) {
    BootAnother(MakeHostProgram(std::forward<F>(function), where));
  }

  // detent::Spawn() for this host: Spawn(coro, options), Spawn(function, options), Spawn(function, arguments...).
  DETENT_INTERNAL_SPAWN_FORMS(Start)

  // The value of a LoopLocal there. Null while the host is down, and until its program has asked for it.
  template <typename T>
  const T* Peek(const LoopLocal<T>& local) const {
    return static_cast<const T*>(FindLocal(local.variable()));
  }

  // --- For the library ---

  bool is_spared() const { return options_.spared; }

 private:
  friend class Hosts;
  class Ends;

  Host(WorldState& world, std::string name, uint32_t machine, std::shared_ptr<HostProgram> program,
       const HostOptions& options);

  void BootAnother(std::shared_ptr<HostProgram> program);
  template <typename T>
  Task<T> Start(Coro<T> coro, const SpawnOptions& options, std::source_location where) {
    Task<T> task = [&] {
      const InHost here(*this);
      return internal::SpawnOn(*internal::CurrentCore(), std::move(coro), options, where);
    }();
    NoteSpawned(task);
    return task;
  }
  // While in scope, code runs as the host's.
  class InHost {
   public:
    explicit InHost(const Host& host);
    InHost(const InHost&) = delete;
    InHost& operator=(const InHost&) = delete;
    ~InHost();

   private:
    class Scope;
    std::unique_ptr<Scope> scope_;
  };
  void NoteSpawned(const AnyTask& task);
  void* FindLocal(size_t variable) const;
  void GoDown();
  void End();

  WorldState& world_;
  const std::string name_;
  const uint32_t machine_;  // Its number in the network.
  const internal::Ref<Disk> disk_;
  const HostOptions options_;
  bool has_ended_ = false;
  std::shared_ptr<HostProgram> program_;
  const std::unique_ptr<Ends> ends_;
  HostLoop* loop_ = nullptr;                      // Null while it is down.
  std::vector<std::unique_ptr<HostLoop>> boots_;  // They stay: somebody may have a handle of what was made in one.
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_HOST_H_
