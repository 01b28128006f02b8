// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/step_words.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/source_text.h"
#include "detent/runtime/internal/step_text.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/internal/wait_node.h"

namespace detent_testing::internal {
namespace {

std::string At(const std::source_location& place) {
  return detent::internal::IsOurs(place) ? "" : absl::StrCat(", ", detent::internal::SourceText(place));
}

}  // namespace

std::string WordsOf(const detent::sim::Candidate& step) {
  if (!step.IsTask()) {
    detent::internal::StepText text;
    step.step().runnable()->DescribeStep(text);
    const detent::internal::Lane lane = step.lane();
    const uint64_t task = lane.IsTask() ? lane.task_id() : lane.IsDeliveries() ? 0 : lane.source();
    return absl::StrCat("the ", text.what, task == 0 ? "" : absl::StrCat(" of task ", task), At(text.where));
  }
  const detent::internal::TaskState& task = *step.step().task();
  const detent::internal::WaitNode* const wait = task.wait();
  return absl::StrCat("task \"", task.name(), "\", ",
                      step.IsFirst()    ? "from its start"
                      : wait == nullptr ? "after Yield"
                                        : absl::StrCat("after ", wait->Sentence()),
                      At(task.Place()));
}

}  // namespace detent_testing::internal
