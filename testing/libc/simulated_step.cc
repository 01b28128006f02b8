// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/libc/simulated_step.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <set>
#include <source_location>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "detent/runtime/exception_context.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/source_text.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/sim/sim_loop.h"

namespace detent_testing::internal {
namespace {

using detent::internal::LoopCore;

// What was reported in this run of this thread's loop.
class Reported {
 public:
  bool IsNew(uint32_t run, std::string_view function) {
    if (run_ != run) functions_.clear();
    run_ = run;
    return functions_.insert(std::string(function)).second;
  }

 private:
  uint32_t run_ = 0;
  std::set<std::string> functions_;
};

std::string WhoRuns(const LoopCore& core) {
  if (core.current_task == nullptr) return "a callback";
  const std::source_location place = core.current_task->Place();
  return absl::StrCat("task \"", core.current_task->name(), "\"",
                      detent::internal::IsOurs(place) ? "" : ", in the step from ",
                      detent::internal::IsOurs(place) ? "" : detent::internal::SourceText(place));
}

}  // namespace

detent::EventLoop* LoopOfStep() {
  LoopCore* const core = detent::internal::CurrentCore();
  if (core == nullptr || (core->current_task == nullptr && core->callback_source == 0)) return nullptr;
  auto* const loop = dynamic_cast<detent::EventLoop*>(&core->owner());
  // What stands in front of a core with homes is simulated too.
  return core->has_homes || dynamic_cast<detent::sim::SimLoop*>(loop) != nullptr ? loop : nullptr;
}

void* NextSymbol(const char* name) {
  // AddressSanitizer's interceptors stand in the program itself, as we do, and have a second name.
  for (const char* const prefix : {"___interceptor_", "__interceptor_"}) {
    if (void* const next = dlsym(RTLD_DEFAULT, (std::string(prefix) + name).c_str())) return next;
  }
  if (void* const next = dlsym(RTLD_NEXT, name)) return next;
  constexpr char kText[] = "detent: testing:libc finds no definition behind its own of ";
  (void)!write(STDERR_FILENO, kText, sizeof(kText) - 1);
  (void)!write(STDERR_FILENO, name, std::strlen(name));
  (void)!write(STDERR_FILENO, "\n", 1);
  std::abort();
}

void ReportLeak(detent::EventLoop& loop, const char* function, const char* instead) {
  static thread_local Reported reported;
  const LoopCore& core = *detent::internal::CurrentCore();
  if (!reported.IsNew(core.run_number, function)) return;
  const std::source_location place = core.current_task == nullptr ? std::source_location() : core.current_task->Place();
  loop.CallExceptionHandler(
      detent::ExceptionContext(absl::StrCat(function, "() in a simulated step, by ", WhoRuns(core), ": ", instead),
                               nullptr, detent::ReportKind::kOther, place));
}

}  // namespace detent_testing::internal
