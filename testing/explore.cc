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
#include "detent/testing/capture.h"
#include "detent/testing/crash.h"
#include "detent/testing/guard.h"
#include "detent/testing/interleaving.h"
#include "detent/testing/properties.h"
#include "detent/testing/search.h"
#include "detent/testing/shrink.h"
#include "detent/testing/trace.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace internal {
namespace {

using detent::sim::Tape;

// Stands for the tape in a command that is taken apart.
constexpr char kMark[] = "@TAPE@";
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
              options.slip_max >= absl::ZeroDuration(),
          "Options::search_time, shrink_time and slip_max must not be negative; zero is none");
}

class Exploration {
 public:
  Exploration(const Options& options, const Body& body, Hooks& hooks)
      : options_(options), hooks_(hooks), schedule_(body, SimOptions(options, hooks.TestHash())) {
    capture_.emplace();
    const std::string command = hooks.ReplayCommand(kMark);
    if (const size_t mark = command.find(kMark); mark != std::string::npos) {
      crash_.emplace(schedule_.loop(), command.substr(0, mark), command.substr(mark + sizeof(kMark) - 1));
    }
  }

  Report Run() { return options_.replay == nullptr ? Search() : Replay(); }

 private:
  Report Search() {
    const SometimesCheck sometimes;
    Found found = hooks_.Search(schedule_, options_);
    report_.schedules = found.schedules;
    if (hooks_.Takes(found)) return std::move(report_);
    if (!found.failed) {
      if (!found.summary.empty()) report_.text = absl::StrCat("nothing failed: ", found.summary);
      if (report_.text.empty()) {
        const std::string from = options_.first == 0 ? "" : absl::StrCat(" from ", options_.first + 1, " on");
        report_.text = absl::StrCat("passed ", found.schedules, " schedules", from, ", seed ", options_.seed);
      }
      if (found.is_skipped) {
        TellGoogleTest(Tape(schedule_.tape()));
      } else if (options_.slices > 1) {
        // Another slice may have seen it hold.
        const std::string failures = sometimes.Failures();
        if (!failures.empty()) std::fprintf(stderr, "[ detent   ] in this slice of the schedules: %s\n", failures.c_str());
      } else {
        report_.failure = sometimes.Failures();
        report_.ok = report_.failure.empty();
        if (!report_.ok) report_.text = absl::StrCat(report_.failure, "\n", report_.text);
      }
      return std::move(report_);
    }
    report_.ok = false;
    report_.tape = report_.original = found.tape;
    std::string story = absl::StrCat("schedule ", found.number, Range(), ", seed ", options_.seed,
                                     found.strategy.empty() ? "" : ", ", found.strategy);
    if (!found.death.empty()) {
      report_.failure = found.death;
      report_.text = absl::StrCat(found.death, "\n", story);
      return std::move(report_);
    }
    if (!found.nondeterminism.empty()) {
      AppendLine(report_.failure, found.failure.text());
      AppendLine(report_.failure, found.nondeterminism);
      AppendLine(report_.text, report_.failure);
      AppendLine(report_.text, story);
      AppendReplayCommand();
      TellGoogleTest(report_.tape);
      return std::move(report_);
    }
    if (found.failure.kind() == kStrategyFailed) {
      // The test has nothing to do with it, and a tape would replay only the test.
      report_.failure = found.failure.text();
      report_.text = absl::StrCat(report_.failure, "\n", story);
      return std::move(report_);
    }
    if (options_.shrink_time > absl::ZeroDuration()) {
      const Shrunk shrunk = Shrink(schedule_, found.tape, found.failure.kind(), options_.shrink_time);
      report_.tape = shrunk.tape;
      absl::StrAppend(&story, "\n", DescribeShrinking(found.tape, shrunk));
    }
    const std::string interleaving = RunTraced(report_.tape, CountSteps());
    report_.failure = schedule_.failure().text();
    Tell(story, interleaving);
    TellGoogleTest(report_.tape);
    return std::move(report_);
  }

  // Of which schedules it is one.
  std::string Range() const {
    if (options_.search_time > absl::ZeroDuration()) return "";
    if (options_.first == 0) return absl::StrCat(" of ", options_.schedules);
    return absl::StrCat(" of ", options_.first + 1, " to ", options_.first + options_.schedules);
  }

