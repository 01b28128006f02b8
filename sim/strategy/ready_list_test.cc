// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/ready_list.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/random.h"
#include "detent/sim/sim_loop.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

using internal::Step;

class Hop final : public internal::Runnable {
 public:
  explicit Hop(Lane lane) : lane_(lane) {}
  void Run() override {}
  Lane lane() const override { return lane_; }

 private:
  const Lane lane_;
};

// The rules as they are written, without a thought for speed.
class Model {
 public:
  void Append(Step step, Lane lane) { steps_.push_back(ReadyStep(step, lane)); }
  size_t size() const { return steps_.size(); }
  const ReadyStep& step(size_t i) const { return steps_[i]; }
  void BeginIteration() { of_iteration_ = steps_.size(); }

  std::vector<Lane> ListCandidates() {
    candidates_.clear();
    const auto lane_of = [&](size_t i) { return steps_[i].lane; };
    for (size_t i = 0; i < steps_.size(); ++i) {
      const auto is_same = [&](size_t j) { return lane_of(j) == lane_of(i); };
      if (std::none_of(candidates_.begin(), candidates_.end(), is_same)) candidates_.push_back(i);
    }
    const auto current =
        std::find_if(candidates_.begin(), candidates_.end(), [&](size_t i) { return lane_of(i) == current_lane_; });
    if (current == candidates_.end()) {
      current_lane_ = Lane();
    } else {
      std::rotate(candidates_.begin(), current, current + 1);
    }
    std::vector<Lane> lanes;
    for (const size_t i : candidates_) lanes.push_back(lane_of(i));
    return lanes;
  }
  ReadyStep Choose(size_t choice) {
    const size_t i = candidates_[choice];
    if (choice != 0) current_lane_ = i == 0 ? Lane() : steps_[i].lane;
    return Take(i);
  }
  bool Remove(Step step) {
    size_t i = 0;
    while (!(steps_[i].step == step)) ++i;
    const bool was_of_iteration = i < of_iteration_;
    Take(i);
    return was_of_iteration;
  }

 private:
  ReadyStep Take(size_t i) {
    const ReadyStep taken = steps_[i];
    steps_.erase(steps_.begin() + static_cast<ptrdiff_t>(i));
    if (i < of_iteration_) --of_iteration_;
    return taken;
  }

  std::vector<ReadyStep> steps_;
  std::vector<size_t> candidates_;
  size_t of_iteration_ = 0;
  Lane current_lane_;
};

