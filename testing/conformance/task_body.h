// SPDX-License-Identifier: Apache-2.0
//
// The bodies of tasks: lists of operations, each handed to the executor of its group.
#ifndef DETENT_TESTING_CONFORMANCE_TASK_BODY_H_
#define DETENT_TESTING_CONFORMANCE_TASK_BODY_H_

#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/conformance/program.h"
#include "detent/testing/conformance/world.h"

namespace detent_testing::conformance {

// What surrounds an operation, lexically. Trivially destructible.
struct Scope {
  World* world = nullptr;
  const std::string* who = nullptr;    // The task whose body it is.
  detent::Timeout* timeout = nullptr;  // The innermost block of each kind, or null.
  detent::TaskGroup* group = nullptr;

  void Log(const Op& op, std::string_view rest) const { world->Log(*who, op, rest); }
};

// The body of the task `name`, between the lines `start` and `end ...`. REQUIRES: `name` outlives it.
detent::Coro<std::string> TaskBody(World& world, const std::string& name);

// Spawns the task and notes it in the world.
void SpawnTask(World& world, const std::string& name);

// Runs operations one after the other; stops at the first that throws.
detent::Coro<> RunOps(Scope scope, const std::vector<Op>& ops);

}  // namespace detent_testing::conformance

#endif  // DETENT_TESTING_CONFORMANCE_TASK_BODY_H_
