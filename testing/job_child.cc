// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/job_child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "detent/testing/properties.h"

namespace detent_testing::internal {
namespace {

// The last line of what a job tells: without it the job died while it told.
constexpr char kEnd[] = "end";

std::string Field(const std::string& text) { return absl::StrCat("\n", absl::CEscape(text)); }

}  // namespace

JobChild* JobChild::OfThisProcess() {
  static JobChild* const job = TakeFromEnvironment();
  return job;
}

JobChild* JobChild::TakeFromEnvironment() {
  const char* value = std::getenv(kJobVariable);
  if (value == nullptr) return nullptr;
  unsigned long long index, slice, slices, first;
  int pipe, board, parent;
  if (std::sscanf(value, "%llu,%llu,%llu,%llu,%d,%d,%d", &index, &slice, &slices, &first, &pipe, &board, &parent) !=
      7) {
    std::fprintf(stderr, "%s=%s: this variable is detent's own; unset it\n", kJobVariable, value);
    std::exit(2);
  }
  // What the test starts is no job.
  unsetenv(kJobVariable);
  fcntl(pipe, F_SETFD, FD_CLOEXEC);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) std::_Exit(2);  // It died before that.
  void* const memory = mmap(nullptr, (index + 1) * sizeof(JobSlot), PROT_READ | PROT_WRITE, MAP_SHARED, board, 0);
  if (memory == MAP_FAILED) {
    std::perror("detent: a job cannot map the memory that it shares with its parent");
    std::exit(2);
  }
  close(board);
  return new JobChild(slice, slices, first, pipe, static_cast<JobSlot*>(memory) + index);
}

void JobChild::OnSchedule(uint64_t number, uint64_t fingerprint, bool passed) {
  if (next_ != nullptr) next_->OnSchedule(number, fingerprint, passed);
  distinct_.Add(fingerprint);
  slot_->distinct.store(distinct_.Count(), std::memory_order_relaxed);
  slot_->done.fetch_add(1, std::memory_order_relaxed);
  // One that failed is not behind this job until it has told of it: the parent must not take the job for superfluous.
  if (passed) slot_->last.store(number, std::memory_order_release);
}

void JobChild::Tell(const SearchResult& found) {
  const std::string text = SpellSearchResult(found);
  for (size_t at = 0; at < text.size();) {
    const ssize_t written = write(pipe_, text.data() + at, text.size() - at);
    if (written < 0 && errno != EINTR) return;  // The parent does not listen any more.
    if (written > 0) at += static_cast<size_t>(written);
  }
}

std::string SpellSearchResult(const SearchResult& found) {
  std::string text = absl::StrCat(found.schedules, " ", int{found.failed}, " ", int{found.is_skipped}, " ",
                                  found.number, " ", found.tasks_at_most);
  absl::StrAppend(&text, Field(found.strategy), Field(found.failure.kind()), Field(found.failure.text()),
                  Field(found.number == 0 ? "" : found.tape.ToString()), Field(found.nondeterminism),
                  Field(SometimesCheck::State()), Field(found.distinct.Spell()), Field(found.blocked),
                  Field(found.warning), Field(found.faults.Spell()), "\n", kEnd);
  return text;
}

bool ParseSearchResult(std::string_view text, SearchResult& found) {
  std::vector<std::string> lines = absl::StrSplit(absl::string_view(text.data(), text.size()), '\n');
  if (lines.size() != 12 || lines.back() != kEnd) return false;
  const std::vector<std::string> numbers = absl::StrSplit(lines[0], ' ');
  if (numbers.size() != 5 || !absl::SimpleAtoi(numbers[0], &found.schedules) ||
      !absl::SimpleAtob(numbers[1], &found.failed) || !absl::SimpleAtob(numbers[2], &found.is_skipped) ||
      !absl::SimpleAtoi(numbers[3], &found.number) || !absl::SimpleAtoi(numbers[4], &found.tasks_at_most)) {
    return false;
  }
  for (size_t i = 1; i < lines.size(); ++i) {
    std::string unescaped;
    if (!absl::CUnescape(lines[i], &unescaped)) return false;
    lines[i] = unescaped;
  }
  found.strategy = lines[1];
  if (!lines[2].empty()) found.failure.Add(lines[2], lines[3]);
  if (!lines[4].empty()) {
    absl::StatusOr<detent::sim::Tape> tape = detent::sim::Tape::Parse(lines[4]);
    if (!tape.ok()) return false;
    found.tape = *std::move(tape);
  }
  found.nondeterminism = lines[5];
  if (!found.distinct.Parse(lines[7])) return false;
  found.blocked = lines[8];
  found.warning = lines[9];
  if (!found.faults.Parse(lines[10])) return false;
  for (const absl::string_view property : absl::StrSplit(lines[6], '\n')) {
    if (!property.empty() && !SometimesCheck::Merge(std::string(property))) return false;
  }
  return true;
}

}  // namespace detent_testing::internal
