// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/conformance/immediate_ops.h"

#include <exception>
#include <string>
#include <variant>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/testing/conformance/errors.h"
#include "detent/testing/conformance/task_body.h"

namespace detent_testing::conformance {
namespace {

// What CPython raises where this library throws InvalidStateError.
std::string_view InvalidStateIn(World& world, const Op& op) {
  switch (op.kind) {
    case OpKind::kRelease:
      return world.object(op.object).ReleaseError();
    case OpKind::kNotify:
    case OpKind::kNotifyAll:
      return "RuntimeError";
    case OpKind::kTaskDone:
      return "ValueError";
    default:
      return "InvalidState";
  }
}

std::string State(World& world, const Op& op) {
  if (world.HasObject(op.object)) return absl::StrCat(op.object, " ", world.ObjectState(op.object));
  const NamedTask* task = world.FindTask(op.object);
  if (task == nullptr) return absl::StrCat(op.object, " absent");
  return absl::StrCat(op.object, " ", world.TaskState(op.object), " cancelling=", task->Cancelling());
}

std::string Cancel(World& world, const Op& op) {
  const NamedTask* task = world.FindTask(op.task);
  if (task == nullptr) return absl::StrCat(op.task, " absent");
  return absl::StrCat(op.task, " -> ", Text(task->Cancel()));
}

std::string Uncancel() {
  const detent::AnyTask task = detent::CurrentTask();
  return task ? absl::StrCat("-> ", task.Uncancel()) : "no task";
}

// The operations on a queue.
std::string ActOnQueue(World& world, const Op& op) {
  const auto act = [&op](auto& queue) -> std::string {
    switch (op.kind) {
      case OpKind::kPutNowait:
        queue.PutNowait(static_cast<int>(op.number));
        return absl::StrCat(op.object, " ", op.number, " ok");
      case OpKind::kGetNowait:
        return absl::StrCat(op.object, " -> ", queue.GetNowait());
      case OpKind::kTaskDone:
        queue.TaskDone();
        return absl::StrCat(op.object, " ok");
      default:
        queue.Shutdown(/*immediate=*/op.flag);
        return absl::StrCat(op.object, " immediate=", op.flag);
    }
  };
  return std::visit(act, *world.object(op.object).queue);
}

// The operations on a future.
std::string ActOnFuture(World& world, const Op& op) {
  Object& object = world.object(op.object);
  switch (op.kind) {
    case OpKind::kFutSet:
      object.future.SetResult(static_cast<int>(op.number));
      return absl::StrCat(op.object, " ", op.number, " ok");
    case OpKind::kFutError:
      object.future.SetException(ProgramError(op.name));
      object.future_error = op.name;
      return absl::StrCat(op.object, " ", op.name, " ok");
    default:
      return absl::StrCat(op.object, " -> ", Text(object.future.Cancel()));
  }
}

// The operations on events, conditions and whatever can be released.
std::string ActOnPrimitive(World& world, const Op& op) {
  Object& object = world.object(op.object);
  switch (op.kind) {
    case OpKind::kEventSet:
      object.event->Set();
      return op.object;
    case OpKind::kEventClear:
      object.event->Clear();
      return op.object;
    case OpKind::kNotify:
      object.condition->Notify(op.number);
      return absl::StrCat(op.object, " ", op.number, " ok");
    case OpKind::kNotifyAll:
      object.condition->NotifyAll();
      return absl::StrCat(op.object, " ok");
    default:
      object.Release();
      return absl::StrCat(op.object, " ok");
  }
}

std::string Schedule(World& world, const Op& op) {
  const auto callback = [&world, &op] {
    const std::string who = absl::StrCat("cb#", op.id);
    world.Log(who, "run");
    for (const Op& inner : op.body) RunImmediate(world, who, inner);
  };
  detent::EventLoop& loop = detent::EventLoop::Current();
  switch (op.kind) {
    case OpKind::kCallSoon:
      world.callbacks[op.id] = loop.CallSoon(callback);
      return "scheduled";
    case OpKind::kCallLater:
      world.callbacks[op.id] = loop.CallLater(world.TimerAfter(op.ms), callback);
      return absl::StrCat(*op.ms, " scheduled");
    default:
      world.callbacks[op.id] = loop.CallAt(world.TimerAt(*op.at), callback);
      return absl::StrCat(*op.at, " scheduled");
  }
}

std::string CancelHandle(World& world, const Op& op) {
  const auto found = world.callbacks.find(op.number);
  if (found == world.callbacks.end()) return absl::StrCat(op.number, " absent");
  found->second.Cancel();
  return absl::StrCat(op.number, " ok");
}

// A spawned task or an object; an empty handle if there is none yet.
detent::AnyFuture FindFuture(World& world, const std::string& name) {
  if (const NamedTask* task = world.FindTask(name)) return *task;
  if (world.HasObject(name)) return world.object(name).future;
  return detent::AnyFuture();
}

std::string AddDoneCallback(World& world, const Op& op) {
  const detent::AnyFuture future = FindFuture(world, op.target);
  if (!future) return absl::StrCat(op.target, " absent");
  world.done_callbacks[op.id] = future.AddDoneCallback([&world, &op](const detent::AnyFuture&) {
    const std::string& name = op.target;
    const std::string state = world.HasObject(name) ? world.ObjectState(name) : world.TaskState(name);
    world.Log(absl::StrCat("cb#", op.id), absl::StrCat("done ", name, " ", state));
  });
  return op.target;
}

std::string RemoveDoneCallback(World& world, const Op& op) {
  const auto callback = world.done_callbacks.find(op.number);
  const detent::AnyFuture future = FindFuture(world, op.target);
  if (callback == world.done_callbacks.end() || !future) return absl::StrCat(op.number, " absent");
  return absl::StrCat(op.number, " -> ", future.RemoveDoneCallback(callback->second));
}

// Runs the operation and gives what it prints.
std::string Act(World& world, const Op& op) {
  switch (op.kind) {
    case OpKind::kLog:
      return op.text;
    case OpKind::kState:
      return State(world, op);
    case OpKind::kSpawn:
      SpawnTask(world, op.task);
      return op.task;
    case OpKind::kCancel:
      return Cancel(world, op);
    case OpKind::kUncancel:
      return Uncancel();
    case OpKind::kPutNowait:
    case OpKind::kGetNowait:
    case OpKind::kTaskDone:
    case OpKind::kShutdown:
      return ActOnQueue(world, op);
    case OpKind::kFutSet:
    case OpKind::kFutError:
    case OpKind::kFutCancel:
      return ActOnFuture(world, op);
    case OpKind::kCallSoon:
    case OpKind::kCallLater:
    case OpKind::kCallAt:
      return Schedule(world, op);
    case OpKind::kCancelHandle:
      return CancelHandle(world, op);
    case OpKind::kAddCb:
      return AddDoneCallback(world, op);
    case OpKind::kRemoveCb:
      return RemoveDoneCallback(world, op);
    default:
      return ActOnPrimitive(world, op);
  }
}

}  // namespace

bool IsImmediate(OpKind kind) { return kind <= OpKind::kCbRaise; }

void RunImmediate(World& world, std::string_view who, const Op& op) {
  if (op.kind == OpKind::kCbRaise) {
    world.Log(who, op, op.name);
    throw ProgramError(op.name);
  }
  std::string result;
  try {
    result = Act(world, op);
  } catch (...) {
    result = absl::StrCat("err ", NameOfError(std::current_exception(), InvalidStateIn(world, op)));
  }
  world.Log(who, op, result);
}

}  // namespace detent_testing::conformance
