// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/live_tasks.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/source_text.h"
#include "detent/runtime/internal/wait_node.h"

namespace detent::internal {
namespace {

// More lines than that nobody reads.
constexpr size_t kTasksShown = 50;
constexpr size_t kCyclesShown = 5;
constexpr size_t kTasksOfCycleShown = 9;
// Of a tree that somebody asked for.
constexpr size_t kTasksOfTreeShown = 1000;
constexpr size_t kDepthShown = 20;  // What lies deeper stands as deep as that.

std::vector<const TaskState*> LiveTasks(const LoopCore& core) {
  std::vector<const TaskState*> tasks;
  for (const TaskState* task = core.tasks.first(); task != nullptr; task = core.tasks.Next(task)) tasks.push_back(task);
  return tasks;
}

// For how long the task has waited, if that is known: `, for 3s`.
std::string DescribeSince(const TaskState& task) {
  if (task.IsCurrent() || task.suspended_at() == LoopTime() || task.core().IsClosed()) return "";
  return absl::StrCat(", for ", absl::FormatDuration(task.core().ReadClock() - task.suspended_at()));
}

std::string DescribeTask(const TaskState& task) {
  // One that was cancelled while it ran, or does not run yet, has not heard of it.
  const bool is_asked_to_end = task.CancellationsSeen() > 0 && !task.IsCurrent() && !task.HasCancelToDeliver();
  return absl::StrCat("\n  task \"", task.name(), "\"  ",
                      task.IsCurrent()         ? "running"
                      : task.wait() != nullptr ? task.wait()->Sentence()
                      : !task.started()        ? "not started"
                                               : "ready to run",
                      is_asked_to_end ? ", although it was cancelled" : "", DescribeSince(task), "  ",
                      SourceText(task.Place()));
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
    if (wait.Kind() == WaitKind::kLock) {
      WaitText call;
      wait.Describe(call);
      const auto& lock = static_cast<const NamedObject&>(*wait.Object());
      absl::StrAppend(&text, " -> ", lock.Called(call.type), " (held by ", next, ")");
    }
    absl::StrAppend(&text, " -> ", next);
  }
  return text;
}

std::string DescribeCycles(const LoopCore& core) {
  std::string text;
  const std::vector<std::vector<const TaskState*>> cycles = FindWaitCycles(core);
  for (size_t i = 0; i < cycles.size() && i < kCyclesShown; ++i) {
    absl::StrAppend(&text, "\n  cycle: ", DescribeCycle(cycles[i]));
  }
  return text;
}

class TreeLine {
 public:
  TreeLine(const TaskState* the_task, size_t the_depth) : task(the_task), depth(the_depth) {}
  const TaskState* task;
  size_t depth;
};

// Those that `task` awaits: not who holds the lock for which it waits.
std::vector<TaskState*> AwaitedBy(const TaskState& task) {
  std::vector<TaskState*> awaited;
  if (task.wait() != nullptr && task.wait()->Kind() != WaitKind::kLock) task.wait()->AddBlockers(awaited);
  return awaited;
}

// Each task once: first those that nobody awaits, with what is below them, then what is left, which waits in a circle.
std::vector<TreeLine> ListTree(const std::vector<const TaskState*>& tasks) {
  std::set<uint64_t> awaited;  // By id.
  for (const TaskState* task : tasks) {
    for (const TaskState* each : AwaitedBy(*task)) awaited.insert(each->id());
  }
  std::set<uint64_t> listed;
  std::vector<TreeLine> lines;
  const auto list_from = [&](const TaskState* root) {
    std::vector<TreeLine> next = {TreeLine(root, 0)};  // A stack: a chain may be long.
    while (!next.empty()) {
      const TreeLine line = next.back();
      next.pop_back();
      if (!listed.insert(line.task->id()).second) continue;
      lines.push_back(line);
      const std::vector<TaskState*> below = AwaitedBy(*line.task);
      for (auto each = below.rbegin(); each != below.rend(); ++each) next.emplace_back(*each, line.depth + 1);
    }
  };
  for (const TaskState* task : tasks) {
    if (!awaited.contains(task->id())) list_from(task);
  }
  for (const TaskState* task : tasks) list_from(task);
  return lines;
}

}  // namespace

std::vector<std::vector<const TaskState*>> FindWaitCycles(const LoopCore& core) {
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

std::string DescribeLiveTasks(const LoopCore& core, const TaskState* without) {
  std::string text;
  std::vector<const TaskState*> tasks = LiveTasks(core);
  std::erase(tasks, without);
  for (size_t i = 0; i < tasks.size() && i < kTasksShown; ++i) text += DescribeTask(*tasks[i]);
  if (tasks.size() > kTasksShown) absl::StrAppend(&text, "\n  … and ", tasks.size() - kTasksShown, " more tasks");
  return text + DescribeCycles(core);
}

std::string DescribeTaskTree(const LoopCore& core) {
  const std::vector<const TaskState*> tasks = LiveTasks(core);
  std::string text = absl::StrCat(tasks.size(), tasks.size() == 1 ? " task" : " tasks");
  size_t shown = 0;
  for (const TreeLine& line : ListTree(tasks)) {
    if (++shown > kTasksOfTreeShown) break;
    std::string words = DescribeTask(*line.task);
    text += words.insert(1, 2 * std::min(line.depth, kDepthShown), ' ');
  }
  if (tasks.size() > kTasksOfTreeShown) {
    absl::StrAppend(&text, "\n  … and ", tasks.size() - kTasksOfTreeShown, " more tasks");
  }
  return text + DescribeCycles(core);
}

}  // namespace detent::internal
