// SPDX-License-Identifier: Apache-2.0
//
// TaskGroup: structured concurrency. A block that does not end before the tasks that it started. asyncio's TaskGroup.
//
//   co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
//     for (const std::string& url : urls) group.Spawn(Crawl, url);
//     co_return;
//   });
//
// Run() awaits the body and then every child, also those that children start. When a child fails, the siblings are
// cancelled, and so is the body; a body that fails cancels the children. All errors come out together, as one
// ExceptionGroup, the body's own last. A child that is cancelled on its own is no error. Cancel() ends the block early
// and without an error, for instance when one child has found what all of them look for.
//
// Suspension.    Where the body suspends, and at the end unless all children are done.
// Cancellation.  Of the task that runs the block: cancels the children and throws when they have ended, unless one of
//                them failed meanwhile: then the ExceptionGroup comes out, and the cancellation stays requested.
// Ownership.     The closure is kept until the block ends; the TaskGroup& is valid until then.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_TASK_GROUP_H_
#define DETENT_RUNTIME_TASK_GROUP_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "detent/runtime/coro.h"
#include "detent/runtime/internal/list.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/outcome.h"
#include "detent/runtime/spawn.h"

namespace detent {

class TaskGroup {
 public:
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Spawn(coro, options), Spawn(fn, options), Spawn(fn, arguments...): as detent::Spawn(). Throws InvalidStateError,
  // without starting anything, once the group is shutting down or has ended.
  DETENT_INTERNAL_SPAWN_FORMS(Start)

  // Ends the block early: cancels the children that are not done, the calling one included, and the body. When they
  // have ended Run() returns as if they had come to their end; errors with which they answer still come out, as an
  // ExceptionGroup, and so does a cancellation from outside. InvalidStateError comes out of Run() if the body returns a
  // value and was cancelled before it had: let it return nothing, and keep the value outside. Suspends nothing and
  // throws nothing; nothing happens if the group is shutting down already. asyncio's cancel(), as of Python 3.15.
  void Cancel();

  // Runs `body(group)` and waits for the children.
  template <typename F>
    requires std::is_invocable_v<std::decay_t<F>&, TaskGroup&>
  static auto Run(F&& body, std::source_location where = std::source_location::current()) {
    DETENT_INTERNAL_CHECK_CLOSURE(F);
    return RunCoro<std::decay_t<F>>(std::forward<F>(body)).At(where);
  }

 private:
  class Child;
  class WaitForChildren;

  TaskGroup();
  ~TaskGroup();

  template <typename F>
  static internal::CoroFrom<F, TaskGroup&> RunCoro(F body) {
    TaskGroup group;
    auto outcome = co_await Catch(internal::CallBody(body, group));
    // Named: g++ 12 destroys a conditional's temporary twice if it is made inside a co_await expression.
    std::exception_ptr error = outcome.ok() ? nullptr : outcome.exception();
    Outcome<> ending = co_await group.Finish(outcome.cancelled(), std::move(error));
    if (!ending.ok()) co_await Propagate(std::move(ending));
    if (outcome.cancelled()) {
      if constexpr (std::is_void_v<typename decltype(outcome)::Result>) {
        co_return;
      } else {
        ThrowNoValue();
      }
    }
    co_return std::move(outcome).value();
  }

  template <typename T>
  Task<T> Start(Coro<T> coro, const SpawnOptions& options, std::source_location where) {
    try {
      RequireOpen();
    } catch (...) {
      coro.Close();
      throw;
    }
    Task<T> task = internal::SpawnOn(parent_->core(), std::move(coro), options, where);
    Adopt(task.task_state());
    return task;
  }

  void RequireOpen() const;
  void Adopt(internal::TaskState& task);
  void OnChildDone(Child* child);
  void Abort();
  // As Abort(), and cancels the body with a request that Finish() takes back.
  void AbortWithBody();
  [[noreturn]] static void ThrowNoValue();
  // Waits for the children. How the block ends: value (the body's), cancelled, or the ExceptionGroup.
  Coro<Outcome<>> Finish(bool body_cancelled, std::exception_ptr body_error);

  internal::Ref<internal::TaskState> parent_;
  uint32_t cancelling_on_entry_;
  internal::List<Child> children_;  // In the order in which they were started.
  size_t child_count_ = 0;
  WaitForChildren* waiting_ = nullptr;
  bool exiting_ = false;
  bool aborting_ = false;
  bool parent_cancel_requested_ = false;
  std::vector<std::exception_ptr> errors_;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_TASK_GROUP_H_