  static std::string DescribeShrinking(const Tape& original, const Shrunk& shrunk) {
    const size_t matter = shrunk.tape.entries().size();
    std::string text;
    if (matter == 0) {
      text = "no choice matters: it fails in the order of the real loop";
    } else {
      text = absl::StrCat(shrunk.tape.length(), shrunk.tape.length() == 1 ? " choice, " : " choices, ", matter,
                          matter == 1 ? " of them matters" : " of them matter");
    }
    if (shrunk.replays == 0) return text;
    return absl::StrCat(text, " (as found ", original.entries().size(), " of ", original.length(), " did; ", shrunk.replays,
                        shrunk.replays == 1 ? " replay" : " replays", shrunk.ran_out ? ", cut short by the time limit)" : ")");
  }

  // Runs once: whoever debugs a replay wants to see his code run once.
  Report Replay() {
    const Tape& tape = *options_.replay;
    if (hooks_.TellsGoogleTest()) capture_.reset();
    std::string story = "replayed from a tape";
    const std::string interleaving = RunTraced(tape, 0);
    report_.schedules = 1;
    report_.tape = report_.original = schedule_.tape();
    report_.failure = schedule_.failure().text();
    report_.ok = !schedule_.failure() && !(hooks_.TellsGoogleTest() && ::testing::Test::HasFailure());
    if (const std::string divergence = schedule_.loop().divergence(); !divergence.empty()) {
      absl::StrAppend(&story, ", which does not fit any more: ", divergence,
                      "; from there on the calmest choices were made. The code has changed since the tape was made");
    } else if (report_.tape.fingerprint() != tape.fingerprint()) {
      absl::StrAppend(&story, "; the run made the same choices but did other things than the recorded one: the code has "
                              "changed, or something decides that is not on the tape");
    }
    Tell(story, report_.ok ? "" : interleaving);
    return std::move(report_);
  }

  // Of a long run: to put only those steps into words that will be shown.
  uint64_t CountSteps() {
    if (schedule_.loop().steps() < kManySteps && report_.tape.length() < kManySteps) return 0;
    schedule_.loop().Reset(report_.tape.seed(), detent::sim::Replay(report_.tape));
    schedule_.Run(report_.tape.seed());
    return schedule_.loop().steps();
  }

  // Runs `tape`, and shows what the tasks did. `steps` is how many it takes, if that is known.
  std::string RunTraced(const Tape& tape, uint64_t steps) {
    schedule_.loop().Reset(tape.seed(), detent::sim::Replay(tape));
    TraceOptions trace_options;
    trace_options.steps_expected = steps;
    TraceRecorder recorder(trace_options);
    schedule_.SetTrace(&recorder);
    schedule_.Run(tape.seed());
    schedule_.SetTrace(nullptr);
    const Trace trace = recorder.Take();
    if (options_.report != nullptr) {
      std::ofstream file(options_.report);
      RenderOptions all;
      all.lines_max = kAllLines;
      file << RenderInterleaving(trace, all);
    }
    RenderOptions render_options;
    render_options.colour = WantsColour(STDOUT_FILENO);
    std::string text = RenderInterleaving(trace, render_options);
    if (!schedule_.live_tasks().empty()) absl::StrAppend(&text, "\nstill alive:", schedule_.live_tasks(), "\n");
    return text;
  }

  void Tell(std::string_view story, std::string_view interleaving) {
    // GoogleTest prints assertions itself.
    AppendLine(report_.text,
               hooks_.TellsGoogleTest() ? schedule_.failure().text_without_assertions() : schedule_.failure().text());
    AppendLine(report_.text, hooks_.Advice(report_.failure));
    AppendLine(report_.text, story);
    if (!interleaving.empty()) absl::StrAppend(&report_.text, "\n\n", std::string(interleaving));
    if (!report_.ok) AppendReplayCommand();
  }

  void AppendReplayCommand() {
    const std::string command = hooks_.ReplayCommand(report_.tape.ToString());
    if (!command.empty()) absl::StrAppend(&report_.text, absl::EndsWith(report_.text, "\n") ? "" : "\n", "replay it with\n  ", command);
  }

  // The last replay, with GoogleTest listening.
  void TellGoogleTest(const Tape& tape) {
    if (!hooks_.TellsGoogleTest()) return;
    capture_.reset();
    schedule_.loop().Reset(tape.seed(), detent::sim::Replay(tape));
    schedule_.Run(tape.seed());
  }

  const Options& options_;
  Hooks& hooks_;
  Schedule schedule_;
  std::optional<Capture> capture_;
  std::optional<CrashReporter> crash_;
  Report report_;
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

Found Hooks::Search(Schedule& schedule, const Options& options) { return SearchSchedules(schedule, options); }

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
