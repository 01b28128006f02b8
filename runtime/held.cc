// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/held.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/loop_core.h"

namespace detent::internal {

std::string HolderName(uint64_t task_id) {
  const LoopCore* const core = CurrentCore();
  const TaskState* const holder = core == nullptr ? nullptr : FindTask(*core, task_id);
  if (holder != nullptr) return absl::StrCat("\"", holder->name(), "\"");
  const std::string* const name = core == nullptr ? nullptr : core->ended_names.Find(task_id);
  return name == nullptr ? absl::StrCat("\"task-", task_id, "\", which has ended")
                         : absl::StrCat("\"", *name, "\", which has ended");
}

std::string DescribeHolder(uint64_t task_id) { return absl::StrCat("task ", HolderName(task_id)); }

std::string DescribeHolders(const std::vector<uint64_t>& task_ids) {
  std::string text;
  for (size_t i = 0; i < task_ids.size(); ++i) {
    const auto here = task_ids.begin() + static_cast<ptrdiff_t>(i);
    if (std::find(task_ids.begin(), here, *here) != here) continue;
    absl::StrAppend(&text, text.empty() ? "" : " and ", DescribeHolder(*here));
  }
  return text;
}

void ReportFailedRelease(std::exception_ptr error) noexcept {
  if (IsTearingDown()) return;
  ReportHere(ExceptionContext("a scoped Release() failed", std::move(error), ReportKind::kReleaseFailed));
}

}  // namespace detent::internal
