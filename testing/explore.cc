// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/explore.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "detent/sim/replay.h"
#include "detent/testing/assertion_capture.h"
#include "detent/testing/crash_report.h"
#include "detent/testing/determinism_check.h"
#include "detent/testing/properties.h"
#include "detent/testing/replay_command.h"
#include "detent/testing/report/interleaving.h"
#include "detent/testing/report/trace_recorder.h"
#include "detent/testing/search.h"
#include "detent/testing/shrink.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace internal {
namespace {

using detent::sim::Tape;

constexpr uint64_t kManySteps = 50'000;

void AppendLine(std::string& text, std::string_view line) {
  if (line.empty()) return;
  if (!text.empty()) text.push_back('\n');
  text += line;
}

void RequireSense(const Options& options) {
  const auto require = [](bool makes_sense, const char* what) {
    if (!makes_sense) throw std::invalid_argument(absl::StrCat("Explore(): ", what));
  };
  require(options.schedules > 0, "Options::schedules is 0; give 1 or more");
  require(options.slices > 0 && options.slice < options.slices,
          "Options::slice must be below Options::slices, the number of processes that share the schedules");
  require(options.search_time >= absl::ZeroDuration() && options.shrink_time >= absl::ZeroDuration() &&
              options.slip_max >= absl::ZeroDuration() && options.blocking_max >= absl::ZeroDuration(),
          "Options::search_time, shrink_time, slip_max and blocking_max must not be negative; zero is none");
}

class Exploration {
 public:
  Exploration(const Options& options, const Body& body, Hooks& hooks)
      : options_(options), hooks_(hooks), runner_(body, SimOptions(options, hooks.TestHash())) {
    if (const ReplayCommand* command = hooks.HowToReplay()) crash_.emplace(runner_.loop(), *command);
  }

  Report Run() { return options_.replay == nullptr ? Search() : Replay(); }

 private:
  Report Search() {
    const SometimesCheck sometimes;
    const SearchResult found = hooks_.Search(runner_, options_);
    report_.schedules = found.schedules;
    report_.different = found.distinct.Count();
    report_.tasks_at_most = found.tasks_at_most;
    if (!hooks_.HandsOverToParent(found)) found.failed ? TellFailure(found) : TellSuccess(found, sometimes);
    return std::move(report_);
  }

  // No schedule failed: the test passes, unless a Sometimes<> never held.
  void TellSuccess(const SearchResult& found, const SometimesCheck& sometimes) {
    report_.text = DescribeSearch(found);
    if (found.is_skipped) return RunForGoogleTest(Tape(runner_.tape()));
    if (!found.blocked.empty()) report_.warnings.push_back(found.blocked);
    if (!found.warning.empty()) report_.warnings.push_back(found.warning);
    if (found.is_unfinished && !options_.unfinished_passes) {
      report_.ok = false;
      report_.failure = absl::StrCat(
          report_.text, "\ngive it more schedules, or let it pass unfinished: ", hooks_.HowToPassUnfinished());
      report_.text = report_.failure;
    } else if (found.distinct.Count() == 1 && found.schedules > 1 && options_.strategy.Make()->Name() != "Fifo") {
      report_.warnings.push_back(
          absl::StrCat("nothing to interleave: all ", found.schedules,
                       " schedules were the same, because no two tasks were ever ready at once; let some run side by "
                       "side (Gather, Spawn, a TaskGroup), or say that one schedule is enough: {.schedules = 1}"));
    }
    // Another slice may have seen it.
    const bool is_slice = options_.slices > 1;
    if (const std::string never_held = sometimes.Failures(); !never_held.empty()) {
      is_slice ? TellOfSlice(never_held) : FailThough(never_held);
    }
    if (const std::string calm = NeverStruck(found); !calm.empty()) is_slice ? TellOfSlice(calm) : FailThough(calm);
  }

  static void TellOfSlice(const std::string& text) {
    std::fprintf(stderr, "[ detent   ] in this slice of the schedules: %s\n", text.c_str());
  }
  // Nothing failed, and yet it is no success.
  void FailThough(const std::string& why) {
    report_.ok = false;
    AppendLine(report_.failure, why);
    report_.text = absl::StrCat(why, "\n", report_.text);
  }

  // A family of faults that was named and never struck makes a test greener than it is. Schedules 1 and 2 are calm.
  std::string NeverStruck(const SearchResult& found) const {
    const std::string families = found.faults.NeverStruck();
    if (families.empty() || (found.schedules <= 2 && found.summary.empty()) ||
        options_.strategy.Make()->Name() == "Fifo")
      return "";
    return absl::StrCat("these families of faults never struck, in ", found.schedules, " schedules: ", families,
                        "; give it more schedules, or take those without an opportunity out of WorldOptions::faults");
  }

