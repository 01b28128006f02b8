// SPDX-License-Identifier: Apache-2.0
//
// Explore: runs a body under many schedules, up to the first that fails. The engine under SIM_TEST, and usable without
// GoogleTest.
//
//   detent_testing::Report report = detent_testing::Explore({.seed = 7, .schedules = 1000}, [] { return Body(); });
//   if (!report.ok) std::puts(report.text.c_str());
//
// A schedule fails when the body throws, when an assertion of GoogleTest fails, when every task waits and nothing can
// wake one, past a limit of steps or time, when a property does not hold (properties.h), and when something is reported
// that nobody can catch (rule R8: an error that nobody looked at, a coroutine never awaited, a lock destroyed while
// held, a callback that threw). Tasks that are left when the body returns are cancelled, as asyncio.run() does; if they
// refuse to end, that fails too. A body that has failed leaves them as they are: its variables are gone
// (docs/semantics.md).
//
// A failing schedule is run again, to see that the test is deterministic, then shrunk to the shortest and calmest one
// that fails in the same way, and that one is told of. Assertions that fail on the way there are kept from GoogleTest:
// Explore() tells it nothing, the report has them all.
#ifndef DETENT_TESTING_EXPLORE_H_
#define DETENT_TESTING_EXPLORE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "detent/sim/tape.h"
#include "detent/testing/options.h"
#include "detent/testing/schedule_runner.h"

namespace detent_testing {

class Report {
 public:
  Report() {}

  bool ok = true;
  uint64_t schedules = 0;      // How many were run in the search.
  detent::sim::Tape tape;      // Replays the failure.
  detent::sim::Tape original;  // The schedule in which it was found.
  std::string failure;         // What failed.
  std::string text;            // All of it, for a person.
  // What a person should know although nothing failed, a sentence each.
  std::vector<std::string> warnings;
  // In how many ways the schedules of the search went, by their fingerprints; an estimate beyond 65,536.
  uint64_t different = 0;
  uint64_t tasks_at_most = 0;  // How many tasks there were at once, at most.
};

Report Explore(const Options& options, const Body& body);

namespace internal {

class ReplayCommand;
class SearchResult;

// What the glue to a test framework adds.
class Hooks {
 public:
  virtual ~Hooks() = default;
  // Ties the tapes to the test.
  virtual uint64_t TestHash() { return 0; }
  // The command that replays a tape; null if there is none.
  virtual const ReplayCommand* HowToReplay() { return nullptr; }
  // What a person can do about this failure, if the test framework has something to say.
  virtual std::string Advice(const Failure& failure) {
    (void)failure;
    return std::string();
  }
  // How a person lets a search of all schedules pass that did not finish.
  virtual std::string HowToPassUnfinished() { return "Options::unfinished_passes"; }
  // Whether GoogleTest listens to the last run of the failing schedule, or of one that is skipped.
  virtual bool TellsGoogleTest() { return false; }
  // Runs the schedules: here, unless it knows of a better place.
  virtual SearchResult Search(ScheduleRunner& runner, const Options& options);
  // Whether this process is a job, whose parent now has the result: then there is nothing left to do here.
  virtual bool HandsOverToParent(const SearchResult& found) {
    (void)found;
    return false;
  }
};

// How each schedule is run; `test` ties its tape to a test.
detent::sim::Options SimOptions(const Options& options, uint64_t test);

Report ExploreWithHooks(const Options& options, const Body& body, Hooks& hooks);

}  // namespace internal
}  // namespace detent_testing

#endif  // DETENT_TESTING_EXPLORE_H_