// Steps become ready, are chosen and taken back at random, in the list and in the model.
void Compare(uint64_t seed, const std::vector<Task<>>& tasks, std::vector<Hop>& hops) {
  RandomGenerator random(seed);
  ReadyList list;
  Model model;
  std::vector<internal::TaskState*> idle_tasks;
  std::vector<Hop*> idle_hops, ready_hops;
  for (const Task<>& task : tasks) idle_tasks.push_back(&task.task_state());
  for (Hop& hop : hops) idle_hops.push_back(&hop);
  const auto take = [&](auto& from) {
    std::swap(from[random.Below(from.size())], from.back());
    auto* taken = from.back();
    from.pop_back();
    return taken;
  };
  for (int i = 0; i < 2'000; ++i) {
    if (random.Below(4) == 0) {
      list.BeginIteration();
      model.BeginIteration();
    }
    if (!idle_tasks.empty() && random.Below(2) == 0) {
      internal::TaskState* task = take(idle_tasks);
      list.Append(Step(task));
      model.Append(Step(task), Lane::OfTask(task->id()));
    }
    // Now and then only, so that there are stretches with tasks alone.
    if (!idle_hops.empty() && i % 200 < 50 && random.Below(2) == 0) {
      Hop* hop = take(idle_hops);
      ready_hops.push_back(hop);
      list.Append(Step(hop));
      model.Append(Step(hop), hop->lane());
    }
    if (!ready_hops.empty() && random.Below(8) == 0) {
      Hop* hop = take(ready_hops);
      idle_hops.push_back(hop);
      ASSERT_EQ(list.Remove(hop), model.Remove(Step(hop)));
    }
    ASSERT_EQ(list.size(), model.size());
    size_t peeked = 0;
    for (size_t place = 0; place < list.places(); ++place) {
      const Step step = list.Peek(place);
      if (!step) continue;
      ASSERT_LT(peeked, model.size());
      ASSERT_TRUE(step == model.step(peeked++).step);
    }
    ASSERT_EQ(peeked, model.size()) << "seed " << seed << ", operation " << i;
    if (list.size() == 0 || random.Below(8) == 0) continue;
    const std::vector<Lane> expected = model.ListCandidates();
    ASSERT_EQ(list.ListCandidates(), expected.size());
    std::vector<Lane> lanes;
    list.VisitCandidates([&](uint32_t, const Candidate& candidate) { lanes.push_back(candidate.lane()); });
    ASSERT_EQ(lanes, expected);
    const auto choice = static_cast<uint32_t>(random.Below(expected.size()));
    ASSERT_EQ(list.lane(choice), expected[choice]);
    ASSERT_EQ(list.candidate(choice).lane(), expected[choice]);
    const ReadyStep chosen = list.Choose(choice);
    ASSERT_TRUE(chosen.step == model.Choose(choice).step);
    ASSERT_EQ(chosen.lane, expected[choice]);
    if (chosen.step.IsTask()) {
      idle_tasks.push_back(chosen.step.task());
      continue;
    }
    list.Started(chosen.step.runnable());
    const auto hop =
        std::find_if(ready_hops.begin(), ready_hops.end(), [&](Hop* ready) { return Step(ready) == chosen.step; });
    idle_hops.push_back(*hop);
    ready_hops.erase(hop);
  }
}

TEST(ReadyListTest, DoesAsItsRulesSay) {
  for (const size_t count : {1, 3, 12, 60}) {
    SimLoop loop;
    loop.Run([&]() -> Coro<> {
      std::vector<Task<>> tasks;
      std::vector<Hop> hops;
      for (size_t i = 0; i < count; ++i) tasks.push_back(Spawn([]() -> Coro<> { co_return; }));
      for (size_t i = 0; i < count; ++i) {
        // In a task's lane, or together with others in a lane of callbacks.
        const uint64_t task = tasks[i].Id();
        hops.push_back(Hop(i % 2 == 0 ? Lane::OfTask(task) : Lane::OfCallbacks(task % 3)));
      }
      for (uint64_t seed = 0; seed < 20; ++seed) Compare(seed, tasks, hops);
      for (const Task<>& task : tasks) co_await task;
    });
  }
}

void TakeFromAnywhere(uint64_t seed, const std::vector<Task<>>& tasks) {
  RandomGenerator random(seed);
  ReadyList list;
  std::vector<Step> model;
  for (const Task<>& task : tasks) {
    list.Append(Step(&task.task_state()));
    model.push_back(Step(&task.task_state()));
  }
  for (list.ForgetCurrentLane(); !model.empty(); list.ForgetCurrentLane()) {
    ASSERT_EQ(list.ListCandidates(), model.size());
    const auto choice = static_cast<uint32_t>(random.Below(model.size()));
    ASSERT_TRUE(list.candidate(choice).step() == model[choice]) << model.size();
    ASSERT_TRUE(list.Choose(choice).step == model[choice]);
    model.erase(model.begin() + static_cast<ptrdiff_t>(choice));
  }
  ASSERT_EQ(list.size(), 0u);
}

// The list makes its index, and drops it again.
TEST(ReadyListTest, ManyTasksComeOutAsTheyAreChosen) {
  SimLoop loop;
  loop.Run([]() -> Coro<> {
    std::vector<Task<>> tasks;
    for (int i = 0; i < 5'000; ++i) tasks.push_back(Spawn([]() -> Coro<> { co_return; }));
    for (uint64_t seed = 0; seed < 3; ++seed) TakeFromAnywhere(seed, tasks);
    for (const Task<>& task : tasks) co_await task;
  });
}

}  // namespace
}  // namespace detent::sim
