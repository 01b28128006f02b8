// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/trace.h"

#include <algorithm>
#include <iterator>
#include <source_location>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/source_text.h"
#include "detent/runtime/internal/wait_node.h"
#include "detent/sim/sim_tcp.h"

namespace detent_testing {
namespace {

using detent::internal::TaskState;
using detent::internal::WaitKind;
using detent::internal::WaitNode;
using detent::sim::ChoiceKind;

// Where a task stands; empty if that is in the library, as where the body of a test is spawned.
std::string PlaceOf(const TaskState& task) {
  const std::source_location place = task.Place();
  const std::string_view file = place.file_name();
  const bool is_glue = file.ends_with("testing/schedule.cc") || file.ends_with("testing/test_macros.h");
  return is_glue || detent::internal::IsOurs(place) ? std::string() : detent::internal::SourceText(place);
}

// What a task waits on, in the words of a table that has a column for each task; if it is `over`, from what it goes on.
std::string WaitText(const TaskState& task, bool over) {
  const WaitNode* wait = task.wait();
  if (wait == nullptr) return "Yield";
  std::string text = wait->Describe();
  switch (wait->Kind()) {
    case WaitKind::kShared:
      return text == "its turn" ? "Yield" : absl::StrReplaceAll(text, {{"Shared \"", "\""}});
    case WaitKind::kTask: {
      std::vector<TaskState*> awaited;
      wait->AddBlockers(awaited);  // None if it has ended.
      text = text.substr(0, text.find(" (spawned at "));
      if (!over || !awaited.empty()) return text;
      return absl::StrCat(absl::StrReplaceAll(text, {{"the end of task \"", ""}, {"\"", ""}}), " ended");
    }
    case WaitKind::kLock:
      if (!text.ends_with('"')) return text;
      if (const size_t at = text.find(", held by task \""); at != std::string::npos) {
        text.pop_back();
        text = absl::StrReplaceAll(text, {{", held by task \"", ", held by "}});
      }
      return text;
    case WaitKind::kFuture:
      return absl::StrReplaceAll(text, {{"the end of Gather", "Gather"}, {", 0 pending", ""}});
    default:
      return text;
  }
}

const TaskState* LiveTaskOfLane(uint64_t lane) {
  const detent::internal::LoopCore* core = detent::internal::CurrentCore();
  if (core == nullptr) return nullptr;
  for (const TaskState* task = core->tasks.first(); task != nullptr; task = core->tasks.Next(task)) {
    if (detent::internal::LaneOfTask(task->id()) == lane) return task;
  }
  return nullptr;
}

std::string ChoiceText(const detent::sim::ChoicePoint& point, uint32_t choice) {
  const std::string how_much = absl::StrCat(" (", choice, " of ", point.n() - 1, ")");
  switch (point.kind()) {
    case ChoiceKind::kProgram:
      return absl::StrCat("Choose(", point.n(), ") = ", choice);
    case ChoiceKind::kFault:
      return absl::StrCat("Fault \"", std::string(point.name()), "\"");
    case ChoiceKind::kLatency:
      return absl::StrCat("a message takes longer", how_much);
    case ChoiceKind::kExecutor:
      return absl::StrCat("the executor takes longer", how_much);
    default:
      return absl::StrCat("choice", how_much);
  }
}

}  // namespace

std::string Trace::NameOf(uint64_t lane) const {
  const uint64_t id = lane / 2;
  if (!IsTask(lane)) {
    if (id >= detent::sim::tcp::kFirstDeliverySource) return "a delivery";
    return id == 0 ? "a callback" : absl::StrCat("a callback of ", NameOf(detent::internal::LaneOfTask(id)));
  }
  const auto found = task_names.find(lane);
  if (found == task_names.end()) return absl::StrCat("task-", id);
  const bool is_unique = std::none_of(task_names.begin(), task_names.end(), [&](const auto& other) {
    return other.first != lane && other.second == found->second;
  });
  return is_unique ? found->second : absl::StrCat(found->second, " #", id);
}

TraceEvent TraceRecorder::NewEvent(Kind kind) const {
  TraceEvent event;
  event.kind = kind;
  event.step = step_;
  event.lane = lane_;
  if (const detent::internal::LoopCore* core = detent::internal::CurrentCore()) event.time = core->now;
  return event;
}

void TraceRecorder::Add(TraceEvent event) {
  if (first_.size() < options_.events_max / 2) return first_.push_back(std::move(event));
  last_.push_back(std::move(event));
  if (last_.size() <= options_.events_max - options_.events_max / 2) return;
  TraceEvent& oldest = last_.front();
  if ((oldest.matters || oldest.failed) && kept_.size() < options_.events_max) kept_.push_back(std::move(oldest));
  last_.pop_front();
}

bool TraceRecorder::IsForgettable(uint64_t number) const {
  const uint64_t half = options_.events_max / 2;
  // A step makes one event at least.
  return number > half && number + half < options_.steps_expected;
}

void TraceRecorder::AddFailure(std::string_view what) {
  TraceEvent event = NewEvent(Kind::kFailure);
  event.failed = true;
  // Of several lines one.
  event.text = absl::StrReplaceAll(std::string(what), {{"\n", " "}});
  absl::RemoveExtraAsciiWhitespace(&event.text);
  if (lane_ != 0) {
    inner_.push_back(std::move(event));
  } else {
    Add(std::move(event));
  }
}

void TraceRecorder::LearnName(const detent::sim::Candidate& step) {
  if (step.lane() % 2 != 0 || task_names_.contains(step.lane())) return;
  LearnNameOf(step.lane(), step.IsTask() ? step.step().task() : LiveTaskOfLane(step.lane()));
}

void TraceRecorder::LearnNameOf(uint64_t lane, const TaskState* task) {
  if (task != nullptr) task_names_[lane] = task->name();
}

void TraceRecorder::OnChoice(const detent::sim::ChoicePoint& point, uint32_t choice) {
  if (point.kind() == ChoiceKind::kSchedule) {
    if (choice == 0) return;
    next_matters_ = true;
    next_instead_of_ = point.lane(0);
    LearnName(point.candidate(0));
    return;
  }
  // What the program chose is worth a row; that nothing unusual happened is not.
  if (choice == 0 && point.kind() != ChoiceKind::kProgram) return;
  const bool slips = point.kind() == ChoiceKind::kTime;
  TraceEvent event = NewEvent(slips ? Kind::kSlip : Kind::kChoice);
  event.matters = choice != 0;
  if (slips) {
    event.text = absl::StrCat("here time slips to ", detent::internal::CurrentCore()->timers.earliest().ToString(),
                              " although there is work to do");
  } else {
    event.text = ChoiceText(point, choice);
  }
  if (lane_ != 0) {
    inner_.push_back(std::move(event));
  } else {
    Add(std::move(event));
  }
}

void TraceRecorder::OnStep(const detent::sim::Candidate& step, uint64_t number) {
  step_ = number;
  lane_ = step.lane();
  skipped_ = !next_matters_ && IsForgettable(number);
  if (skipped_) {
    if (step.IsTask()) task_ = detent::internal::StateRef<TaskState>(step.step().task());
    return;
  }
  LearnName(step);
  event_ = NewEvent(step.IsTask() ? Kind::kStep : lane_ % 2 == 0 ? Kind::kHop : Kind::kCallback);
  event_.matters = std::exchange(next_matters_, false);
  event_.instead_of = std::exchange(next_instead_of_, 0);
  if (event_.kind == Kind::kCallback) return;
  if (event_.kind == Kind::kHop) {
    const TaskState* task = LiveTaskOfLane(lane_);
    event_.text = "a wake-up";
    if (task != nullptr && task->wait() != nullptr) {
      absl::StrAppend(&event_.text, " from ", WaitText(*task, /*over=*/true));
    }
    return;
  }
  TaskState* task = step.step().task();
  // Keeps a task that ends until AfterStep() has seen how.
  task_ = detent::internal::StateRef<TaskState>(task);
  event_.place = PlaceOf(*task);
  if (step.IsFirst()) {
    event_.text = "starts";
  } else if (task->wait() != nullptr && task->wait()->TookCancel()) {
    event_.text = absl::StrCat("cancelled in ", WaitText(*task, /*over=*/true));
  } else {
    event_.text = WaitText(*task, /*over=*/true);
  }
}

void TraceRecorder::AfterStep() {
  if (lane_ == 0) return;  // It was Take()n in the middle of the step.
  if (task_) {
    if (task_->status() != detent::internal::Status::kPending) waits_.erase(lane_);
    switch (task_->status()) {
      case detent::internal::Status::kPending:
        waits_.erase(lane_);
        if (task_->wait() != nullptr && task_->wait()->Kind() != WaitKind::kShared) {
          LearnNameOf(lane_, task_.get());
          TraceEvent waits = NewEvent(Kind::kWaits);
          waits.text = absl::StrCat("waits: ", WaitText(*task_, /*over=*/false));
          waits.place = PlaceOf(*task_);
          waits_[lane_] = std::move(waits);
        }
        break;
      case detent::internal::Status::kValue:
        event_.ending = "ends";
        break;
      case detent::internal::Status::kCancelled:
        event_.ending = "is cancelled";
        break;
      case detent::internal::Status::kError:
        if (std::exchange(skipped_, false)) {
          LearnNameOf(lane_, task_.get());
          event_ = NewEvent(Kind::kStep);
          event_.text = "a step";
        }
        event_.failed = true;
        event_.ending = absl::StrCat("fails: ", detent::internal::DescribeException(task_->PeekError()));
        break;
    }
    task_ = detent::internal::StateRef<TaskState>();
  }
  if (!skipped_) Add(std::move(event_));
  for (TraceEvent& inner : inner_) Add(std::move(inner));
  inner_.clear();
  lane_ = 0;
}

Trace TraceRecorder::Take() {
  if (lane_ != 0) AfterStep();
  Trace trace;
  for (auto* part : {&first_, &kept_}) {
    std::move(part->begin(), part->end(), std::back_inserter(trace.events));
    part->clear();
  }
  std::move(last_.begin(), last_.end(), std::back_inserter(trace.events));
  last_.clear();
  // After the step in which the wait began. Waits are of distinct steps, so the order is no question.
  for (auto& [lane, waits] : waits_) {
    const auto after = std::upper_bound(trace.events.begin(), trace.events.end(), waits.step,
                                        [](uint64_t step, const TraceEvent& event) { return step < event.step; });
    // Forgotten with its step: then it stands where the end of the run is kept.
    trace.events.insert(after, std::move(waits));
  }
  waits_.clear();
  next_matters_ = false;
  trace.task_names = std::exchange(task_names_, {});
  return trace;
}

}  // namespace detent_testing
