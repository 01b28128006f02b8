// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/live_tasks.h"

#include <algorithm>
#include <cstdint>
#include <map>

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/source_text.h"
#include "detent/runtime/internal/wait_node.h"

namespace detent::sim {
namespace {

using internal::TaskState;
using internal::WaitNode;

// More lines than that nobody reads.
constexpr size_t kTasksShown = 50;
constexpr size_t kCyclesShown = 5;
constexpr size_t kTasksOfCycleShown = 9;

std::vector<const TaskState*> LiveTasks(const internal::LoopCore& core) {
  std::vector<const TaskState*> tasks;
  for (const TaskState* task = core.tasks.first(); task != nullptr; task = core.tasks.Next(task)) tasks.push_back(task);
  return tasks;
}

std::string DescribeTask(const TaskState& task) {
  return absl::StrCat("\n  task \"", task.name(), "\"  ",
                      task.IsCurrent()           ? "running"
                      : task.wait() != nullptr   ? task.wait()->Describe()
                      : !task.started()          ? "not started"
                                                 : "ready to run",
                      "  ", internal::SourceText(task.Place()));
}

std::string DescribeCycle(const std::vector<const TaskState*>& cycle) {
  std::string text = cycle.front()->name();
  for (size_t i = 0; i < cycle.size(); ++i) {
    if (i + 2 == kTasksOfCycleShown && cycle.size() > kTasksOfCycleShown) {
      absl::StrAppend(&text, " -> … ", cycle.size() - kTasksOfCycleShown, " more -> ", cycle.back()->name());
      i = cycle.size() - 1;
    }
    const std::string& next = cycle[(i + 1) % cycle.size()]->name();
    const WaitNode& wait = *cycle[i]->wait();
    // Between a task and one that it awaits stands nothing.
    if (wait.Kind() == internal::WaitKind::kLock) {
      const auto& lock = static_cast<const internal::NamedObject&>(*wait.Object());
      absl::StrAppend(&text, " -> ", lock.Called("Lock"), " (held by ", next, ")");
    }
    absl::StrAppend(&text, " -> ", next);
  }
  return text;
}

}  // namespace

std::vector<std::vector<const TaskState*>> FindWaitCycles(const internal::LoopCore& core) {
  // A depth-first walk, without recursion because the chain may be long: `path` is where it stands.
  struct Node {
    const TaskState* task;
    std::vector<TaskState*> blockers;
    size_t next = 0;
  };
  enum class Mark : uint8_t { kOnPath, kSeen, kInCycle };
  std::map<uint64_t, Mark> marks;  // By id.
  std::vector<Node> path;
  std::vector<std::vector<const TaskState*>> cycles;

  const auto enter = [&](const TaskState* task) {
    marks[task->id()] = Mark::kOnPath;
    path.push_back(Node{task, {}, 0});
    if (task->wait() != nullptr) task->wait()->AddBlockers(path.back().blockers);
  };
  for (const TaskState* root : LiveTasks(core)) {
    if (marks.contains(root->id())) continue;
    enter(root);
    while (!path.empty()) {
      Node& node = path.back();
      if (node.next == node.blockers.size()) {
        if (marks[node.task->id()] == Mark::kOnPath) marks[node.task->id()] = Mark::kSeen;
        path.pop_back();
        continue;
      }
      const TaskState* blocker = node.blockers[node.next++];
      const auto mark = marks.find(blocker->id());
      if (mark == marks.end()) {
        enter(blocker);
        continue;
      }
      if (mark->second != Mark::kOnPath) continue;
      const auto begin = std::find_if(path.begin(), path.end(), [&](const Node& on) { return on.task == blocker; });
      const auto is_taken = [&](const Node& on) { return marks[on.task->id()] == Mark::kInCycle; };
      if (std::any_of(begin, path.end(), is_taken)) continue;
      std::vector<const TaskState*> cycle;
      for (auto it = begin; it != path.end(); ++it) {
        cycle.push_back(it->task);
        marks[it->task->id()] = Mark::kInCycle;
      }
      const auto oldest = std::min_element(cycle.begin(), cycle.end(),
                                           [](const TaskState* a, const TaskState* b) { return a->id() < b->id(); });
      std::rotate(cycle.begin(), oldest, cycle.end());
      cycles.push_back(std::move(cycle));
    }
  }
  return cycles;
}

std::string DescribeLiveTasks(const internal::LoopCore& core) {
  std::string text;
  const std::vector<const TaskState*> tasks = LiveTasks(core);
  for (size_t i = 0; i < tasks.size() && i < kTasksShown; ++i) text += DescribeTask(*tasks[i]);
  if (tasks.size() > kTasksShown) absl::StrAppend(&text, "\n  … and ", tasks.size() - kTasksShown, " more tasks");
  const std::vector<std::vector<const TaskState*>> cycles = FindWaitCycles(core);
  for (size_t i = 0; i < cycles.size() && i < kCyclesShown; ++i) {
    absl::StrAppend(&text, "\n  cycle: ", DescribeCycle(cycles[i]));
  }
  return text;
}

}  // namespace detent::sim
