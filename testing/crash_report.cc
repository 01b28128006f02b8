// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/crash_report.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/testing/assertion_capture.h"
#include "detent/testing/report/interleaving.h"

// Sanitizers call it before they end the process; null where there is none.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

// libFuzzer has a death callback of its own, which saves the input; fuzz_main.cc prints in another way.
extern "C" __attribute__((weak)) int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace detent_testing::internal {
namespace {

bool WantsDeathCallback() { return __sanitizer_set_death_callback != nullptr && LLVMFuzzerTestOneInput == nullptr; }

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
// A stack that overflowed cannot run its handler.
constexpr size_t kStackSize = 1 << 20;

// How long the interleaving may take.
constexpr unsigned kSecondsMax = 10;

CrashReport* innermost = nullptr;
// How far the report is: it may be interrupted by another signal, and then at least the command is printed.
enum class Stage { kNothing, kBegun, kDone };
std::atomic<Stage> stage{Stage::kNothing};
pid_t process = 0;  // Not that of a fork, which dies for itself.
stack_t previous_stack = {};
struct sigaction previous_actions[std::size(kSignals)];

void Write(const char* text, size_t size) {
  while (size > 0) {
    const ssize_t written = write(Autopsy::Output() < 0 ? STDERR_FILENO : Autopsy::Output(), text, size);
    if (written <= 0) return;
    text += written;
    size -= static_cast<size_t>(written);
  }
}
void Write(const char* text) { Write(text, std::strlen(text)); }

void PrintOnce() { CrashReport::PrintInnermost(); }

// exit(0) in the middle of a test must not look as if all had passed.
void OnExit(int status, void*) {
  const bool is_in_schedule = CrashReport::PrintInnermost();
  if (!is_in_schedule || status != EXIT_SUCCESS) return;
  std::fflush(nullptr);
  _exit(EXIT_FAILURE);
}
void OnQuickExit() {
  if (CrashReport::PrintInnermost()) _exit(EXIT_FAILURE);  // It does not say with what it was called.
}

// Tells, and lets the handler that was there before, or the system, do what it would have done.
void OnSignal(int signal) {
  PrintOnce();
  for (size_t i = 0; i < std::size(kSignals); ++i) {
    if (kSignals[i] == signal) sigaction(signal, &previous_actions[i], nullptr);
  }
  raise(signal);
}

void Install() {
  static char stack[kStackSize];
  stack_t alternate = {};
  alternate.ss_sp = stack;
  alternate.ss_size = sizeof(stack);
  sigaltstack(&alternate, &previous_stack);
  process = getpid();
  if (static bool once = false; !std::exchange(once, true) && LLVMFuzzerTestOneInput == nullptr) {
    on_exit(&OnExit, nullptr);
    std::at_quick_exit(&OnQuickExit);
  }
  for (size_t i = 0; i < std::size(kSignals); ++i) {
    struct sigaction action = {};
    action.sa_handler = &OnSignal;
    action.sa_flags = SA_ONSTACK | SA_NODEFER;
    sigaction(kSignals[i], &action, &previous_actions[i]);
  }
  if (WantsDeathCallback()) __sanitizer_set_death_callback(&PrintOnce);
}

void Uninstall() {
  for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &previous_actions[i], nullptr);
  if (WantsDeathCallback()) __sanitizer_set_death_callback(nullptr);
  sigaltstack(&previous_stack, nullptr);
}

// Gathers characters, so that each is not a system call of its own.
class Line {
 public:
  Line() {}
  ~Line() { Write(buffer_.data(), size_); }
  void Put(char c) {
    if (size_ == buffer_.size()) {
      Write(buffer_.data(), size_);
      size_ = 0;
    }
    buffer_[size_++] = c;
  }

 private:
  std::array<char, 512> buffer_;
  size_t size_ = 0;
};

}  // namespace

CrashReport::CrashReport(const detent::sim::SimLoop& loop, const ReplayCommand& command)
    : loop_(loop), command_(command), outer_(innermost), autopsy_(command.test()) {
  if (outer_ == nullptr) Install();
  innermost = this;
}

CrashReport::~CrashReport() {
  innermost = outer_;
  if (outer_ == nullptr) Uninstall();
}

bool CrashReport::PrintInnermost() {
  if (innermost == nullptr || getpid() != process) return false;
  Stage expected = Stage::kNothing;
  if (stage.compare_exchange_strong(expected, Stage::kBegun)) innermost->PrintAll();
  if (stage.exchange(Stage::kDone) != Stage::kDone && Autopsy::Output() < 0) innermost->PrintCommand();
  return true;
}

void CrashReport::PrintAll() {
  if (Autopsy::Output() < 0) {
    const AssertionCapture* const capture = AssertionCapture::Current();
    if (capture != nullptr && capture->failure()) {
      Write("\ndetent: in the schedule in which the program died these assertions had failed\n");
      Write(capture->failure().text().c_str());
      Write("\n");
    }
  }
  if (recorder_ != nullptr) {
    PrintInterleaving();
  } else if (Autopsy::Output() < 0 && LLVMFuzzerTestOneInput == nullptr) {
    autopsy_.Run(loop_.tape());
  }
}

void CrashReport::PrintInterleaving() {
  signal(SIGALRM, SIG_DFL);
  alarm(kSecondsMax);
  recorder_->AddFailure("the program died");
  const Trace trace = std::exchange(recorder_, nullptr)->Take();
  if (file_ != nullptr) {
    RenderOptions all;
    all.lines_max = kAllLines;
    all.width = kAnyWidth;
    std::ofstream(file_) << RenderInterleaving(trace, all);
  }
  const std::string text = absl::StrCat("\n", RenderInterleaving(trace, RenderOptions()));
  Write(text.data(), text.size());
  alarm(0);
}

void CrashReport::PrintCommand() const {
  Write("\ndetent: the program died in this schedule; replay it with\n  ");
  Write(command_.before().c_str());
  {
    Line line;
    loop_.tape().Spell([](void* to, char c) { static_cast<Line*>(to)->Put(c); }, &line);
  }
  Write(command_.after().c_str());
  Write("\n");
}

}  // namespace detent_testing::internal
