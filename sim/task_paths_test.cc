// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/task_paths.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

// Notes the paths of the tasks of a run, as a SimLoop does, and by what name they came.
class Names final : public RunObserver {
 public:
  void OnStep(const Candidate& step, uint64_t) override {
    Note();
    maker_ = step.lane();
  }
  void AfterStep() override { Note(); }
  uint64_t Of(const AnyTask& task) const { return paths_.Of(task.task_state().id()); }

 private:
  void Note() {
    const internal::LoopCore& core = *internal::CurrentCore();
    if (paths_.HasNew(core)) paths_.NoteNew(core, maker_);
  }

  TaskPaths paths_;
  internal::Lane maker_;
};

// The path of each task of three generations by its name: "a1" is the second child of a.
std::map<std::string, uint64_t> PathsUnder(uint64_t seed) {
  std::map<std::string, uint64_t> paths;
  SimLoop loop({.seed = seed, .strategy = RandomWalk()});
  Names names;
  loop.SetObserver(&names);
  loop.Run([&]() -> Coro<> {
    const auto child = [&](std::string name) -> Coro<> {
      co_await Yield();
      paths[name] = names.Of(CurrentTask());
    };
    const auto parent = [&](std::string name) -> Coro<> {
      paths[name] = names.Of(CurrentTask());
      Task<> first = Spawn(child(name + "0"));
      co_await Yield();
      Task<> second = Spawn(child(name + "1"));
      co_await Gather(first, second);
    };
    Task<> a = Spawn(parent("a"));
    Task<> b = Spawn(parent("b"));
    co_await Gather(a, b);
  });
  return paths;
}

TEST(TaskPathsTest, ATaskIsTheSameInEveryOrder) {
  const std::map<std::string, uint64_t> first = PathsUnder(0);
  std::set<uint64_t> different;
  for (const auto& [name, path] : first) different.insert(path);
  EXPECT_EQ(different.size(), 6u);
  EXPECT_FALSE(different.contains(0));
  for (uint64_t seed = 1; seed < 100; ++seed) EXPECT_EQ(PathsUnder(seed), first) << seed;
}

TEST(TaskPathsTest, WhatNobodyMadeIsNumberedToo) {
  SimLoop loop;
  Names names;
  loop.SetObserver(&names);
  std::set<uint64_t> paths;
  for (int i = 0; i < 3; ++i) {
    loop.Run([&]() -> Coro<> {
      co_await Yield();
      paths.insert(names.Of(CurrentTask()));
    });
  }
  EXPECT_EQ(paths.size(), 3u);
  loop.SetObserver(nullptr);
}

TEST(TaskPathsTest, WhoLivesIsKnownAfterManyHaveEnded) {
  SimLoop loop;
  Names names;
  loop.SetObserver(&names);
  loop.Run([&]() -> Coro<> {
    const AnyTask self = CurrentTask();
    const auto waits = []() -> Coro<> { co_await Sleep(absl::Hours(1)); };
    std::vector<Task<>> patient;
    for (int i = 0; i < 20; ++i) patient.push_back(Spawn(waits()));
    co_await Yield();
    std::vector<uint64_t> paths = {names.Of(self)};
    for (const Task<>& task : patient) paths.push_back(names.Of(task));
    std::set<uint64_t> all(paths.begin(), paths.end());
    for (int i = 0; i < 1000; ++i) {
      Task<> brief = Spawn([]() -> Coro<> { co_await Yield(); });
      co_await Yield();
      EXPECT_TRUE(all.insert(names.Of(brief)).second) << i;
      co_await brief;
    }
    EXPECT_EQ(names.Of(self), paths[0]);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(names.Of(patient[i]), paths[static_cast<size_t>(i) + 1]) << i;
    for (Task<>& task : patient) task.Cancel();
    co_await Yield();
  });
  loop.SetObserver(nullptr);
}

}  // namespace
}  // namespace detent::sim
