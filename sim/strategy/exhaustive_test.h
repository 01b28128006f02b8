// SPDX-License-Identifier: Apache-2.0
//
// For the tests of Exhaustive: makes every run of a program and collects the states in which they end.
#ifndef DETENT_SIM_STRATEGY_EXHAUSTIVE_TEST_H_
#define DETENT_SIM_STRATEGY_EXHAUSTIVE_TEST_H_

#include <cstdint>
#include <exception>
#include <functional>
#include <set>
#include <string>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"

namespace detent::sim {

// What a program tells about its end. `describe` is asked after the run, while what is left of it still exists.
class Ending {
 public:
  Ending() {}
  std::function<std::string()> describe;
  bool failed = false;

  // At the end of a program that ended: what `describe` looks at goes away with the program's frame.
  void Settle() {
    describe = [text = describe()] { return text; };
  }

  void Check(bool condition) { failed |= !condition; }
};

using SearchedProgram = std::function<Coro<>(Ending&)>;

class SearchResult {
 public:
  SearchResult() {}
  uint64_t runs = 0;
  uint64_t abandoned = 0;
  bool complete = false;
  bool failed = false;  // Whether a check failed or a run got stuck.
  std::set<std::string> states;
  std::string summary;

  uint64_t visited() const { return runs + abandoned; }
};

inline SearchResult SearchAll(FootprintRule rule, const SearchedProgram& program, uint64_t runs_max = 0) {
  SearchResult result;
  Options options;
  options.strategy = Exhaustive(runs_max);
  options.footprint = rule;
  options.steps_max = 10'000;
  SimLoop loop(options);
  loop.SetExceptionHandler([](const ExceptionContext&) {});
  auto& search = dynamic_cast<ExhaustiveSearch&>(loop.strategy());
  do {
    loop.Reset(/*seed=*/0);  // Also of EventLoop::Random().
    Ending ending;
    std::string how = "done";
    bool whole = true;
    try {
      loop.Run(program(ending));
    } catch (const RunAbandoned&) {
      whole = false;
    } catch (const DeadlockError&) {
      how = "stuck";
      ending.failed = true;
    } catch (const CancelledError&) {
      how = "cancelled";
    } catch (const std::exception& error) {
      how = error.what();
    }
    if (!whole) continue;
    if (ending.describe) how += " " + ending.describe();
    result.states.insert(how + (ending.failed ? " failed" : ""));
    result.failed |= ending.failed;
  } while (!loop.strategy().IsExhausted());
  result.runs = search.runs();
  result.abandoned = search.abandoned_runs();
  result.complete = search.IsComplete();
  result.summary = search.Summary();
  return result;
}

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_EXHAUSTIVE_TEST_H_
