// SPDX-License-Identifier: Apache-2.0
//
// For tests of ProcessPool on either loop: a worker that is this program again, or a coroutine of the simulated
// machine.
#ifndef DETENT_RUNTIME_IO_PROCESS_POOL_TEST_H_
#define DETENT_RUNTIME_IO_PROCESS_POOL_TEST_H_

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "detent/runtime/core.h"
#include "detent/runtime/io/process_pool.h"
#include "detent/runtime/io/process_worker.h"
#include "detent/sim/sim.h"

namespace detent {

// As far as both kinds of worker can: what a job says is what it does; "last" is answered, and ends the worker.
inline std::string DoJob(std::string_view job) {
  if (job == "throw") throw std::runtime_error("the job does not like it");
  if (job == "large") return std::string(300'000, 'x');
  return "done: " + std::string(job);
}

// A program that starts with it set is a worker and nothing else.
inline constexpr char kWorkerVariable[] = "POOL_TEST_WORKER";

// It has the same pipes, and ends with them.
inline void LeaveAChild() {
  if (fork() != 0) return;
  char byte;
  while (read(0, &byte, 1) > 0) continue;
  std::_Exit(0);
}

inline std::string DoJobForReal(std::string_view job) {
  if (job == "die with a child") LeaveAChild();
  if (job == "die" || job == "die with a child") std::abort();
  if (job == "leave") std::_Exit(3);
  if (job == "never") std::raise(SIGSTOP);
  if (job == "leave a child") LeaveAChild();
  if ((job == "last" || job == "leave a child") && std::freopen("/dev/null", "r", stdin) == nullptr) std::abort();
  return DoJob(job);
}

inline const bool kIsNoWorker = [] {
  if (std::getenv(kWorkerVariable) != nullptr) std::_Exit(RunProcessWorker(DoJobForReal));
  return true;
}();

// An answer that cannot be written ends the program.
inline Coro<std::string> DoSimulatedJob(sim::ProcessContext& process, bool& leaves, std::string job) {
  if (job == "mute") process.Out().Close();
  if (job == "never" || job == "mute") co_await Sleep(absl::InfiniteDuration());
  if (job == "last") process.In().Close();
  leaves = job == "leave";
  if (leaves || job == "die") process.Out().Close();
  co_await Sleep(absl::Milliseconds(10));
  co_return DoJob(job);
}

inline Coro<int> SimulatedWorker(sim::ProcessContext& process) {
  bool leaves = false;
  const SlowProcessJob fn = [&](std::string job) { return DoSimulatedJob(process, leaves, std::move(job)); };
  Outcome<> outcome = co_await Settle(ServeProcessJobs(process.In(), process.Out(), fn));
  if (leaves) co_return 3;
  if (!outcome.ok()) co_await Propagate(std::move(outcome));
  co_return 0;
}

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_PROCESS_POOL_TEST_H_
