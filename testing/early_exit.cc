// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/early_exit.h"

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace detent_testing::internal {
namespace {

// Whichever thread calls exit().
std::atomic<const EarlyExit*> under_way{nullptr};
pid_t process = 0;  // Not a child that it has forked, which may end when it likes.

bool Tell() {
  const EarlyExit* const early = under_way.exchange(nullptr);
  if (early == nullptr || getpid() != process) return false;
  std::fprintf(stderr, "\n%s\n", early->text().c_str());
  return true;
}

void OnExit(int status, void*) {
  if (!Tell() || status != EXIT_SUCCESS) return;
  std::fflush(nullptr);
  _exit(EXIT_FAILURE);
}

void OnQuickExit() {
  if (Tell()) _exit(EXIT_FAILURE);  // It does not say with what it was called.
}

}  // namespace

EarlyExit::EarlyExit(std::string text) : text_(std::move(text)) {
  process = getpid();
  if (static bool once = false; !std::exchange(once, true)) {
    on_exit(&OnExit, nullptr);
    std::at_quick_exit(&OnQuickExit);
  }
  under_way = this;
}

EarlyExit::~EarlyExit() { under_way = nullptr; }

}  // namespace detent_testing::internal
