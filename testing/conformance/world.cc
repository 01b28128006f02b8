// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/conformance/world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace detent_testing::conformance {

Object::Object(const ObjectSpec& spec) {
  switch (spec.kind) {
    case ObjectKind::kLock:
      lock = std::make_unique<detent::Lock>(spec.name);
      break;
    case ObjectKind::kSem:
      semaphore = std::make_unique<detent::Semaphore>(spec.size, spec.name);
      break;
    case ObjectKind::kBsem:
      semaphore = std::make_unique<detent::BoundedSemaphore>(spec.size, spec.name);
      break;
    case ObjectKind::kEvent:
      event = std::make_unique<detent::Event>(spec.name);
      break;
    case ObjectKind::kCond:
      condition = std::make_unique<detent::Condition>(spec.name);
      break;
    case ObjectKind::kFuture:
      future = detent::MakeFuture<int>();
      break;
    case ObjectKind::kBarrier:
      barrier = std::make_unique<detent::Barrier>(static_cast<int>(spec.size), spec.name);
      break;
    case ObjectKind::kFifo:
      queue = std::make_unique<Queue>(std::in_place_index<0>, spec.size, spec.name);
      break;
    case ObjectKind::kLifo:
      queue = std::make_unique<Queue>(std::in_place_index<1>, spec.size, spec.name);
      break;
    case ObjectKind::kPrio:
      queue = std::make_unique<Queue>(std::in_place_index<2>, spec.size, spec.name);
      break;
    case ObjectKind::kStream:
      stream = detent::SocketPair();
      break;
  }
}

Object::~Object() {
  if (lock && lock->Locked()) lock->Release();
  if (condition && condition->Locked()) condition->Release();
}

std::string Object::State() const {
  if (lock) return absl::StrCat("locked=", lock->Locked());
  if (stream) return "open";
  if (semaphore) return absl::StrCat("locked=", semaphore->Locked(), " value=", semaphore->Value());
  if (event) return absl::StrCat("set=", event->IsSet());
  if (condition) return absl::StrCat("locked=", condition->Locked());
  if (barrier) return absl::StrCat("waiting=", barrier->Waiting(), " broken=", barrier->Broken());
  if (queue) {
    return std::visit(
        [](const auto& q) { return absl::StrCat("size=", q.Size(), " unfinished=", q.UnfinishedTasks()); }, *queue);
  }
  if (!future.Done()) return "pending";
  if (future.Cancelled()) return "cancelled";
  if (!future_error.empty()) return absl::StrCat("error:", future_error);
  return absl::StrCat("ok:", future.Result());
}

void Object::Release() {
  if (lock) lock->Release();
  if (semaphore) semaphore->Release();
  if (condition) condition->Release();
}

World::World(const Program& program, Clock clock)
    : program_(program), clock_(clock), start_(detent::EventLoop::Current().Time()) {
  for (const ObjectSpec& spec : program.objects) objects_.emplace(spec.name, std::make_unique<Object>(spec));
  for (const TaskSpec& task : program.tasks) bodies_.emplace(task.name, &task.body);
}

void World::Log(std::string_view who, std::string_view rest) {
  absl::StrAppend(&trace_, "t=", Now(), " task=");
  trace_.append(who).append(" ").append(rest).append("\n");
}

void World::Log(std::string_view who, const Op& op, std::string_view rest) {
  Log(who, absl::StrCat("#", op.id, " ").append(NameOf(op.kind)).append(" ").append(rest));
}

int64_t World::Now() const {
  absl::Duration rest;
  return absl::IDivDuration(detent::EventLoop::Current().Time() - start_, clock_.millisecond, &rest);
}

detent::LoopTime World::At(int64_t ms) const { return ms > Now() ? TimerAt(ms) : start_ + ms * clock_.millisecond; }

absl::Duration World::After(std::optional<int64_t> ms) const {
  return ms && *ms <= 0 ? *ms * clock_.millisecond : TimerAfter(ms);
}

detent::LoopTime World::TimerAt(int64_t ms) const {
  const detent::LoopTime due = start_ + ms * clock_.millisecond;
  return IsExact() ? due : std::max(due, detent::EventLoop::Current().Time()) + Lateness();
}

absl::Duration World::TimerAfter(std::optional<int64_t> ms) const {
  if (!ms) return absl::InfiniteDuration();
  return IsExact() ? *ms * clock_.millisecond : std::max<int64_t>(*ms, 0) * clock_.millisecond + Lateness();
}

absl::Duration World::Lateness() const { return detent::EventLoop::Current().Random().Uniform() * clock_.lateness_max; }

const NamedTask* World::FindTask(const std::string& name) const {
  const auto found = tasks_.find(name);
  return found == tasks_.end() ? nullptr : &found->second;
}

void World::AddTask(const std::string& name, NamedTask task) {
  tasks_.emplace(name, std::move(task));
  spawned_.push_back(name);
}

std::vector<NamedTask> World::Spawned(const std::vector<std::string>& names) const {
  std::vector<NamedTask> tasks;
  for (const std::string& name : names) {
    if (const NamedTask* task = FindTask(name)) tasks.push_back(*task);
  }
  return tasks;
}

std::string World::TaskState(const std::string& name) const {
  const NamedTask& task = tasks_.at(name);
  if (!task.Done()) return "pending";
  if (task.Cancelled()) return "cancelled";
  const auto error = task_errors_.find(name);
  if (error != task_errors_.end()) return absl::StrCat("error:", error->second);
  return absl::StrCat("ok:", task.Result());
}

void World::DropHandles() {
  tasks_.clear();
  callbacks.clear();
  for (const auto& [name, object] : objects_) object->future = detent::Future<int>();
}

std::string Text(std::optional<int64_t> number) { return number ? absl::StrCat(*number) : "-"; }

const char* Text(bool value) { return value ? "true" : "false"; }

}  // namespace detent_testing::conformance