  std::string DescribeSearch(const SearchResult& found) const {
    const CancelCounts& cancelled = runner_.cancel_counts_at_most();
    const std::string most =
        absl::StrCat(", ", found.tasks_at_most, found.tasks_at_most == 1 ? " task" : " tasks", " at most at once",
                     cancelled.cancellations == 0 ? "" : absl::StrCat(", ", cancelled.ToString(), " tried in each"));
    if (found.is_unfinished) return absl::StrCat(found.summary, most);
    if (!found.summary.empty()) return absl::StrCat("nothing failed: ", found.summary, most);
    const std::string faults = found.faults.Text();
    return absl::StrCat("passed ", found.schedules, found.schedules == 1 ? " schedule" : " schedules",
                        options_.first == 0 ? "" : absl::StrCat(" from ", options_.first + 1, " on"), ", ",
                        found.distinct.Text(), " of them different", most, ", seed ", options_.seed,
                        faults.empty() ? "" : "; ", faults);
  }

  void TellFailure(const SearchResult& found) {
    report_.ok = false;
    report_.tape = report_.original = found.tape;
    std::string story = absl::StrCat("schedule ", found.number, Range(), ", seed ", options_.seed,
                                     found.strategy.empty() ? "" : ", ", found.strategy);
    if (!found.death.empty()) {
      report_.failure = found.death;
      report_.text = absl::StrCat(found.death, "\n", story);
    } else if (!found.nondeterminism.empty()) {
      AppendLine(report_.failure, found.failure.text());
      AppendLine(report_.failure, found.nondeterminism);
      report_.text = absl::StrCat(report_.failure, "\n", story);
      AppendReplayCommand();
      RunForGoogleTest(report_.tape);
    } else if (found.failure.kind() == kStrategyFailed) {
      // The test has nothing to do with it, and a tape would replay only the test.
      report_.failure = found.failure.text();
      report_.text = absl::StrCat(report_.failure, "\n", story);
    } else {
      ShrinkAndTell(found, std::move(story));
    }
  }

  void ShrinkAndTell(const SearchResult& found, std::string story) {
    if (options_.shrink_time > absl::ZeroDuration()) {
      const ShrinkResult shrunk = Shrink(runner_, found.tape, found.failure.kind(), options_.shrink_time);
      report_.tape = shrunk.tape;
      absl::StrAppend(&story, "\n", DescribeShrinking(found.tape, shrunk));
    }
    const uint64_t steps = CountSteps();
    LetGoogleTestListen();
    const std::string interleaving = RunTraced(report_.tape, steps);
    report_.failure = runner_.failure().text();
    Tell(story, interleaving);
  }

  // Names the schedules that were searched, for `schedule 37 of 100`.
  std::string Range() const {
    if (options_.search_time > absl::ZeroDuration()) return "";
    if (options_.first == 0) return absl::StrCat(" of ", options_.schedules);
    return absl::StrCat(" of ", options_.first + 1, " to ", options_.first + options_.schedules);
  }

  static std::string DescribeShrinking(const Tape& original, const ShrinkResult& shrunk) {
    const size_t matter = shrunk.tape.entries().size();
    std::string text;
    if (matter == 0) {
      text = "no choice matters: it fails in the order of the real loop";
    } else {
      text = absl::StrCat(shrunk.tape.length(), shrunk.tape.length() == 1 ? " choice, " : " choices, ", matter,
                          matter == 1 ? " of them matters" : " of them matter");
    }
    if (shrunk.replays == 0) return text;
    return absl::StrCat(text, " (as found ", original.entries().size(), " of ", original.length(), " did; ",
                        shrunk.replays, shrunk.replays == 1 ? " replay" : " replays",
                        shrunk.ran_out ? ", cut short by the time limit)" : ")");
  }

  // Runs once: whoever debugs a replay wants to see his code run once.
  Report Replay() {
    const Tape& tape = *options_.replay;
    runner_.CountBlocks(true);
    LetGoogleTestListen();
    std::string story = "replayed from a tape";
    const std::string interleaving = RunTraced(tape, 0);
    report_.schedules = 1;
    report_.tape = report_.original = runner_.tape();
    report_.failure = runner_.failure().text();
    report_.ok = !runner_.failure() && !(hooks_.TellsGoogleTest() && ::testing::Test::HasFailure());
    if (const std::string divergence = runner_.loop().divergence(); !divergence.empty()) {
      const std::string misfit =
          absl::StrCat("does not fit any more: ", divergence,
                       "; from there on the calmest choices were made. The code has changed since the tape was made");
      absl::StrAppend(&story, ", which ", misfit);
      if (report_.ok) report_.warnings.push_back(absl::StrCat("passed, but the tape ", misfit));
    } else if (report_.tape.fingerprint() != tape.fingerprint()) {
      const std::string misfit =
          "the run made the same choices but did other things than the recorded one: the code has changed, or "
          "something "
          "decides that is not on the tape";
      absl::StrAppend(&story, "; ", misfit);
      if (report_.ok) report_.warnings.push_back(absl::StrCat("passed, but ", misfit));
    }
    if (report_.ok && !runner_.failure().warning().empty()) report_.warnings.push_back(runner_.failure().warning());
    Tell(story, report_.ok ? "" : interleaving);
    return std::move(report_);
  }

