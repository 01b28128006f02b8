// SPDX-License-Identifier: Apache-2.0
//
// World: what a running program acts on: its objects, the tasks and callbacks that it made so far, its trace.
//
// Ownership.     Made inside the running loop (futures belong to it); outlives the loop's tasks, which hold
//                pointers into it.
#ifndef DETENT_TESTING_CONFORMANCE_WORLD_H_
#define DETENT_TESTING_CONFORMANCE_WORLD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/conformance/program.h"

namespace detent_testing::conformance {

// A body's result is its own name.
using NamedTask = detent::Task<std::string>;
using Queue = std::variant<detent::Queue<int>, detent::LifoQueue<int>, detent::PriorityQueue<int>>;

// One object of the program: exactly one of the pointers, the future or the stream is set.
class Object {
 public:
  explicit Object(const ObjectSpec& spec);
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  // A lock that the program left held would be reported.
  ~Object();

  std::unique_ptr<detent::Lock> lock;
  std::unique_ptr<detent::Semaphore> semaphore;
  std::unique_ptr<detent::Event> event;
  std::unique_ptr<detent::Condition> condition;
  std::unique_ptr<detent::Barrier> barrier;
  std::unique_ptr<Queue> queue;
  detent::Future<int> future;
  std::optional<std::pair<detent::Connection, detent::Connection>> stream;
  std::string future_error;  // The name of the error that was set.

  std::string State() const;
  // Releases the lock, semaphore or condition; what Release() throws.
  void Release();
  // What CPython raises for a Release() too many.
  const char* ReleaseError() const { return semaphore ? "ValueError" : "RuntimeError"; }
};

// How a program's milliseconds become a loop's time.
struct Clock {
  absl::Duration millisecond = absl::Milliseconds(1);
  // Every timer is late by something below this that comes of the loop's Random(): as on a busy machine.
  absl::Duration lateness_max = absl::ZeroDuration();
};

class World {
 public:
  explicit World(const Program& program, Clock clock = Clock());
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // --- The trace ---

  // Adds the line `t=<now> task=<who> <rest>`.
  void Log(std::string_view who, std::string_view rest);
  // The same for an operation: `#<id> <kind> <rest>`.
  void Log(std::string_view who, const Op& op, std::string_view rest);
  std::string TakeTrace() { return std::move(trace_); }

  // --- Time: the program's milliseconds ---

  int64_t Now() const;
  detent::LoopTime At(int64_t ms) const;
  absl::Duration After(std::optional<int64_t> ms) const;
  // For what goes through the timers also when nothing is left to wait for: such a timer may be late too.
  detent::LoopTime TimerAt(int64_t ms) const;
  absl::Duration TimerAfter(std::optional<int64_t> ms) const;

  // --- Objects and tasks ---

  const Program& program() const { return program_; }
  Object& object(const std::string& name) { return *objects_.at(name); }
  const std::vector<Op>& BodyOf(const std::string& task) const { return *bodies_.at(task); }
  // Null if the task was not spawned yet.
  const NamedTask* FindTask(const std::string& name) const;
  void AddTask(const std::string& name, NamedTask task);
  void NoteTaskError(const std::string& name, std::string error) { task_errors_[name] = std::move(error); }
  // The spawned tasks, in spawn order.
  const std::vector<std::string>& spawned() const { return spawned_; }
  std::vector<NamedTask> Spawned(const std::vector<std::string>& names) const;
  // "pending", "cancelled", "error:E1", "ok:T1". Unlike reading the result it does not count as looking at an
  // error.
  std::string TaskState(const std::string& name) const;
  std::string ObjectState(const std::string& name) const { return objects_.at(name)->State(); }
  bool HasObject(const std::string& name) const { return objects_.contains(name); }

  // Lets go of tasks, futures and callbacks.
  void DropHandles();

  // --- Callbacks, by the id of the operation that made them ---

  std::map<int64_t, detent::CallbackHandle> callbacks;
  std::map<int64_t, uint64_t> done_callbacks;

 private:
  bool IsExact() const { return clock_.lateness_max == absl::ZeroDuration(); }
  absl::Duration Lateness() const;

  const Program& program_;
  const Clock clock_;
  std::string trace_;
  detent::LoopTime start_;
  std::map<std::string, std::unique_ptr<Object>> objects_;
  std::map<std::string, const std::vector<Op>*> bodies_;
  std::map<std::string, NamedTask> tasks_;
  std::map<std::string, std::string> task_errors_;
  std::vector<std::string> spawned_;
};

// "10", or "-" for none.
std::string Text(std::optional<int64_t> number);
// "true" or "false".
const char* Text(bool value);

}  // namespace detent_testing::conformance

#endif  // DETENT_TESTING_CONFORMANCE_WORLD_H_
