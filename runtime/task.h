// SPDX-License-Identifier: Apache-2.0
//
// Task<T>: a coroutine that runs on its own, and the future of its result. Spawn() starts one.
//
//   Task<int> length = Spawn(Length("example.org"), {.name = "length"});
//   ...
//   int n = co_await length;
//
// A task's first step runs in the next iteration of the loop, not inside Spawn(). Dropping the handle does not stop the
// task. A task that ends with an error nobody ever looks at is reported.
//
// Suspension, ownership, threads.  As Future<T>. A task cannot be completed from outside.
// Cancellation.  Cancel() throws CancelledError at the await in which the task is suspended, in the task's next step;
//                a task that awaits a task passes it on. The task may catch it, clean up, and even go on: then it is
//                not cancelled. A task that was never started ends without running.
#ifndef DETENT_RUNTIME_TASK_H_
#define DETENT_RUNTIME_TASK_H_

#include <cstdint>
#include <source_location>
#include <string_view>
#include <utility>
#include <vector>

#include "detent/runtime/coro.h"
#include "detent/runtime/future.h"
#include "detent/runtime/internal/task_state.h"

namespace detent {

// How a cancellation ends a task.
enum class Unwind : uint8_t {
  kThrow,    // CancelledError is thrown at the await.
  kDestroy,  // The frames are destroyed, innermost first: destructors run, catch blocks do not. Much cheaper.
};

// Trivially destructible, so that g++ 12 makes no second copy of it in a co_await expression (rule R10). The name is
// copied when the task is made.
struct SpawnOptions {
  std::string_view name = {};  // For reports; "task-7" if empty.
  Unwind unwind = Unwind::kThrow;
};

// A task whose result type is erased.
class AnyTask : public AnyFuture {
 public:
  AnyTask() {}

  std::string_view Name() const { return task_state().name(); }
  // 1 for a loop's first task, and so on: the same in every run of a simulated loop.
  uint64_t Id() const { return task_state().id(); }
  // Where the task stands, innermost await first; the library's own frames are left out. Empty before its first step,
  // while it runs, and when it is done.
  std::vector<std::source_location> Stack() const { return task_state().Stack(); }
  // How many requests to cancel it are outstanding.
  int Cancelling() const { return static_cast<int>(task_state().Cancelling()); }
  // Takes one request back, and gives how many are left. At zero a cancellation that was not delivered yet is dropped.
  int Uncancel() const { return static_cast<int>(task_state().Uncancel()); }

  // --- For the library ---

  explicit AnyTask(internal::TaskState* state)
      : AnyFuture(internal::Ref<internal::FutureState>(static_cast<internal::FutureState*>(state))) {}
  explicit AnyTask(internal::Ref<internal::FutureState> state) : AnyFuture(std::move(state)) {}
  internal::TaskState& task_state() const { return static_cast<internal::TaskState&>(state()); }
};

template <typename T = void>
class Task : public internal::TypedHandle<T, Task<T>, AnyTask> {
 public:
  Task() {}

  // A task is a future: the same state behind another handle.
  operator Future<T>() const { return Future<T>(this->state_); }  // NOLINT: as a derived class converts.

  // --- For the library ---

  explicit Task(internal::Ref<internal::FutureState> state)
      : internal::TypedHandle<T, Task<T>, AnyTask>(std::move(state)) {}
};

// The task that runs now; empty in a callback and outside a loop.
AnyTask CurrentTask();

// The tasks of the running loop that are not done, in the order in which they were spawned.
std::vector<AnyTask> AllTasks();

namespace internal {

template <typename T>
class TaskOf final : public WithValue<T, TaskState> {
 public:
  TaskOf(LoopCore& core, Promise<T>& root, std::source_location where) noexcept
      : WithValue<T, TaskState>(core, root.handle(), where) {
    root.SetTask(this);
  }

  using TaskState::MakeExtras;
  using TaskState::Start;
  using TaskState::TakeExtras;

