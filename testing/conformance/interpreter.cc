// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/conformance/interpreter.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "detent/sim/sim.h"
#include "detent/testing/conformance/errors.h"
#include "detent/testing/conformance/task_body.h"
#include "detent/testing/conformance/world.h"

namespace detent_testing::conformance {
namespace {

using detent::Coro;

std::vector<std::string> LiveTasks(const World& world) {
  std::vector<std::string> live;
  for (const std::string& name : world.spawned()) {
    if (!world.FindTask(name)->Done()) live.push_back(name);
  }
  return live;
}

void LogFinalStates(World& world) {
  for (const std::string& name : world.spawned()) {
    const NamedTask& task = *world.FindTask(name);
    world.Log("main", absl::StrCat("final ", name, " ", world.TaskState(name), " cancelling=", task.Cancelling(),
                                   " unretrieved=", task.HasUnseenError()));
  }
  for (const ObjectSpec& object : world.program().objects) {
    world.Log("main", absl::StrCat("final ", object.name, " ", world.ObjectState(object.name)));
  }
}

// The driver: starts T0, and cancels what lives too long.
Coro<> Drive(std::unique_ptr<World>& place, const Program& program, Clock clock) {
  place = std::make_unique<World>(program, clock);
  World& world = *place;
  SpawnTask(world, program.tasks.front().name);
  co_await detent::Sleep(world.After(program.watchdog.ms));
  for (int64_t round = 0; round < program.watchdog.rounds; ++round) {
    const std::vector<std::string> live = LiveTasks(world);
    if (live.empty()) break;
    world.Log("main", absl::StrCat("watchdog ", absl::StrJoin(live, ",")));
    for (const std::string& name : live) world.FindTask(name)->Cancel();
    co_await detent::Sleep(world.After(program.watchdog.gap));
  }
  LogFinalStates(world);
}

}  // namespace

std::string RunProgram(const Program& program, std::unique_ptr<detent::EventLoop> loop, Clock clock) {
  std::unique_ptr<World> world;
  bool tracing = true;
  loop->SetExceptionHandler([&](const detent::ExceptionContext& context) {
    // Other reports depend on when handles are dropped; the final lines stand for them.
    if (!tracing || !context.message.ends_with("callback threw")) return;
    world->Log("loop", absl::StrCat("handler callback ", NameOfError(context.exception)));
  });
  loop->Run(Drive(world, program, clock));
  tracing = false;
  world->DropHandles();
  loop.reset();  // The tasks that are left point into the world.
  return world->TakeTrace();
}

std::string RunSimulated(const Program& program) {
  return RunProgram(program,
                    std::make_unique<detent::sim::SimLoop>(detent::sim::Options{.strategy = detent::sim::Fifo()}));
}

}  // namespace detent_testing::conformance
