// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace detent_testing::internal {
namespace {

constexpr absl::Duration kOnTerminalEvery = absl::Seconds(1);
constexpr absl::Duration kInLogEvery = absl::Seconds(30);
// Reading the clock would be a good part of a short schedule.
constexpr uint64_t kLookEvery = 64;

std::string WithCommas(uint64_t number) {
  std::string text = absl::StrCat(number);
  for (size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

}  // namespace

std::string ProgressText(uint64_t done, absl::Duration elapsed, uint64_t distinct, uint64_t schedules,
                         absl::Duration left) {
  const double rate = static_cast<double>(done) / std::max(absl::ToDoubleSeconds(elapsed), 1e-3);
  if (left == absl::InfiniteDuration() && rate > 0 && schedules > done) {
    left = absl::Seconds(static_cast<double>(schedules - done) / rate);
  }
  return absl::StrCat(
      WithCommas(done), schedules == ~uint64_t{0} ? "" : absl::StrCat(" of ", WithCommas(schedules)), " schedules, ",
      WithCommas(static_cast<uint64_t>(rate)), " a second, ", WithCommas(distinct), " distinct, ",
      absl::FormatDuration(absl::Trunc(std::max(left, absl::ZeroDuration()), absl::Seconds(1))), " left");
}

Progress::Progress(uint64_t schedules, absl::Time deadline)
    : schedules_(schedules),
      deadline_(deadline),
      start_(absl::Now()),
      is_terminal_(isatty(STDERR_FILENO) == 1),
      next_print_(start_ + (is_terminal_ ? kOnTerminalEvery : kInLogEvery)) {}

Progress::~Progress() {
  if (printed_ && is_terminal_) std::fputc('\n', stderr);
}

void Progress::OnSchedules(uint64_t count, uint64_t distinct) {
  done_ = count;
  distinct_ = distinct;
  MaybePrint();
}

void Progress::MaybePrint() {
  if (done_ < done_at_next_look_) return;
  done_at_next_look_ = done_ + kLookEvery;
  const absl::Time now = absl::Now();
  if (now < next_print_) return;
  next_print_ = now + (is_terminal_ ? kOnTerminalEvery : kInLogEvery);
  printed_ = true;
  const std::string text = ProgressText(done_, now - start_, distinct_, schedules_, deadline_ - now);
  std::fprintf(stderr, is_terminal_ ? "\r\033[K[ detent   ] %s" : "[ detent   ] %s\n", text.c_str());
  std::fflush(stderr);
}

}  // namespace detent_testing::internal
