// SPDX-License-Identifier: Apache-2.0
//
// Explore: runs a body under many schedules, up to the first that fails. The engine under SIM_TEST, and usable without
// GoogleTest.
//
//   detent_testing::Report report = detent_testing::Explore({.seed = 7, .schedules = 1000}, [] { return Body(); });
//   if (!report.ok) std::puts(report.text.c_str());
//
// A schedule fails when the body throws, when every task waits and nothing can wake one, past a limit of steps or time,
// and when something is reported that nobody can catch (rule R8: an error that nobody looked at, a coroutine never
// awaited, a lock destroyed while held, a callback that threw). Tasks that are left when the body returns are cancelled,
// as asyncio.run() does; if they refuse to end, that fails too.
#ifndef DETENT_TESTING_EXPLORE_H_
#define DETENT_TESTING_EXPLORE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "detent/runtime/coro.h"
#include "detent/sim/tape.h"
#include "detent/testing/options.h"

namespace detent_testing {

class Report {
 public:
  Report() {}

  bool ok = true;
  uint64_t schedules = 0;        // How many were run.
  detent::sim::Tape tape;        // Replays the failure.
  detent::sim::Tape original;    // The schedule in which it was found.
  std::string failure;           // What failed.
  std::string text;              // All of it, for a person.
};

// Called once for each schedule, inside its loop; gives the schedule's main coroutine.
using Body = std::function<detent::Coro<>()>;

Report Explore(const Options& options, const Body& body);

namespace internal {

// What the glue to a test framework adds to a schedule.
class Hooks {
 public:
  virtual ~Hooks() = default;
  // Whether an assertion of the schedule that has just run failed.
  virtual bool AssertionFailed() { return false; }
  // Whether to stop although nothing failed.
  virtual bool StopEarly() { return false; }
};

Report ExploreWithHooks(const Options& options, const Body& body, Hooks& hooks);

// Runs `body` on `loop`, and what it leaves behind to its end; then `destroy`, which destroys what is left of the run.
// Gives what failed, one line each, or nothing.
std::string RunToTheEnd(detent::EventLoop& loop, const Body& body, const std::function<void()>& destroy);

// Cancels all tasks but the running one and waits until they have ended.
detent::Coro<> CancelOtherTasks();

}  // namespace internal
}  // namespace detent_testing

#endif  // DETENT_TESTING_EXPLORE_H_
