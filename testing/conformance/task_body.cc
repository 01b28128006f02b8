// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/conformance/task_body.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/testing/conformance/errors.h"
#include "detent/testing/conformance/immediate_ops.h"
#include "detent/testing/conformance/structured_ops.h"
#include "detent/testing/conformance/waiting_ops.h"

namespace detent_testing::conformance {

using detent::Coro;
using detent::Outcome;

Coro<std::string> TaskBody(World& world, const std::string& name) {
  world.Log(name, "start");
  Scope scope;
  scope.world = &world;
  scope.who = &name;
  Outcome<> outcome = co_await detent::Catch(RunOps(scope, world.BodyOf(name)));
  if (outcome.cancelled()) {
    world.Log(name, absl::StrCat("end Cancelled c=", detent::CurrentTask().Cancelling()));
  } else if (!outcome.ok()) {
    const std::string error = NameOfError(outcome.exception());
    world.Log(name, absl::StrCat("end ", error));
    world.NoteTaskError(name, error);
  }
  if (!outcome.ok()) co_await detent::Propagate(std::move(outcome));
  world.Log(name, "end ok");
  co_return name;
}

void SpawnTask(World& world, const std::string& name) {
  world.AddTask(name, detent::Spawn(TaskBody(world, name), {.name = name}));
}

Coro<> RunOps(Scope scope, const std::vector<Op>& ops) {
  for (const Op& op : ops) {
    if (IsImmediate(op.kind)) {
      RunImmediate(*scope.world, *scope.who, op);
    } else if (IsStructured(op.kind)) {
      co_await RunStructured(scope, op);
    } else {
      co_await RunWaiting(scope, op);
    }
  }
}

}  // namespace detent_testing::conformance
