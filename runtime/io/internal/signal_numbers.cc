// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/internal/signal_numbers.h"

#include <csignal>
#include <cstring>
#include <stdexcept>

#include "absl/strings/str_cat.h"

namespace detent::internal {
namespace {

static_assert(kAbortSignal == SIGABRT && kKillSignal == SIGKILL && kTerminateSignal == SIGTERM);

// Empty if a program may take it.
const char* WhyNot(int signal) {
  switch (signal) {
    case SIGKILL:
    case SIGSTOP:
      return "the system lets no program take it; clean up on SIGTERM";
    case SIGCHLD:
      return "it tells of child processes, which the loop waits for itself; co_await Process::Wait()";
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGTRAP:
    case SIGABRT:
    case SIGSYS:
      return "it says that the running instruction is at fault, and cannot wait for the loop; correct the fault, or "
             "install a handler of your own";
    case 32:
    case 33:
      return "the C library keeps it for itself; take SIGUSR1, or one from SIGRTMIN on";
    default:
      return "";
  }
}

}  // namespace

std::string SignalName(int signal) {
  const char* const name = sigabbrev_np(signal);
  return name == nullptr ? absl::StrCat("signal ", signal) : absl::StrCat("SIG", name);
}

void RequireSignal(int signal) {
  if (signal >= 1 && signal <= kSignalMax) return;
  throw std::invalid_argument(absl::StrCat("there is no signal ", signal, "; give one of <csignal>, such as SIGTERM"));
}

void RequireTakableSignal(int signal) {
  RequireSignal(signal);
  const char* const why_not = WhyNot(signal);
  if (*why_not != '\0') throw std::invalid_argument(absl::StrCat(SignalName(signal), " cannot be taken: ", why_not));
}

bool EndsProgram(int signal) {
  switch (signal) {
    case SIGCHLD:
    case SIGCONT:
    case SIGURG:
    case SIGWINCH:
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
      return false;
    default:
      return true;
  }
}

}  // namespace detent::internal
