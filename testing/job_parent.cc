// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/job_parent.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "detent/sim/replay.h"
#include "detent/testing/job_child.h"
#include "detent/testing/own_command.h"
#include "detent/testing/progress.h"
#include "detent/testing/settings.h"

namespace detent_testing::internal {
namespace {

// How much of a job's standard error is kept.
constexpr size_t kErrorsKept = 65536;
// How often to look how far the jobs are.
constexpr int kLookEveryMs = 20;
// How long a job that was asked to end may take to.
constexpr absl::Duration kPatience = absl::Seconds(2);

[[noreturn]] void ThrowErrno(const char* what) {
  throw std::runtime_error(absl::StrCat("--detent_jobs: ", what, ": ", std::strerror(errno)));
}

class Pipe {
 public:
  Pipe() {
    if (pipe2(ends_, O_CLOEXEC) != 0) ThrowErrno("cannot make a pipe");
    fcntl(ends_[0], F_SETFL, O_NONBLOCK);
  }
  ~Pipe() {
    CloseWriter();
    close(ends_[0]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }
  void CloseWriter() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }
  // Appends what is in the pipe to `text`; false if nothing will ever come again.
  bool Read(std::string& text) {
    std::array<char, 16384> buffer;
    while (true) {
      const ssize_t n = read(ends_[0], buffer.data(), buffer.size());
      if (n == 0) return false;
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno == EAGAIN;
      text.append(buffer.data(), static_cast<size_t>(n));
    }
  }

 private:
  int ends_[2];
};

// The memory in which the jobs count.
class Board {
 public:
  explicit Board(uint64_t jobs) : size_(jobs * sizeof(JobSlot)), descriptor_(memfd_create("detent jobs", MFD_CLOEXEC)) {
    if (descriptor_ < 0 || ftruncate(descriptor_, static_cast<off_t>(size_)) != 0)
      ThrowErrno("cannot get memory to share");
    void* const memory = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
    if (memory == MAP_FAILED) ThrowErrno("cannot map the memory to share");
    slots_ = static_cast<JobSlot*>(memory);
  }
  ~Board() {
    munmap(slots_, size_);
    close(descriptor_);
  }
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  int descriptor() const { return descriptor_; }
  const JobSlot& operator[](uint64_t i) const { return slots_[i]; }

