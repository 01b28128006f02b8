// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/conformance/structured_ops.h"

#include <exception>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/testing/conformance/errors.h"

namespace detent_testing::conformance {
namespace {

using detent::Catch;
using detent::Coro;
using detent::Outcome;
using detent::TaskGroup;
using detent::Timeout;

// " c=1"
std::string Requests() { return absl::StrCat(" c=", detent::CurrentTask().Cancelling()); }

bool IsGroup(const std::string& error) { return error.starts_with("Group("); }

[[noreturn]] void Raise(Scope scope, const Op& op) {
  scope.Log(op, op.name);
  if (op.name == "Cancelled") throw detent::CancelledError();
  throw ProgramError(op.name);
}

void Reschedule(Scope scope, const Op& op) {
  if (scope.timeout == nullptr) return scope.Log(op, "none");
  try {
    scope.timeout->Reschedule(detent::EventLoop::Current().Time() + scope.world->After(op.ms));
    scope.Log(op, absl::StrCat(Text(op.ms), " ok"));
  } catch (const detent::InvalidStateError&) {
    scope.Log(op, "err RuntimeError");
  }
}

void SpawnInGroup(Scope scope, const Op& op) {
  if (scope.group == nullptr) return scope.Log(op, "none");
  try {
    scope.world->AddTask(op.task, scope.group->Spawn(TaskBody(*scope.world, op.task), {.name = op.task}));
    scope.Log(op, op.task);
  } catch (const detent::InvalidStateError&) {
    scope.Log(op, absl::StrCat(op.task, " err RuntimeError"));
  }
}

// The last line of a `with`. True: the error ends here. CPython's RuntimeErrors and ValueErrors do, whether
// the closing release or the body raised them.
bool EndsInWith(Scope scope, const Op& op, const std::string& error) {
  if (error == "RuntimeError" || error == "ValueError" || error == "BrokenBarrier") {
    scope.Log(op, absl::StrCat(op.object, " err ", error));
    return true;
  }
  if (!error.starts_with("Queue")) scope.Log(op, absl::StrCat(op.object, " exit ", error));
  return false;
}

// The block of a `with`: everything between the acquisition and the release.
template <typename M>
Coro<> RunHolding(Scope scope, const Op& op, M& object) {
  auto acquired = co_await Catch(object.Hold());
  if (!acquired.ok()) {
    scope.Log(op, absl::StrCat(op.object, " exit Cancelled"));
    co_await detent::Propagate(Outcome<>::Cancelled());
  }
  auto held = std::move(acquired).value();
  scope.Log(op, absl::StrCat(op.object, " entered"));
  Outcome<> outcome = co_await Catch(RunOps(scope, op.body));
  try {
    held.Release();
  } catch (const detent::InvalidStateError&) {
    // The body released it already. This replaces whatever the body threw.
    (void)EndsInWith(scope, op, scope.world->object(op.object).ReleaseError());
    co_return;
  }
  if (outcome.ok()) {
    scope.Log(op, absl::StrCat(op.object, " exit"));
  } else if (!EndsInWith(scope, op, NameOfError(outcome.exception()))) {
    co_await detent::Propagate(std::move(outcome));
  }
}

Coro<> RunWith(Scope scope, const Op& op) {
  scope.Log(op, absl::StrCat(op.object, " begin"));
  Object& object = scope.world->object(op.object);
  if (object.lock) {
    co_await RunHolding(scope, op, *object.lock);
  } else if (object.semaphore) {
    co_await RunHolding(scope, op, *object.semaphore);
  } else {
    co_await RunHolding(scope, op, *object.condition);
  }
}

Coro<> RunTimeout(Scope scope, const Op& op) {
  scope.Log(op, absl::StrCat(op.at ? absl::StrCat("at=", *op.at) : Text(op.ms), " begin"));
  bool expired = false;  // The Timeout is gone when the block has ended.
  const auto body = [&](Timeout& timeout) -> Coro<> {
    Scope inner = scope;
    inner.timeout = &timeout;
    Outcome<> outcome = co_await Catch(RunOps(inner, op.body));
    expired = timeout.Expired();
    if (!outcome.ok()) co_await detent::Propagate(std::move(outcome));
  };
  Coro<> block = op.at ? detent::WithTimeoutAt(scope.world->At(*op.at), body)
                       : detent::WithTimeout(scope.world->After(op.ms), body);
  Outcome<> outcome = co_await Catch(std::move(block));
  const std::string how = absl::StrCat("expired=", expired);
  if (outcome.ok()) {
    scope.Log(op, absl::StrCat("exit ", how));
    co_return;
  }
  const std::string error = NameOfError(outcome.exception());
  const bool timed_out = error == "Timeout";
  scope.Log(op, absl::StrCat("exit ", error, " ", how, timed_out || outcome.cancelled() ? Requests() : ""));
  if (!timed_out || op.propagate) co_await detent::Propagate(std::move(outcome));
}

Coro<> RunTaskGroup(Scope scope, const Op& op) {
  scope.Log(op, "begin");
  const auto body = [&](TaskGroup& group) -> Coro<> {
    World& world = *scope.world;
    for (const std::string& child : op.tasks) {
      world.AddTask(child, group.Spawn(TaskBody(world, child), {.name = child}));
    }
    Scope inner = scope;
    inner.group = &group;
    co_await RunOps(inner, op.body);
    scope.Log(op, "body-end");
  };
  Outcome<> outcome = co_await Catch(TaskGroup::Run(body));
  if (outcome.ok()) {
    scope.Log(op, "exit ok");
    co_return;
  }
  const std::string error = NameOfError(outcome.exception());
  scope.Log(op, absl::StrCat("exit ", error, Requests()));
  if (!IsGroup(error) || op.propagate) co_await detent::Propagate(std::move(outcome));
}

// The `except` clauses of a `try`: how it ends unless the `finally` list changes that.
Coro<Outcome<>> HandleOutcome(Scope scope, const Op& op, Outcome<> outcome) {
  if (outcome.ok()) co_return outcome;
  if (!outcome.cancelled()) {
    if (!op.flag) co_return outcome;
    scope.Log(op, absl::StrCat("caught ", NameOfError(outcome.exception())));
    co_return Outcome<>::Value();
  }
  if (op.on_cancel == OnCancel::kNone) co_return outcome;
  scope.Log(op, absl::StrCat("caught Cancelled", Requests()));
  Outcome<> handled = co_await Catch(RunOps(scope, op.handler));
  if (!handled.ok()) co_return handled;
  switch (op.on_cancel) {
    case OnCancel::kReraise:
      scope.Log(op, "reraise");
      co_return outcome;
    case OnCancel::kReplace:
      scope.Log(op, absl::StrCat("replace ", op.name));
      co_return Outcome<>::Error(std::make_exception_ptr(ProgramError(op.name)));
    default:
      scope.Log(op, "swallow");
      co_return Outcome<>::Value();
  }
}

Coro<> RunTry(Scope scope, const Op& op) {
  scope.Log(op, "begin");
  Outcome<> outcome = co_await Catch(RunOps(scope, op.body));
  outcome = co_await HandleOutcome(scope, op, std::move(outcome));
  if (!op.cleanup.empty()) {
    scope.Log(op, "finally");
    co_await RunOps(scope, op.cleanup);
  }
  if (!outcome.ok()) co_await detent::Propagate(std::move(outcome));
  scope.Log(op, "end");
}

}  // namespace

bool IsStructured(OpKind kind) { return kind >= OpKind::kRaise && kind <= OpKind::kTry; }

Coro<> RunStructured(Scope scope, const Op& op) {
  switch (op.kind) {
    case OpKind::kRaise:
      Raise(scope, op);
    case OpKind::kReschedule:
      Reschedule(scope, op);
      break;
    case OpKind::kTgSpawn:
      SpawnInGroup(scope, op);
      break;
    case OpKind::kWith:
      co_await RunWith(scope, op);
      break;
    case OpKind::kTimeout:
      co_await RunTimeout(scope, op);
      break;
    case OpKind::kTaskgroup:
      co_await RunTaskGroup(scope, op);
      break;
    default:
      co_await RunTry(scope, op);
  }
}

}  // namespace detent_testing::conformance
