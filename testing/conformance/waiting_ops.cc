// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/conformance/waiting_ops.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "detent/testing/conformance/errors.h"
#include "detent/testing/conformance/stream_ops.h"

namespace detent_testing::conformance {
namespace {

using detent::Catch;
using detent::Coro;
using detent::Outcome;

// What an operation prints when it is through; nothing if it had nothing to wait for, and said so.
using Result = std::optional<std::string>;

// Prints that there is nothing to wait for.
Result Absent(Scope scope, const Op& op, std::string_view what) {
  scope.Log(op, what);
  return std::nullopt;
}

Coro<> Put(Queue& queue, int item) {
  switch (queue.index()) {
    case 0:
      co_return co_await std::get<0>(queue).Put(item);
    case 1:
      co_return co_await std::get<1>(queue).Put(item);
    default:
      co_return co_await std::get<2>(queue).Put(item);
  }
}

Coro<int> Get(Queue& queue) {
  switch (queue.index()) {
    case 0:
      co_return co_await std::get<0>(queue).Get();
    case 1:
      co_return co_await std::get<1>(queue).Get();
    default:
      co_return co_await std::get<2>(queue).Get();
  }
}

Coro<> Join(Queue& queue) {
  switch (queue.index()) {
    case 0:
      co_return co_await std::get<0>(queue).Join();
    case 1:
      co_return co_await std::get<1>(queue).Join();
    default:
      co_return co_await std::get<2>(queue).Join();
  }
}

Coro<Result> OnObject(Scope scope, const Op& op) {
  Object& object = scope.world->object(op.object);
  scope.Log(op, absl::StrCat(op.object, op.kind == OpKind::kPut ? absl::StrCat(" ", op.number) : "", " begin"));
  switch (op.kind) {
    case OpKind::kAcquire:
      if (object.lock) {
        co_await object.lock->Acquire();
      } else if (object.semaphore) {
        co_await object.semaphore->Acquire();
      } else {
        co_await object.condition->Acquire();
      }
      co_return absl::StrCat(op.object, " ok");
    case OpKind::kEventWait:
      co_await object.event->Wait();
      break;
    case OpKind::kCondWait:
      co_await object.condition->Wait();
      break;
    case OpKind::kCondWaitFor: {
      const detent::Event* event = scope.world->object(op.target).event.get();
      co_await object.condition->WaitFor([event] { return event->IsSet(); });
      break;
    }
    case OpKind::kPut:
      co_await Put(*object.queue, static_cast<int>(op.number));
      break;
    case OpKind::kGet: {
      const int item = co_await Get(*object.queue);
      co_return absl::StrCat("ok ", item);
    }
    case OpKind::kJoin:
      co_await Join(*object.queue);
      break;
    case OpKind::kBarrierWait: {
      const int index = co_await object.barrier->Wait();
      co_return absl::StrCat("ok ", index);
    }
    case OpKind::kBarrierReset:
      co_await object.barrier->Reset();
      break;
    default:
      co_await object.barrier->Abort();
  }
  co_return "ok";
}

Coro<Result> SleepFor(Scope scope, const Op& op) {
  scope.Log(op, absl::StrCat(*op.ms, " begin"));
  if (*op.ms == 0) {
    co_await detent::Yield();
  } else {
    co_await detent::Sleep(scope.world->After(op.ms));
  }
  co_return "ok";
}

template <typename Handle>
Coro<std::string> AwaitHandle(const World& world, const Op& op, Handle handle) {
  switch (op.kind) {
    case OpKind::kAwait:
      co_return absl::StrCat(co_await handle);
    case OpKind::kShield:
      co_return absl::StrCat(co_await detent::Shield(handle));
    default:
      co_return absl::StrCat(co_await detent::WaitFor(handle, world.After(op.ms)));
  }
}

// await, shield, and wait_for with a target.
Coro<Result> OnTarget(Scope scope, const Op& op) {
  const std::string begin =
      absl::StrCat(op.target, op.kind == OpKind::kWaitFor ? absl::StrCat(" ", Text(op.ms)) : "", " begin");
  std::string value;
  if (const NamedTask* task = scope.world->FindTask(op.target)) {
    scope.Log(op, begin);
    value = co_await AwaitHandle(*scope.world, op, *task);
  } else if (scope.world->HasObject(op.target)) {
    scope.Log(op, begin);
    value = co_await AwaitHandle(*scope.world, op, scope.world->object(op.target).future);
  } else {
    co_return Absent(scope, op, absl::StrCat(op.target, " absent"));
  }
  co_return absl::StrCat("ok ", value);
}

Coro<Result> WaitForBody(Scope scope, const Op& op) {
  scope.Log(op, absl::StrCat("body ", Text(op.ms), " begin"));
  co_await detent::WaitFor(RunOps(scope, op.body), scope.world->After(op.ms));
  co_return "ok -";
}

Coro<std::vector<std::string>> GatherValues(const Op& op, std::vector<NamedTask> tasks) {
  if (!op.flag) co_return co_await detent::Gather(std::move(tasks));
  std::vector<std::string> values;
  const std::vector<Outcome<std::string>> outcomes = co_await detent::GatherSettled(std::move(tasks));
  for (const Outcome<std::string>& outcome : outcomes) {
    values.push_back(outcome.ok() ? outcome.value() : absl::StrCat("!", NameOfError(outcome.exception())));
  }
  co_return values;
}

std::string NamesInSpawnOrder(const World& world, const std::vector<NamedTask>& tasks) {
  std::vector<std::string> names;
  for (const std::string& name : world.spawned()) {
    if (std::find(tasks.begin(), tasks.end(), *world.FindTask(name)) != tasks.end()) names.push_back(name);
  }
  return names.empty() ? "-" : absl::StrJoin(names, ",");
}

Coro<Result> WaitForSome(const World& world, const Op& op, std::vector<NamedTask> tasks) {
  const detent::ReturnWhen when = op.mode == WaitMode::kFirstCompleted   ? detent::ReturnWhen::kFirstCompleted
                                  : op.mode == WaitMode::kFirstException ? detent::ReturnWhen::kFirstException
                                                                         : detent::ReturnWhen::kAllCompleted;
  const auto result = co_await detent::Wait(std::move(tasks), when, world.TimerAfter(op.ms));
  co_return absl::StrCat("ok done=", NamesInSpawnOrder(world, result.done),
                         " pending=", NamesInSpawnOrder(world, result.pending));
}

// The result of the task that finished next; nothing after the last.
Coro<Result> NextResult(detent::CompletedIterator<NamedTask>& completed) {
  std::optional<NamedTask> next = co_await completed.Next();
  if (!next) co_return std::nullopt;
  co_return next->Result();
}

Coro<Result> PrintAsCompleted(Scope scope, const Op& op, std::vector<NamedTask> tasks) {
  auto completed = detent::AsCompleted(std::move(tasks), scope.world->TimerAfter(op.ms));
  while (true) {
    Outcome<Result> item = co_await Catch(NextResult(completed));
    if (item.cancelled() && detent::CurrentTask().Cancelling() > 0) {
      co_await detent::Propagate(Outcome<>::Cancelled());
    }
    if (!item.ok()) {
      scope.Log(op, absl::StrCat("item !", NameOfError(item.exception())));
    } else if (const Result& value = item.value()) {
      scope.Log(op, absl::StrCat("item ", *value));
    } else {
      co_return "ok";
    }
  }
}

// gather, wait and as_completed.
Coro<Result> OnTasks(Scope scope, const Op& op) {
  std::vector<std::string> names;
  for (const std::string& name : op.tasks) {
    if (scope.world->FindTask(name) != nullptr) names.push_back(name);
  }
  if (names.empty()) co_return Absent(scope, op, "absent");
  scope.Log(op, absl::StrCat(absl::StrJoin(names, ","), " begin"));
  std::vector<NamedTask> tasks = scope.world->Spawned(names);
  switch (op.kind) {
    case OpKind::kWait:
      co_return co_await WaitForSome(*scope.world, op, std::move(tasks));
    case OpKind::kAsCompleted:
      co_return co_await PrintAsCompleted(scope, op, std::move(tasks));
    default: {
      const std::vector<std::string> values = co_await GatherValues(op, std::move(tasks));
      co_return absl::StrCat("ok [", absl::StrJoin(values, ","), "]");
    }
  }
}

Coro<Result> OnStream(Scope scope, const Op& op) { co_return co_await RunOnStream(scope, op); }

Coro<Result> Dispatch(Scope scope, const Op& op) {
  if (IsOnStream(op.kind)) return OnStream(scope, op);
  switch (op.kind) {
    case OpKind::kSleep:
      return SleepFor(scope, op);
    case OpKind::kAwait:
    case OpKind::kShield:
      return OnTarget(scope, op);
    case OpKind::kWaitFor:
      return op.target.empty() ? WaitForBody(scope, op) : OnTarget(scope, op);
    case OpKind::kGather:
    case OpKind::kWait:
    case OpKind::kAsCompleted:
      return OnTasks(scope, op);
    default:
      return OnObject(scope, op);
  }
}

// Whether a cancellation that comes out may be that of the awaited thing rather than this task's.
bool MayBeForeign(OpKind kind) {
  return kind == OpKind::kAwait || kind == OpKind::kShield || kind == OpKind::kGather || kind == OpKind::kWaitFor ||
         kind == OpKind::kAsCompleted;
}

}  // namespace

Coro<> RunWaiting(Scope scope, const Op& op) {
  Outcome<Result> outcome = co_await Catch(Dispatch(scope, op));
  if (outcome.ok()) {
    if (outcome.value()) scope.Log(op, *outcome.value());
    co_return;
  }
  const int requests = detent::CurrentTask().Cancelling();
  if (outcome.cancelled() && !(MayBeForeign(op.kind) && requests == 0)) {
    scope.Log(op, absl::StrCat("cancelled c=", requests));
    co_await detent::Propagate(Outcome<>::Cancelled());
  }
  // Waiting on a condition without its lock is the only call here that is refused.
  const std::string error = NameOfError(outcome.exception(), "RuntimeError");
  scope.Log(op, absl::StrCat("err ", error));
  if (!op.propagate || outcome.cancelled()) co_return;
  if (error == "RuntimeError") throw ProgramError(error);
  co_await detent::Propagate(Outcome<>::Error(outcome.exception()));
}

}  // namespace detent_testing::conformance
