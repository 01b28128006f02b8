// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/blocking_step.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/sim/replay.h"
#include "detent/testing/step_words.h"

namespace detent_testing::internal {
namespace {

using Clock = std::chrono::steady_clock;

class StepTimer final : public detent::sim::RunObserver {
 public:
  StepTimer() {}

  void OnStep(const detent::sim::Candidate& step, uint64_t number) override {
    who_ = absl::StrCat(WordsOf(step), ", in step ", number);
    begin_ = Clock::now();
  }
  void AfterStep() override {
    const absl::Duration time = absl::FromChrono(Clock::now() - begin_);
    if (time <= longest_) return;
    longest_ = time;
    longest_of_ = std::move(who_);
  }

  absl::Duration longest() const { return longest_; }
  const std::string& longest_of() const { return longest_of_; }

 private:
  std::string who_;
  Clock::time_point begin_;
  absl::Duration longest_;
  std::string longest_of_;
};

}  // namespace

void SlowestSchedule::Begin() {
  if (limit_ > absl::ZeroDuration()) begin_ = Clock::now();
}

void SlowestSchedule::End(const ScheduleRunner& runner) {
  if (limit_ == absl::ZeroDuration()) return;
  const absl::Duration time = absl::FromChrono(Clock::now() - begin_);
  if (time <= limit_ || time <= time_) return;
  time_ = time;
  tape_ = runner.tape();
}

std::string DescribeBlockingStep(ScheduleRunner& runner, const detent::sim::Tape& tape, absl::Duration limit) {
  StepTimer timer;
  runner.loop().Reset(tape.seed(), detent::sim::Replay(tape));
  runner.AddObserver(&timer);
  runner.Run(tape.seed());
  runner.RemoveObserver(&timer);
  if (timer.longest() <= limit) return "";
  return absl::StrCat("the loop was blocked for ",
                      absl::FormatDuration(absl::Trunc(timer.longest(), absl::Milliseconds(1))), " of real time by ",
                      timer.longest_of(),
                      "; co_await Sleep() instead of sleeping, and give what must block to RunInExecutor()");
}

}  // namespace detent_testing::internal
