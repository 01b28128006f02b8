// SPDX-License-Identifier: Apache-2.0
//
// For the tests of child processes on either loop: programs that are installed on a real machine, for the simulated
// one.
#ifndef DETENT_RUNTIME_IO_PROCESS_TEST_H_
#define DETENT_RUNTIME_IO_PROCESS_TEST_H_

#include <string>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"

namespace detent {

inline constexpr char kNoisy[] = "echo out; echo err >&2; exit 3";
inline constexpr char kStubborn[] = "trap '' TERM; echo ready; while :; do sleep 0.01; done";
inline constexpr char kForever[] = "echo ready; exec sleep 1000";
inline constexpr char kShowVariable[] = "echo $SHOWN";
inline constexpr char kDeaf[] = "exec <&-; echo ready; sleep 0.02";

inline Coro<int> Cat(sim::ProcessContext& process) {
  while (true) {
    const std::string some = co_await process.In().Read(1000);
    if (some.empty()) co_return 0;
    co_await process.Out().Write(some);
  }
}

// As far as it is needed.
inline Coro<int> Shell(sim::ProcessContext& process) {
  const std::string script = process.arguments().at(1);
  if (script == kNoisy) {
    co_await process.Out().Write("out\n");
    co_await process.Err().Write("err\n");
    co_return 3;
  }
  if (script == kShowVariable) {
    co_await process.Out().Write(process.Environment("SHOWN") + "\n");
    co_return 0;
  }
  if (script == kDeaf) {
    process.In().Close();
    co_await process.Out().Write("ready\n");
    co_await Sleep(absl::Milliseconds(20));
    co_return 0;
  }
  if (script == kStubborn) process.Ignore(15);
  co_await process.Out().Write("ready\n");
  co_await Sleep(absl::InfiniteDuration());
  co_return 0;
}

inline void AddTestPrograms() {
  sim::AddProgram("cat", Cat);
  sim::AddProgram("sh", Shell);
  sim::AddProgram("true", [](sim::ProcessContext&) -> Coro<int> { co_return 0; });
}

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_PROCESS_TEST_H_