  // How many steps a long run takes, so that only those that will be shown are put into words; 0 for a short one.
  uint64_t CountSteps() {
    if (runner_.loop().steps() < kManySteps && report_.tape.length() < kManySteps) return 0;
    runner_.loop().Reset(report_.tape.seed(), detent::sim::Replay(report_.tape));
    runner_.Run(report_.tape.seed());
    return runner_.loop().steps();
  }

  // Runs `tape`, and shows what the tasks did. `steps` is how many it takes, if that is known.
  std::string RunTraced(const Tape& tape, uint64_t steps) {
    runner_.loop().Reset(tape.seed(), detent::sim::Replay(tape));
    TraceOptions trace_options;
    trace_options.steps_expected = steps;
    if (const ::testing::TestInfo* test = ::testing::UnitTest::GetInstance()->current_test_info()) {
      trace_options.body_file = test->file();
      trace_options.body_line = test->line();
    }
    TraceRecorder recorder(trace_options);
    runner_.SetTrace(&recorder);
    if (crash_) crash_->SetTrace(&recorder, options_.report);
    runner_.Run(tape.seed());
    if (crash_) crash_->SetTrace(nullptr, nullptr);
    runner_.SetTrace(nullptr);
    const Trace trace = recorder.Take();
    const Failure& failure = runner_.failure();
    if (absl::StartsWith(failure.kind(), "exception ") && !failure.lists_tasks()) thrown_ = trace.DescribeThrow();
    if (options_.report != nullptr) {
      std::ofstream file(options_.report);
      RenderOptions all;
      all.lines_max = kAllLines;
      all.width = kAnyWidth;
      file << RenderInterleaving(trace, all);
      file.close();
      if (!file) unwritten_ = absl::StrCat("the report could not be written to ", options_.report);
    }
    RenderOptions render_options;
    render_options.colour = WantsColour(STDOUT_FILENO);
    std::string text = RenderInterleaving(trace, render_options);
    if (!runner_.live_tasks().empty()) absl::StrAppend(&text, "\nstill alive:", runner_.live_tasks(), "\n");
    return text;
  }

  void Tell(std::string_view story, std::string_view interleaving) {
    // GoogleTest prints assertions itself.
    AppendLine(report_.text,
               hooks_.TellsGoogleTest() ? runner_.failure().text_without_assertions() : runner_.failure().text());
    AppendLine(report_.text, hooks_.Advice(runner_.failure()));
    AppendLine(report_.text, story);
    AppendLine(report_.text, thrown_);
    AppendLine(report_.text, unwritten_);
    if (!interleaving.empty()) absl::StrAppend(&report_.text, "\n\n", std::string(interleaving));
    if (!report_.ok) AppendReplayCommand();
  }

  void AppendReplayCommand() {
    if (const ReplayCommand* command = hooks_.HowToReplay()) {
      absl::StrAppend(&report_.text, absl::EndsWith(report_.text, "\n") ? "" : "\n", "replay it with\n  ",
                      command->AsText(report_.tape));
    }
  }

  // GoogleTest hears of one run, the last: what fails in it, or that it is skipped.
  void LetGoogleTestListen() {
    if (hooks_.TellsGoogleTest()) capture_.PassOn();
  }
  void RunForGoogleTest(const Tape& tape) {
    if (!hooks_.TellsGoogleTest()) return;
    LetGoogleTestListen();
    runner_.loop().Reset(tape.seed(), detent::sim::Replay(tape));
    runner_.Run(tape.seed());
  }

  const Options& options_;
  Hooks& hooks_;
  ScheduleRunner runner_;
  AssertionCapture capture_;
  std::optional<CrashReport> crash_;
  Report report_;
  std::string thrown_;     // Where, of an exception.
  std::string unwritten_;  // What could not be.
};

}  // namespace

detent::sim::Options SimOptions(const Options& options, uint64_t test) {
  detent::sim::Options result;
  result.seed = options.seed;
  result.strategy = options.strategy;
  result.steps_max = options.steps_max;
  result.time_max = options.time_max;
  result.slip_max = options.slip_max;
  result.footprint = options.footprint;
  result.test = test;
  if (options.replay != nullptr) {
    // The run is to be as it was, whatever the options are by now.
    result.steps_max = options.replay->limits().steps_max;
    result.time_max = options.replay->limits().time_max;
    result.slip_max = options.replay->limits().slip_max;
  }
  return result;
}

SearchResult Hooks::Search(ScheduleRunner& runner, const Options& options) { return SearchSchedules(runner, options); }

Report ExploreWithHooks(const Options& options, const Body& body, Hooks& hooks) {
  RequireSense(options);
  return Exploration(options, body, hooks).Run();
}

}  // namespace internal

Report Explore(const Options& options, const Body& body) {
  internal::Hooks hooks;
  return internal::ExploreWithHooks(options, body, hooks);
}

}  // namespace detent_testing
