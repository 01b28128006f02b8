// SPDX-License-Identifier: Apache-2.0
//
// The strategies as their papers give them, as short as they can be, with nothing of detent in them.
#include "detent/bench/bare/search.h"

#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

namespace detent_bench::bare {
namespace {

using Random = std::mt19937_64;

template <typename T>
const T& Pick(Random& random, const std::vector<T>& from) {
  return from[random() % from.size()];
}

// Task by task what a first run, in the order of readiness, did.
class Profile final : public Scheduler {
 public:
  int Choose(const std::vector<int>& ready, const std::vector<Access>& pending) override {
    if (ready.size() > 1) ++choices;
    const int task = ready.front();
    const int object = pending[static_cast<size_t>(task)].object;
    if (object >= 0) ++accesses[object][task];
    return task;
  }

  uint64_t choices = 0;
  std::map<int, std::map<int, int>> accesses;  // By object and task.
};

class RandomWalk final : public Scheduler {
 public:
  explicit RandomWalk(uint64_t seed) : random_(seed) {}
  int Choose(const std::vector<int>& ready, const std::vector<Access>&) override { return Pick(random_, ready); }

 private:
  Random random_;
};

class Pct final : public Scheduler {
 public:
  Pct(uint64_t seed, const Profile& profile, int depth) : random_(seed) {
    for (int i = 1; i < depth; ++i) changes_.insert({random_() % profile.choices, i});
  }
  int Choose(const std::vector<int>& ready, const std::vector<Access>&) override {
    if (ready.size() == 1) return ready[0];
    int task = Highest(ready);
    const auto [begin, end] = changes_.equal_range(choice_++);
    for (auto change = begin; change != end; ++change) {
      priority_[task] = change->second;
      task = Highest(ready);
    }
    return task;
  }

 private:
  int Highest(const std::vector<int>& ready) {
    int highest = ready[0];
    for (const int task : ready) {
      if (!priority_.count(task)) priority_[task] = 1000 + static_cast<double>(random_());
      if (priority_[task] > priority_[highest]) highest = task;
    }
    return highest;
  }

  Random random_;
  std::multimap<uint64_t, int> changes_;
  std::map<int, double> priority_;
  uint64_t choice_ = 0;
};

class Pos final : public Scheduler {
 public:
  explicit Pos(uint64_t seed) : random_(seed) {}
  int Choose(const std::vector<int>& ready, const std::vector<Access>& pending) override {
    int highest = ready[0];
    for (const int task : ready) {
      if (!priority_.count(task)) priority_[task] = random_();
      if (priority_[task] > priority_[highest]) highest = task;
    }
    for (const int task : ready) {
      const bool races = pending[static_cast<size_t>(task)].RacesWith(pending[static_cast<size_t>(highest)]);
      if (task == highest || races) priority_.erase(task);
    }
    return highest;
  }

 private:
  Random random_;
  std::map<int, uint64_t> priority_;
};

class Surw final : public Scheduler {
 public:
  Surw(uint64_t seed, const Profile& profile) : random_(seed) {
    std::vector<int> shared;
    for (const auto& [object, by_task] : profile.accesses) {
      if (by_task.size() > 1) shared.push_back(object);
    }
    if (shared.empty()) return;
    object_ = Pick(random_, shared);
    left_ = profile.accesses.at(object_);
    Intend(TasksLeft());
  }
  int Choose(const std::vector<int>& ready, const std::vector<Access>& pending) override {
    const auto is_interesting = [&](int task) {
      return object_ >= 0 && pending[static_cast<size_t>(task)].object == object_;
    };
    std::vector<int> free;
    for (const int task : ready) {
      if (!is_interesting(task) || task == intended_ || intended_ < 0) free.push_back(task);
    }
    if (free.empty()) {
      Intend(ready);
      free.push_back(intended_ >= 0 ? intended_ : Pick(random_, ready));
    }
    const int task = Pick(random_, free);
    if (is_interesting(task)) {
      if (left_[task] > 0) --left_[task];
      Intend(TasksLeft());
    }
    return task;
  }

 private:
  std::vector<int> TasksLeft() const {
    std::vector<int> tasks;
    for (const auto& [task, left] : left_) tasks.push_back(task);
    return tasks;
  }
  // Draws who makes the next interesting step among `tasks`, each as often as it has some left; nobody if none has.
  void Intend(const std::vector<int>& tasks) {
    std::vector<int> tickets;
    for (const int task : tasks) tickets.insert(tickets.end(), static_cast<size_t>(left_[task]), task);
    intended_ = tickets.empty() ? -1 : Pick(random_, tickets);
  }

  Random random_;
  int object_ = -1;
  std::map<int, int> left_;
  int intended_ = -1;
};

constexpr std::string_view kRotation[] = {"random", "pct", "pos", "surw"};

bool ShowsBug(Setup setup, LockOrder lock_order, Scheduler& scheduler) {
  Machine machine(lock_order);
  setup(machine);
  try {
    machine.Run(scheduler);
  } catch (const Bug&) {
    return true;
  }
  return false;
}

std::unique_ptr<Scheduler> Make(std::string_view strategy, uint64_t seed, uint64_t schedule, const Profile& profile) {
  if (strategy == "portfolio") return Make(kRotation[schedule % 4], seed, schedule, profile);
  const uint64_t run_seed = seed * 1'000'003 + schedule;
  if (strategy == "pct") return std::make_unique<Pct>(run_seed, profile, 3);
  if (strategy == "pos") return std::make_unique<Pos>(run_seed);
  if (strategy == "surw") return std::make_unique<Surw>(run_seed, profile);
  return std::make_unique<RandomWalk>(run_seed);
}

}  // namespace

bool HasStrategy(std::string_view strategy) {
  for (const std::string_view name : kRotation) {
    if (strategy == name) return true;
  }
  return strategy == "portfolio";
}

uint64_t SchedulesUntilBug(Setup setup, LockOrder lock_order, std::string_view strategy, uint64_t seed,
                           uint64_t schedules_max) {
  Profile profile;
  (void)ShowsBug(setup, lock_order, profile);
  for (uint64_t schedule = 0; schedule < schedules_max; ++schedule) {
    if (ShowsBug(setup, lock_order, *Make(strategy, seed, schedule, profile))) return schedule + 1;
  }
  return schedules_max + 1;
}

}  // namespace detent_bench::bare
