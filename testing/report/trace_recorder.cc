// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/report/trace_recorder.h"

#include <algorithm>
#include <iterator>
#include <source_location>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/lane.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/source_text.h"
#include "detent/runtime/internal/step_text.h"
#include "detent/runtime/internal/wait_node.h"

namespace detent_testing {
namespace {

using detent::internal::StepText;
using detent::internal::TaskState;
using detent::internal::WaitKind;
using detent::internal::WaitNode;
using detent::sim::ChoiceKind;

std::string TextOf(const std::source_location& place) {
  return detent::internal::IsOurs(place) ? std::string() : detent::internal::SourceText(place);
}

const TaskState* LiveTaskOfLane(Lane lane) {
  const detent::internal::LoopCore* core = detent::internal::CurrentCore();
  if (core == nullptr) return nullptr;
  return detent::internal::FindTask(*core, lane.task_id());
}

// What a step that no task takes is.
StepText DescribeStep(const detent::sim::Candidate& step) {
  StepText text;
  if (step.lane().IsDeliveries()) text.what = "delivery";
  if (!step.IsTask()) step.step().runnable()->DescribeStep(text);
  return text;
}

// What was chosen; after it comes `in alice`.
std::string DescribeChoice(const detent::sim::ChoicePoint& point, uint32_t choice) {
  switch (point.kind()) {
    case ChoiceKind::kProgram:
      return absl::StrCat("Choose(", point.n(), ") = ", choice);
    case ChoiceKind::kFault:
      if (point.opportunity() != nullptr) break;
      return absl::StrCat("Fault \"", std::string(point.name()), "\" strikes");
    case ChoiceKind::kExecutor:
      if (point.n() == 2) return "a function in the executor that was cancelled does not run";
      break;
    default:
      break;
  }
  const std::vector<std::string> lines = absl::StrSplit(std::string(point.name()), '\n');
  return choice <= lines.size() ? lines[choice - 1] : absl::StrCat("choice ", choice, " of ", point.n());
}

// From what `task` goes on, or for what it waits.
void DescribeWait(const TaskState& task, TraceEvent& event) {
  if (const WaitNode* wait = task.wait()) {
    wait->Describe(event.wait.emplace());
  } else {
    event.text = "Yield";
  }
}

}  // namespace

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
  if (lane_) {
    inner_.push_back(std::move(event));
  } else {
    Add(std::move(event));
  }
}

void TraceRecorder::ForgetPast() {
  first_.clear();
  kept_.clear();
  last_.clear();
}

void TraceRecorder::LearnName(const detent::sim::Candidate& step) {
  if (!step.lane().IsTask() || task_names_.contains(step.lane())) return;
  LearnNameOf(step.lane(), step.IsTask() ? step.step().task() : LiveTaskOfLane(step.lane()));
}

void TraceRecorder::LearnNameOf(Lane lane, const TaskState* task) {
  if (task != nullptr) task_names_[lane] = task->name();
}

void TraceRecorder::OnChoice(const detent::sim::ChoicePoint& point, uint32_t choice) {
  if (point.kind() == ChoiceKind::kSchedule) {
    if (choice == 0) return;
    next_matters_ = true;
    next_instead_of_ = point.lane(0);
    next_instead_of_what_ = DescribeStep(point.candidate(0)).what;
    LearnName(point.candidate(0));
    return;
  }
  // What the program chose is worth a row; that nothing unusual happened is not.
  if (choice == 0 && point.kind() != ChoiceKind::kProgram) return;
  const bool slips = point.kind() == ChoiceKind::kTime;
  TraceEvent event = NewEvent(slips ? Kind::kSlip : Kind::kChoice);
  event.matters = choice != 0;
  if (slips) {
    event.text = absl::StrCat("time slips to ", std::string(point.name()), " although there is work to do");
  } else {
    event.text = DescribeChoice(point, choice);
  }
  if (lane_) {
    inner_.push_back(std::move(event));
  } else {
    Add(std::move(event));
  }
}

void TraceRecorder::OnStep(const detent::sim::Candidate& step, uint64_t number) {
  step_ = number;
  lane_ = step.lane();
  BeginToListen();
  skipped_ = !next_matters_ && IsForgettable(number);
  if (skipped_) {
    if (step.IsTask()) task_ = detent::internal::Ref<TaskState>(step.step().task());
    return;
  }
  LearnName(step);
  event_ = NewEvent(step.IsTask() ? Kind::kStep : lane_.IsTask() ? Kind::kHop : Kind::kCallback);
  event_.matters = std::exchange(next_matters_, false);
  event_.instead_of = std::exchange(next_instead_of_, Lane());
  event_.instead_of_what = std::exchange(next_instead_of_what_, "");
  if (event_.kind == Kind::kStep) return DescribeTaskStep(step);
  if (event_.kind == Kind::kCallback) {
    const StepText text = DescribeStep(step);
    event_.text = text.what;
    event_.place = TextOf(text.where);
    return;
  }
  const TaskState* task = LiveTaskOfLane(lane_);
  event_.text = "a wake-up";
  if (task == nullptr) return;
  event_.place = PlaceOf(*task);
  if (task->wait() != nullptr) DescribeWait(*task, event_);
}

