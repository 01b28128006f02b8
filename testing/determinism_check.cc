// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/determinism_check.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/task.h"
#include "detent/sim/replay.h"
#include "detent/testing/step_words.h"

namespace detent_testing::internal {
namespace {

using detent::sim::Tape;

// How often a run is repeated, at most, to find a step that differs.
constexpr int kRepetitions = 8;

// What a run did, a line for each step.
class StepLog final : public detent::sim::RunObserver {
 public:
  explicit StepLog(detent::EventLoop& loop) : loop_(loop) {}
  void OnStep(const detent::sim::Candidate& step, uint64_t number) override {
    steps.push_back(absl::StrCat("step ", number, " at ", loop_.Time().ToString(), ", ", WordsOf(step)));
  }
  std::vector<std::string> steps;

 private:
  detent::EventLoop& loop_;
};

std::vector<std::string> ReplaySteps(ScheduleRunner& runner, const Tape& tape) {
  StepLog log(runner.loop());
  runner.loop().Reset(tape.seed(), detent::sim::Replay(tape));
  runner.AddObserver(&log);
  runner.Run(tape.seed());
  runner.RemoveObserver(&log);
  return std::move(log.steps);
}

std::string FirstDifference(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const size_t common = std::min(a.size(), b.size());
  size_t i = 0;
  while (i < common && a[i] == b[i]) ++i;
  const auto step = [&](const std::vector<std::string>& steps) {
    return i < steps.size() ? steps[i] : "the end of the run";
  };
  return absl::StrCat("\n  expected  ", step(a), "\n  came      ", step(b));
}

// Where the two runs part, as closely as the checkpoints of their tapes tell.
std::string BetweenCheckpoints(const Tape& expected, const Tape& came) {
  uint64_t last_same = 0;
  const size_t common = std::min(expected.checkpoints().size(), came.checkpoints().size());
  for (size_t i = 0; i < common; ++i) {
    if (!(expected.checkpoints()[i] == came.checkpoints()[i])) {
      return absl::StrCat("\n  The runs part between the steps ", last_same, " and ", expected.checkpoints()[i].steps,
                          ".");
    }
    last_same = expected.checkpoints()[i].steps;
  }
  return absl::StrCat("\n  The runs part after step ", last_same, ".");
}

}  // namespace

std::string CheckDeterminism(ScheduleRunner& runner, const Tape& tape, const std::string& kind) {
  runner.loop().Reset(tape.seed(), detent::sim::Replay(tape));
  runner.Run(tape.seed());
  const Tape again = runner.tape();
  const std::string divergence = runner.loop().divergence();
  const std::string kind_again = runner.failure().kind();
  const bool same_run = again.fingerprint() == tape.fingerprint();
  if (same_run && kind_again == kind) return "";

  std::string text =
      "the test is not deterministic: the same choices were made again, and the run was another. Something decides "
      "that is "
      "not on the tape: a wall clock, an address, a hash order, std::random_device, a thread, or state that is kept "
      "from "
      "one schedule to the next";
  if (kind_again != kind) {
    absl::StrAppend(&text, "\n  It ", kind.empty() ? "passed" : "failed", " first, and then ",
                    kind_again.empty() ? "passed" : "failed",
                    kind.empty() || kind_again.empty() ? "." : " in another way.");
  }
  if (same_run) return text + "\n  The steps were the same, so it is in what they computed.";
  const std::vector<std::string> first = ReplaySteps(runner, tape);
  for (int i = 0; i < kRepetitions; ++i) {
    const std::vector<std::string> other = ReplaySteps(runner, tape);
    if (first != other) return text + FirstDifference(first, other);
  }
  text += BetweenCheckpoints(tape, again);
  if (!divergence.empty()) absl::StrAppend(&text, "\n  ", divergence, ".");
  return text;
}

}  // namespace detent_testing::internal