 private:
  const size_t size_;
  const int descriptor_;
  JobSlot* slots_;
};

// One of the processes, seen from the parent.
class JobProcess {
 public:
  // Job `index` of `jobs`, which runs the schedules of `options`.
  JobProcess(uint64_t index, uint64_t jobs, const Options& options, const Board& board, const std::string& filter)
      : index_(index), jobs_(jobs) {
    std::vector<std::string> arguments = OwnArguments();
    // The last of two flags counts.
    for (const std::string& flag : {absl::StrCat("--gtest_filter=", filter), std::string("--gtest_output="),
                                    std::string("--gtest_repeat=1"), std::string("--gtest_list_tests=0")}) {
      arguments.push_back(flag);
    }
    std::vector<std::string> environment;
    for (char** variable = environ; *variable != nullptr; ++variable) {
      if (!IsKeptFromOwnProcesses(*variable)) environment.push_back(*variable);
    }
    environment.push_back(absl::StrCat(kJobVariable, "=", index, ",", options.slice, ",", options.slices, ",",
                                       options.first, ",", result_.writer(), ",", board.descriptor(), ",", getpid()));
    environment.push_back(absl::StrCat(kSeedVariable, "=", options.seed));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, errors_.writer(), STDERR_FILENO);
    // Duplicated onto themselves, so that they stay open.
    posix_spawn_file_actions_adddup2(&actions, result_.writer(), result_.writer());
    posix_spawn_file_actions_adddup2(&actions, board.descriptor(), board.descriptor());
    errno = posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, Pointers(arguments).data(),
                        Pointers(environment).data());
    posix_spawn_file_actions_destroy(&actions);
    if (errno != 0) ThrowErrno("cannot start this program again");
    result_.CloseWriter();
    errors_.CloseWriter();
  }
  // Ends the process, which still runs only if the search has thrown.
  ~JobProcess() {
    if (has_ended_) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  JobProcess(const JobProcess&) = delete;
  JobProcess& operator=(const JobProcess&) = delete;

  bool has_ended() const { return has_ended_; }
  // It was asked to end before its time.
  bool is_superfluous() const { return superfluous_since_ != absl::InfiniteFuture(); }
  int result_descriptor() const { return result_.reader(); }
  // Negative, which poll() ignores, once the job has closed its standard error.
  int errors_descriptor() const { return errors_open_ ? errors_.reader() : -1; }
  const std::string& errors() const { return errors_text_; }

  // Reads what the job has written so far, and takes note of its end.
  void Read() {
    if (errors_open_ && !errors_.Read(errors_text_)) errors_open_ = false;
    if (errors_text_.size() > kErrorsKept) {
      errors_text_ = absl::StrCat("...", errors_text_.substr(errors_text_.size() - kErrorsKept));
    }
    if (result_.Read(result_text_)) return;
    while (waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    has_ended_ = true;
    if (errors_open_) errors_.Read(errors_text_);
  }

  // What the job found or, if it died, how; `next` is the schedule that it was running or would have run next.
  // REQUIRES: has_ended(), and not is_superfluous().
  SearchResult Take(uint64_t next) const {
    SearchResult found;
    const bool has_told = ParseSearchResult(result_text_, found);
    if (has_told && (status_ == 0 || found.failed)) return found;
    found = SearchResult();
    found.failed = true;
    found.number = next;
    found.death = absl::StrCat("job ", index_ + 1, " of ", jobs_, " ", DescribeEnd(),
                               has_told ? " after its last schedule" : absl::StrCat(" in schedule ", next),
                               errors_text_.empty() ? "; it wrote nothing to standard error"
                                                    : absl::StrCat("; its standard error was\n", errors_text_));
    if (has_told) found.number = ~uint64_t{0};  // Any other failure came before.
    return found;
  }

  // Asks the process to end, and after a while makes it.
  void End(absl::Time now) {
    if (!is_superfluous()) {
      superfluous_since_ = now;
      kill(pid_, SIGTERM);
    } else if (now - superfluous_since_ > kPatience) {
      kill(pid_, SIGKILL);
    }
  }

 private:
  std::string DescribeEnd() const {
    if (WIFSIGNALED(status_))
      return absl::StrCat("died of signal ", WTERMSIG(status_), " (", strsignal(WTERMSIG(status_)), ")");
    if (WEXITSTATUS(status_) != 0) return absl::StrCat("ended with exit code ", WEXITSTATUS(status_));
    return "ended with exit code 0 but without a result (it called _exit(), or main() does not hand its arguments to "
           "InitGoogleTest())";
  }

  const uint64_t index_;
  const uint64_t jobs_;
  Pipe result_;
  Pipe errors_;
  bool errors_open_ = true;
  std::string result_text_;
  std::string errors_text_;
  pid_t pid_ = -1;
  int status_ = 0;
  bool has_ended_ = false;
  absl::Time superfluous_since_ = absl::InfiniteFuture();
};

class JobsSearch {
 public:
  JobsSearch(ScheduleRunner& runner, const Options& options, uint64_t jobs)
      : runner_(runner), options_(options), jobs_(jobs), board_(jobs) {
    const bool is_timed = options.search_time > absl::ZeroDuration();
    if (options.progress) {
      progress_.emplace(is_timed ? ~uint64_t{0} : options.schedules / options.slices,
                        is_timed ? absl::Now() + options.search_time : absl::InfiniteFuture());
    }
  }

  SearchResult Run(const std::string& filter) {
    for (uint64_t i = 0; i < jobs_; ++i) {
      processes_.push_back(std::make_unique<JobProcess>(i, jobs_, OptionsOf(i), board_, filter));
    }
    while (
        std::any_of(processes_.begin(), processes_.end(), [](const auto& process) { return !process->has_ended(); })) {
      Wait();
      for (uint64_t i = 0; i < jobs_; ++i) {
        if (!processes_[i]->has_ended()) Look(i);
      }
      ShowProgress();
    }
    progress_.reset();
    best_.AddCounts(all_);
    best_.schedules = 0;
    for (uint64_t i = 0; i < jobs_; ++i) best_.schedules += board_[i].done;
    if (best_.death.empty() && IsOver()) RunHere();
    return std::move(best_);
  }

 private:
  void Wait() const {
    std::vector<pollfd> descriptors;
    for (const auto& process : processes_) {
      if (process->has_ended()) continue;
      descriptors.push_back({process->result_descriptor(), POLLIN, 0});
      descriptors.push_back({process->errors_descriptor(), POLLIN, 0});
    }
    poll(descriptors.data(), descriptors.size(), kLookEveryMs);
  }

  void Look(uint64_t i) {
    JobProcess& process = *processes_[i];
    process.Read();
    if (!process.has_ended()) {
      if (IsOver() && NextOf(i) > best_.number) process.End(absl::Now());
      return;
    }
    if (process.is_superfluous()) return;
    SearchResult found = process.Take(NextOf(i));
    if (found.death.empty()) std::fputs(process.errors().c_str(), stderr);
    if (!found.failed && !found.is_skipped) return all_.AddCounts(found);
    if (!IsOver() || found.number < best_.number) {
      best_ = std::move(found);
      job_of_best_ = i;
    }
  }

  // The options of job i: its share of this process's share.
  Options OptionsOf(uint64_t i) const {
    Options options = options_;
    options.slice += i * options_.slices;
    options.slices *= jobs_;
    return options;
  }

  // The number of the schedule that job i runs, or runs next.
  uint64_t NextOf(uint64_t i) const {
    const Options of_job = OptionsOf(i);
    const uint64_t last = board_[i].last.load(std::memory_order_acquire);
    return last == 0 ? FirstIndexOfSlice(of_job) + 1 : last + of_job.slices;
  }

  // Runs the best result's schedule in this process, where it must fail as it did in the job.
  void RunHere() {
    runner_.loop().Reset(best_.tape.seed(), detent::sim::Replay(best_.tape));
    runner_.Run(best_.tape.seed());
    if (!best_.nondeterminism.empty()) return;
    if (runner_.failure().kind() == best_.failure.kind() && runner_.tape().fingerprint() == best_.tape.fingerprint()) {
      best_.failure = runner_.failure();
      return;
    }
    best_.nondeterminism =
        absl::StrCat("this happened in job ", job_of_best_ + 1, " of ", jobs_, "; in this process the same schedule ",
                     runner_.failure() ? absl::StrCat("failed otherwise: ", runner_.failure().text()) : "passes",
                     "\nthe test is not deterministic: something decides that outlives a schedule or differs between "
                     "processes, such as a global variable, an address, a file");
    best_.failed = true;
  }

  void ShowProgress() {
    if (!progress_) return;
    uint64_t done = 0, distinct = 0;
    for (uint64_t i = 0; i < jobs_; ++i) {
      done += board_[i].done;
      distinct += board_[i].distinct;
    }
    progress_->OnSchedules(done, distinct);
  }

  bool IsOver() const { return best_.failed || best_.is_skipped; }

  ScheduleRunner& runner_;
  const Options& options_;
  const uint64_t jobs_;
  const Board board_;
  std::vector<std::unique_ptr<JobProcess>> processes_;
  std::optional<Progress> progress_;
  SearchResult best_;  // The result with the lowest number, of those that failed or were skipped.
  uint64_t job_of_best_ = 0;
  SearchResult all_;  // What the jobs that found nothing have counted.
};

}  // namespace

SearchResult SearchInJobs(ScheduleRunner& runner, const Options& options, uint64_t jobs, const std::string& filter) {
  return JobsSearch(runner, options, jobs).Run(filter);
}

}  // namespace detent_testing::internal
