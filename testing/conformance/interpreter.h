// SPDX-License-Identifier: Apache-2.0
//
// RunProgram: runs a program of the oracle's format on a loop and gives its trace.
//
//   std::string trace = RunSimulated(program);     // byte for byte CPython 3.13's
//   std::string real = RunProgram(program, std::make_unique<EpollLoop>());
#ifndef DETENT_TESTING_CONFORMANCE_INTERPRETER_H_
#define DETENT_TESTING_CONFORMANCE_INTERPRETER_H_

#include <memory>
#include <string>

#include "detent/runtime/core.h"
#include "detent/testing/conformance/program.h"
#include "detent/testing/conformance/world.h"

namespace detent_testing::conformance {

// Runs `program` on `loop`, and destroys the loop with the tasks that refused to end.
std::string RunProgram(const Program& program, std::unique_ptr<detent::EventLoop> loop, Clock clock = Clock());

// The same on a simulated loop of its own, in asyncio's order.
std::string RunSimulated(const Program& program);

}  // namespace detent_testing::conformance

#endif  // DETENT_TESTING_CONFORMANCE_INTERPRETER_H_
