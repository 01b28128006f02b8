// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/blocking_step.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/sim/replay.h"
#include "detent/testing/step_words.h"

namespace detent_testing::internal {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
// From so many of its ticks on the coarse clock will do.
constexpr int kTicksInLimit = 5;

absl::Duration CoarseTick() {
  timespec tick;
  clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
  return absl::DurationFromTimespec(tick);
}

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

SlowestSchedule::SlowestSchedule(absl::Duration limit)
    : is_coarse_(limit >= kTicksInLimit * CoarseTick()),
      limit_(limit == absl::ZeroDuration()
                 ? kNever
                 : absl::ToInt64Nanoseconds(limit - (is_coarse_ ? CoarseTick() : absl::ZeroDuration()))) {}

int64_t SlowestSchedule::Now() const {
  timespec time;
  clock_gettime(is_coarse_ ? CLOCK_MONOTONIC_COARSE : CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void SlowestSchedule::Begin() {
  if (limit_ != kNever) begin_ = Now();
}

void SlowestSchedule::End(const ScheduleRunner& runner) {
  if (limit_ == kNever) return;
  const int64_t now = Now();
  const int64_t time = now - std::exchange(begin_, now);
  if (time <= std::max(limit_, time_)) return;
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