void TraceRecorder::DescribeTaskStep(const detent::sim::Candidate& step) {
  TaskState* task = step.step().task();
  // Keeps a task that ends until AfterStep() has seen how.
  task_ = detent::internal::Ref<TaskState>(task);
  event_.place = PlaceOf(*task);
  event_.was_cancelled = task->MustCancel() || (task->wait() != nullptr && task->wait()->TookCancel());
  if (event_.was_cancelled) {
    if (const auto found = cancels_.find(lane_); found != cancels_.end()) {
      event_.cancelled_by = found->second.lane;
      event_.cancelled_as = found->second.name;
      event_.timed_out = found->second.is_time_out;
      cancels_.erase(found);
    }
  }
  if (step.IsFirst()) {
    event_.text = "starts";
    return;
  }
  DescribeWait(*task, event_);
  const detent::internal::WaitNode* const wait = task->wait();
  if (wait == nullptr || wait->Kind() != WaitKind::kFuture || event_.was_cancelled) return;
  const auto completion = completions_.find(wait->Object()->NumberIfAny(task->core()));
  if (completion == completions_.end()) return;
  event_.completed_by = completion->second.first;
  event_.completed_call = completion->second.second;
}

std::string TraceRecorder::PlaceOf(const TaskState& task) const {
  std::string place = TextOf(task.Place());
  if (!place.empty() || options_.body_file == nullptr || task.id() != 1) return place;
  const std::string_view file = options_.body_file;
  return absl::StrCat(std::string(file.substr(file.rfind('/') + 1)), ":", options_.body_line);
}

void TraceRecorder::BeginToListen() {
  detent::internal::LoopCore* const core = detent::internal::CurrentCore();
  if (core == nullptr || core->recorder != nullptr) return;
  core->AddReference();
  core->recorder = this;
  listens_to_ = core;
}

void TraceRecorder::EndToListen() {
  detent::internal::LoopCore* const core = std::exchange(listens_to_, nullptr);
  if (core == nullptr) return;
  core->recorder = nullptr;
  core->DropReference();
}

void TraceRecorder::OnCancel(uint64_t task_id) {
  const bool is_time_out = event_.kind == Kind::kCallback && event_.text == "time-out";
  const Lane task = Lane::OfTask(task_id);
  // If it is asked for twice, the first is what it hears of.
  const Lane by = actor_ == detent::internal::Actor::kProgram ? lane_ : actor_lane_;
  cancels_.emplace(task, Canceller(by, actor_, is_time_out && !skipped_));
}

void TraceRecorder::OnActor(detent::internal::Actor actor, uint64_t task_id) {
  actor_ = actor;
  actor_lane_ = Lane::OfTask(task_id);
}

void TraceRecorder::OnComplete(const detent::internal::WaitObject& future, const char* call) {
  completions_[future.Ordinal(*detent::internal::CurrentCore())] = {lane_, call};
  if (skipped_) return;
  TraceEvent event = NewEvent(Kind::kChoice);
  event.text = call;
  inner_.push_back(std::move(event));
}

void TraceRecorder::NoteEndOfBody(const std::exception_ptr& error, bool cancelled) {
  ended_body_ = lane_;
  if (!lane_ || skipped_) return;
  event_.failed = error != nullptr;
  event_.ending = cancelled          ? "is cancelled"
                  : error == nullptr ? "ends"
                                     : absl::StrCat("fails: ", detent::internal::DescribeException(error));
}

void TraceRecorder::OnValue(std::string_view value) {
  // The access is what the task went on from.
  if (!skipped_ && event_.kind == Kind::kStep) event_.value = std::string(value);
}

bool TraceRecorder::RunsCancelledStep(std::string& by) const {
  if (!lane_ || skipped_ || !event_.was_cancelled) return false;
  Trace names;
  names.task_names = task_names_;
  by = names.DescribeCanceller(event_);
  return true;
}

void TraceRecorder::AfterStep() {
  if (!lane_) return;  // It was Take()n in the middle of the step.
  EndToListen();
  if (task_) {
    if (task_->status() != detent::internal::Status::kPending) waits_.erase(lane_);
    switch (task_->status()) {
      case detent::internal::Status::kPending:
        waits_.erase(lane_);
        if (task_->wait() != nullptr && task_->wait()->Kind() != WaitKind::kShared) {
          LearnNameOf(lane_, task_.get());
          TraceEvent waits = NewEvent(Kind::kWaits);
          DescribeWait(*task_, waits);
          waits.place = PlaceOf(*task_);
          waits_[lane_] = std::move(waits);
        }
        break;
      case detent::internal::Status::kValue:
        if (lane_ != ended_body_) event_.ending = "ends";
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
    task_ = detent::internal::Ref<TaskState>();
  }
  if (!skipped_) Add(std::move(event_));
  for (TraceEvent& inner : inner_) Add(std::move(inner));
  inner_.clear();
  lane_ = Lane();
}

Trace TraceRecorder::Take() {
  if (lane_) AfterStep();
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
  cancels_.clear();
  completions_.clear();
  ended_body_ = Lane();
  next_matters_ = false;
  trace.task_names = std::exchange(task_names_, {});
  return trace;
}

}  // namespace detent_testing
