// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/autopsy.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "detent/testing/own_command.h"

namespace detent_testing::internal {
namespace {

constexpr char kVariable[] = "DETENT_INTERNAL_AUTOPSY";
// The descriptors that an autopsy gets: a file with the tape, and the dying process's standard error.
constexpr int kTape = 200;
constexpr int kOutput = 201;
constexpr unsigned kSecondsMax = 20;

pid_t Fork() {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
  return _Fork();  // The other one takes locks.
#else
  return fork();
#endif
}

class Buffer {
 public:
  explicit Buffer(int file) : file_(file) {}
  void Put(char c) {
    if (size_ == buffer_.size()) Flush();
    buffer_[size_++] = c;
  }
  void Flush() {
    for (size_t at = 0; at < size_;) {
      const ssize_t written = write(file_, buffer_.data() + at, size_ - at);
      if (written <= 0) break;
      at += static_cast<size_t>(written);
    }
    size_ = 0;
  }

 private:
  const int file_;
  std::array<char, 512> buffer_;
  size_t size_ = 0;
};

}  // namespace

int Autopsy::Output() {
  static const bool is_one = [] {
    const bool has_variable = std::getenv(kVariable) != nullptr;
    unsetenv(kVariable);  // What the test starts is none.
    return has_variable;
  }();
  return is_one ? kOutput : -1;
}

Autopsy::Autopsy(const std::string& test) : arguments_(OwnArguments()) {
  // The last of two flags counts.
  for (const char* flag : {"--gtest_output=", "--gtest_repeat=1", "--gtest_list_tests=0", "--gtest_break_on_failure=0",
                           "--gtest_also_run_disabled_tests=1"}) {
    arguments_.push_back(flag);
  }
  arguments_.push_back(absl::StrCat("--gtest_filter=", test));
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!IsKeptFromOwnProcesses(*variable) && !absl::StartsWith(*variable, "DETENT_REPLAY=")) {
      environment_.push_back(*variable);
    }
  }
  environment_.push_back(absl::StrCat("DETENT_REPLAY=/proc/self/fd/", kTape));
  environment_.push_back(absl::StrCat(kVariable, "=1"));
  argument_pointers_ = Pointers(arguments_);
  environment_pointers_ = Pointers(environment_);
}

void Autopsy::Run(const detent::sim::Tape& tape) {
  const int file = memfd_create("detent tape", MFD_CLOEXEC);
  if (file < 0) return;
  Buffer buffer(file);
  tape.Spell([](void* to, char c) { static_cast<Buffer*>(to)->Put(c); }, &buffer);
  buffer.Flush();
  const pid_t child = Fork();
  if (child == 0) {
    const int nothing = open("/dev/null", O_RDWR);
    dup2(STDERR_FILENO, kOutput);
    dup2(file, kTape);
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nothing, standard);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    signal(SIGALRM, SIG_DFL);
    alarm(kSecondsMax);
    execve("/proc/self/exe", argument_pointers_.data(), environment_pointers_.data());
    _exit(127);
  }
  close(file);
  while (child > 0 && waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace detent_testing::internal
