// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/crash.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

// Sanitizers call it before they end the process; null where there is none.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

// libFuzzer has a death callback of its own, which saves the input; fuzz.cc prints in another way.
extern "C" __attribute__((weak)) int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace detent_testing::internal {
namespace {

bool WantsDeathCallback() { return __sanitizer_set_death_callback != nullptr && LLVMFuzzerTestOneInput == nullptr; }

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
// A stack that overflowed cannot run its handler.
constexpr size_t kStackSize = 65536;

CrashReporter* the_reporter = nullptr;
std::atomic<bool> has_printed{false};
struct sigaction previous_actions[std::size(kSignals)];

void Write(const char* text, size_t size) {
  while (size > 0) {
    const ssize_t written = write(STDERR_FILENO, text, size);
    if (written <= 0) return;
    text += written;
    size -= static_cast<size_t>(written);
  }
}
void Write(const char* text) { Write(text, std::strlen(text)); }

void PrintOnce() {
  if (the_reporter != nullptr && !has_printed.exchange(true)) the_reporter->Print();
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
  stack_t existing = {};
  alternate.ss_sp = stack;
  alternate.ss_size = sizeof(stack);
  if (sigaltstack(nullptr, &existing) == 0 && (existing.ss_flags & SS_DISABLE) != 0) sigaltstack(&alternate, nullptr);
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

CrashReporter::CrashReporter(const detent::sim::SimLoop& loop, std::string before, std::string after)
    : loop_(loop), before_(std::move(before)), after_(std::move(after)), outer_(the_reporter) {
  if (outer_ == nullptr) Install();
  the_reporter = this;
}

CrashReporter::~CrashReporter() {
  the_reporter = outer_;
  if (outer_ == nullptr) Uninstall();
}

void CrashReporter::PrintInnermost() { PrintOnce(); }

void CrashReporter::Print() const {
  Write("\ndetent: the program died in this schedule; replay it with\n  ");
  Write(before_.c_str());
  {
    Line line;
    loop_.tape().Spell([](void* to, char c) { static_cast<Line*>(to)->Put(c); }, &line);
  }
  Write(after_.c_str());
  Write("\n");
}

}  // namespace detent_testing::internal
