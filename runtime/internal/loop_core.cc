// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/loop_core.h"

#include <atomic>
#include <cstdio>
#include <new>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"

namespace detent::internal {

std::string DisownedText(std::string_view what, int64_t process) {
  return absl::StrCat(std::string(what), ": this event loop belongs to process ", process,
                      ", of which this one is a fork(); call _exit() or exec() here, or make a new loop");
}

std::string LoopCore::DisownedText(std::string_view what) const { return internal::DisownedText(what, owner_process_); }

LoopCore::LoopCore(LoopOwner* its_owner)
    : run_number(NextRunNumber()),
      loop_number(run_number),
      owner_(its_owner),
      own_home_(its_owner, run_number),
      thread_marker_(&tls_thread_marker) {}

void LoopCore::EnterHome(const Home* home) {
  const Home& entered = home == nullptr ? own_home_ : *home;
  home_ = home;
  owner_ = entered.owner;
  loop_number = entered.loop_number;
}

void LoopCore::DeleteThis() noexcept { delete this; }

void LoopCore::ThrowWrongThread(const char* what) const {
  if (IsDisowned()) throw InvalidStateError(DisownedText(what));
  throw InvalidStateError(absl::StrCat(what,
                                       ": called on another thread than the event loop's; use "
                                       "CallSoonThreadsafe() or RunCoroutineThreadsafe() from there"));
}

void LoopCore::Report(const ExceptionContext& context) noexcept {
  if (IsClosed()) {
    WriteToStandardError(context);
  } else {
    owner_->CallExceptionHandler(context);
  }
}

void LoopCore::Forget(Runnable* runnable) {
  if (!ready.Remove(runnable) && !IsClosed()) owner_->ForgetReady(runnable);
}

bool LoopCore::MayTakeTurn() noexcept {
  if (IsClosed() || tearing_down) return false;
  try {
    if (!ready.HasRoom()) ready.MakeRoom();
  } catch (const std::bad_alloc&) {
    return false;  // Then without.
  }
  owner_->OnTurn();
  return true;
}

LoopCore& RequireCore(const char* what) {
  if (tls_running_core == nullptr) {
    throw InvalidStateError(absl::StrCat(what,
                                         ": no event loop runs on this thread; call it from code that runs inside "
                                         "EventLoop::Run() or detent::Run()"));
  }
  if (tls_running_core->IsDisowned()) tls_running_core->CheckThread(what);
  return *tls_running_core;
}

TaskState& RequireTask(const char* what) {
  LoopCore& core = RequireCore(what);
  if (core.current_task == nullptr) {
    throw InvalidStateError(absl::StrCat(what, ": no task runs here; call it from a coroutine, not from a callback"));
  }
  return *core.current_task;
}

void ReportHere(const ExceptionContext& context) noexcept {
  if (tls_running_core != nullptr) {
    tls_running_core->Report(context);
  } else {
    WriteToStandardError(context);
  }
}

bool IsTearingDown() { return tls_running_core != nullptr && tls_running_core->tearing_down; }

uint32_t NextRunNumber() {
  // Each thread takes a block at a time: an atomic addition is a good part of a short run.
  constexpr uint32_t kBlock = 1024;
  static std::atomic<uint32_t> next_block{kBlock};
  thread_local uint32_t next = 0;
  if (next % kBlock == 0) next = next_block.fetch_add(kBlock, std::memory_order_relaxed);
  return next++;
}

void WriteToStandardError(const ExceptionContext& context) {
  std::fprintf(stderr, "detent: %s\n", context.ToString().c_str());
}

}  // namespace detent::internal
