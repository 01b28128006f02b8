// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/cancel_points.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/source_text.h"
#include "detent/runtime/internal/wait_node.h"

namespace detent_testing::internal {
namespace {

using detent::internal::TaskState;
using detent::internal::WaitNode;

constexpr std::string_view kEveryTask = "*";

}  // namespace

bool CancelPoints::IsVictim(const TaskState& task) const {
  if (name_.empty()) return task.id() == first_id_;
  if (task.id() < first_id_) return false;
  return name_ == kEveryTask || (task.HasExtras() && task.name() == name_);
}

bool CancelPoints::IsAwaitedByBody(const TaskState& task) const {
  if (!body_ || body_.Done()) return false;
  std::vector<TaskState*> awaited;
  if (const WaitNode* const wait = body_.task_state().wait()) wait->AddBlockers(awaited);
  for (size_t i = 0; i < awaited.size(); ++i) {
    if (awaited[i] == &task) return true;
    const WaitNode* const wait = awaited[i]->wait();
    std::vector<TaskState*> more;
    if (wait != nullptr) wait->AddBlockers(more);
    for (TaskState* const each : more) {
      if (std::find(awaited.begin(), awaited.end(), each) == awaited.end()) awaited.push_back(each);
    }
  }
  return false;
}

void CancelPoints::OnStep(const detent::sim::Candidate& step, uint64_t) {
  if (stopped_ || !step.IsTask()) return;
  TaskState& task = *step.step().task();
  if (IsVictim(task)) {
    saw_task_ = true;
    if (name_.empty()) body_ = detent::AnyTask(&task);
  } else if (!IsAwaitedByBody(task)) {
    return;
  }
  running_ = detent::AnyTask(&task);
  if (!task.started()) {
    // A body that never began has nothing to break.
    if (task.id() != first_id_) Pass(Moment::kBegins, task);
  } else if (task.wait_before_step() == nullptr) {
    ++awaits_;
    Pass(Moment::kGoesOn, task);
  } else if (!task.wait_before_step()->TookCancel()) {
    Pass(Moment::kGoesOn, task);
  }
}

void CancelPoints::AfterStep() {
  if (!running_) return;
  const detent::AnyTask task = std::exchange(running_, detent::AnyTask());
  const WaitNode* const wait = task.task_state().wait();
  if (wait == nullptr || wait->TookCancel()) return;
  // The body may not wait for it any more: it was let go in this step, or the body is about to go on.
  if (!IsVictim(task.task_state()) && !IsAwaitedByBody(task.task_state())) return;
  ++awaits_;
  Pass(Moment::kWaits, task.task_state());
}

void CancelPoints::Pass(Moment moment, TaskState& task) {
  // Which of several tasks' moments has a number depends on their order.
  detent::internal::NoteUnknownAccess(task.core());
  const bool strikes = next_ < strikes_.size() && strikes_[next_] == moments_;
  ++moments_;
  if (strikes_.empty() || (next_ > 0 && !strikes)) return;
  if (next_ == 0) {
    std::string place = detent::internal::SourceText(task.Place());
    const bool is_new = moment == Moment::kWaits || task.wait_before_step() == nullptr;
    const uint64_t visit = visits_[{task.id(), place}] += is_new ? 1 : 0;
    if (!strikes) return;
    place_ = std::move(place);
    story_ = absl::StrCat(Story(moment, task), " (await ", awaits_,
                          visit > 1 ? absl::StrCat(", time ", visit, " here") : "", ")");
    victim_ = IsVictim(task) ? detent::AnyTask(&task) : body_;
  }
  ++next_;
  if (timeout_ != nullptr) {
    timeout_->Strike();
  } else {
    (IsVictim(task) ? detent::AnyTask(&task) : body_).Cancel();
  }
}

std::string CancelPoints::Story(Moment moment, const TaskState& task) const {
  const TaskState& victim = IsVictim(task) ? task : body_.task_state();
  const std::string who =
      absl::StrCat(timeout_ != nullptr ? "a time-out strikes task \"" : "task \"", victim.name(), "\"",
                   &victim == &task ? "" : absl::StrCat(", which awaits task \"", task.name(), "\","));
  const char* const verb = timeout_ != nullptr ? "" : " is cancelled";
  if (moment == Moment::kBegins) return absl::StrCat(who, verb, " before its first step");
  const WaitNode* const wait = task.wait_before_step();
  const std::string what = wait == nullptr ? "Yield" : wait->Sentence();
  return moment == Moment::kWaits ? absl::StrCat(who, verb, " in ", what)
                                  : absl::StrCat(who, verb, " as it goes on from ", what);
}

}  // namespace detent_testing::internal