 private:
  ~TaskOf() = default;
  void DeleteThis() noexcept override {
    if (this->HasMoreToDelete()) [[unlikely]]
      return DeleteSlow();
    Delete();
  }
  [[gnu::noinline, gnu::cold]] void DeleteSlow() noexcept {
    this->DeleteMore();
    Delete();
  }
  void Delete() noexcept {
    LoopCore& core = this->core();
    if (this->status() == Status::kValue) std::destroy_at(&this->value());
    delete this;
    core.DropReference();
  }

  void TakeValue(PromiseBase& root) override {
    Promise<T>& promise = static_cast<Promise<T>&>(root);
    if constexpr (std::is_nothrow_move_constructible_v<Stored<T>>) {
      this->ConstructValue(std::move(promise.value()));
    } else {
      try {
        this->ConstructValue(std::move(promise.value()));
      } catch (...) {
        promise.EndWithError(std::current_exception());
        return this->LostValue();
      }
    }
    promise.handle().destroy();
  }
  void DropValue() noexcept override { std::destroy_at(&this->value()); }
  std::exception_ptr ErrorOf(PromiseBase& root) const noexcept override {
    return static_cast<Promise<T>&>(root).error();
  }
};

// Makes a task without options of `coro`, and puts it into the ready queue of `core`. One of its references is the
// caller's. If there is no memory, `coro` is left as it was.
template <typename T>
[[gnu::noinline]] TaskOf<T>* NewTask(LoopCore& core, Coro<T>& coro, std::source_location where);
// Slow path: refills pool and ring and tries again; throws if `coro` is empty.
template <typename T>
[[gnu::noinline, gnu::cold]] TaskOf<T>* NewTaskSlow(LoopCore& core, Coro<T>& coro, std::source_location where) {
  if (!coro) ThrowAwaitedTwice();
  if (!PoolHas(sizeof(TaskOf<T>))) StockPool(PoolClassOf(sizeof(TaskOf<T>)), PoolUse::kFuture);
  if (!core.ready.HasRoom()) core.ready.MakeRoom();
  return NewTask<T>(core, coro, where);
}
template <typename T>
TaskOf<T>* NewTask(LoopCore& core, Coro<T>& coro, std::source_location where) {
  if (!PoolHas(sizeof(TaskOf<T>)) || !core.ready.HasRoom() || !coro) [[unlikely]] {
    return NewTaskSlow<T>(core, coro, where);
  }
  auto* task = new TaskOf<T>(core, coro.ReleaseUnchecked().promise(), where);
  task->Start(core);
  return task;
}

// Whether the step that runs has context variables that a task made by it may have to take over.
inline bool MayHaveContext(const LoopCore& core) {
  const TaskState* const creator = core.current_task;
  return creator == nullptr ? !core.callback_context.IsEmpty() : creator->HasExtras();
}

// The same for one that may have a name or context variables.
template <typename T>
[[gnu::noinline, gnu::cold]] TaskOf<T>* NewTaskWithExtras(LoopCore& core, Coro<T>& coro, std::string_view name,
                                                          std::source_location where) {
  std::unique_ptr<TaskExtras> extras = TaskOf<T>::MakeExtras(core, name);
  TaskOf<T>* const task = NewTask<T>(core, coro, where);
  task->TakeExtras(std::move(extras));
  return task;
}

// Makes a task of `coro` and puts it into the ready queue of `core`. Inline by force: mostly there are no options.
template <typename T>
[[gnu::always_inline]] inline Task<T> SpawnOn(LoopCore& core, Coro<T>&& coro, const SpawnOptions& options,
                                              std::source_location where) {
  static_assert(!std::is_reference_v<T>, "a task cannot return a reference: return a pointer, or await the Coro");
  const bool is_plain = !MayHaveContext(core) && options.name.empty();
  TaskOf<T>* const task =
      is_plain ? NewTask<T>(core, coro, where) : NewTaskWithExtras<T>(core, coro, options.name, where);
  if (options.unwind == Unwind::kDestroy) task->SetDestroyOnCancel();
  return Task<T>(Ref<FutureState>::Adopted(task));
}

}  // namespace internal
}  // namespace detent

#endif  // DETENT_RUNTIME_TASK_H_
