// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/exhaustive.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sim/strategy/exhaustive_test.h"

namespace detent::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// `tasks` tasks of `steps` steps each, which write down in which order they run.
Coro<> Letters(int tasks, int steps, Ending& ending) {
  std::string order;
  auto body = [&](char name) -> Coro<> {
    for (int i = 0; i < steps; ++i) {
      if (i > 0) co_await Yield();
      order.push_back(name);
    }
  };
  std::vector<Coro<>> coros;
  for (int i = 0; i < tasks; ++i) coros.push_back(body(static_cast<char>('a' + i)));
  co_await Gather(std::move(coros));
  ending.describe = [order] { return order; };
}

TEST(ExhaustiveTest, PlainSearchMakesEachInterleavingOnce) {
  struct Case {
    int tasks, steps;
    uint64_t interleavings;
  };
  for (const Case& c : {Case{1, 5, 1}, Case{2, 1, 2}, Case{2, 2, 6}, Case{2, 3, 20}, Case{3, 1, 6}, Case{3, 2, 90},
                        Case{4, 1, 24}, Case{4, 2, 2520}}) {
    const SearchResult found =
        SearchAll(FootprintRule::kAnything, [&](Ending& ending) { return Letters(c.tasks, c.steps, ending); });
    EXPECT_TRUE(found.complete);
    EXPECT_EQ(found.runs, c.interleavings);
    EXPECT_EQ(found.states.size(), c.interleavings);
    EXPECT_EQ(found.abandoned, 0u);
  }
}

TEST(ExhaustiveTest, TasksThatShareNothingTakeOneRun) {
  const SearchResult found = SearchAll(kDeclaredOnly, [](Ending& ending) { return Letters(4, 3, ending); });
  EXPECT_EQ(found.visited(), 1u);
  EXPECT_EQ(found.summary, "all 1 interleavings were run, given that all shared state is declared");
}

TEST(ExhaustiveTest, ReadersDoNotConflictAndWritersDo) {
  auto search = [](bool write) {
    return SearchAll(kDeclaredOnly,
                     [write](Ending&) -> Coro<> {
                       Shared<int> x;
                       auto body = [&]() -> Coro<> {
                         if (write) {
                           co_await x.Store(1);
                         } else {
                           (void)co_await x.Load();
                         }
                       };
                       co_await Gather(body(), body(), body());
                     })
        .runs;
  };
  EXPECT_EQ(search(false), 1u);
  EXPECT_EQ(search(true), 6u);
}

TEST(ExhaustiveTest, AllKindsOfChoiceAreEnumerated) {
  for (const FootprintRule rule : {FootprintRule::kAnything, kDeclaredOnly}) {
    const SearchResult found = SearchAll(rule, [](Ending& ending) -> Coro<> {
      const uint32_t n = Choose(3);
      const bool fault = Fault("f", 0.001);
      ending.describe = [=] { return std::to_string(n) + (fault ? "f" : ""); };
      co_return;
    });
    EXPECT_THAT(found.states, ElementsAre("done 0", "done 0f", "done 1", "done 1f", "done 2", "done 2f"));
    EXPECT_EQ(found.runs, 6u);
  }
}

TEST(ExhaustiveTest, WhatAStepTouchesIsTheUnionOverItsOwnChoices) {
  // The step of the first task touches x only if it so chooses.
  const SearchedProgram program = [](Ending& ending) -> Coro<> {
    auto x = std::make_shared<Event>();
    auto seen = std::make_shared<std::string>();
    ending.describe = [=] { return *seen; };
    auto first = [&]() -> Coro<> {
      if (Choose(2) == 0) co_return;
      *seen += x->IsSet() ? "set" : "clear";
    };
    auto second = [&]() -> Coro<> {
      x->Set();
      co_return;
    };
    co_await Gather(first(), second());
  };
  EXPECT_EQ(SearchAll(kDeclaredOnly, program).states, SearchAll(FootprintRule::kAnything, program).states);
}

// A task that is cancelled before its first step touches nothing of what it would have touched: source sets, which take
// for granted that it does, missed the run in which the second task's end comes first.
TEST(ExhaustiveTest, ACancelledTaskTouchesOtherThings) {
  const SearchedProgram program = [](Ending& ending) -> Coro<> {
    std::vector<Task<>> tasks;
    std::vector<std::string> seen(3);
    auto describe = [&] { return seen[0] + "|" + seen[1] + "|" + seen[2]; };
    tasks.push_back(Spawn([&]() -> Coro<> {
      seen[0] += tasks[2].Cancel() ? "1" : "0";
      co_await Sleep(absl::Milliseconds(2));
      seen[0] += ".";
    }));
    tasks.push_back(Spawn([&]() -> Coro<> {
      co_await Yield();
      seen[1] += tasks[0].Cancel() ? "1" : "0";
    }));
    tasks.push_back(Spawn([&]() -> Coro<> {
      seen[2] += tasks[2].Cancel() ? "1" : "0";
      co_return;
    }));
    co_await GatherSettled(std::vector<Task<>>(tasks));
    ending.describe = [text = describe()] { return text; };
  };
  EXPECT_EQ(SearchAll(kDeclaredOnly, program).states, SearchAll(FootprintRule::kAnything, program).states);
}

// The end of a group looks at which children are done, and did not say so.
TEST(ExhaustiveTest, ACancelledGroupMeetsItsChildrenInEveryState) {
  const SearchedProgram program = [](Ending& ending) -> Coro<> {
    Shared<int> x;
    std::string seen;
    auto group = [&]() -> Coro<> {
      co_await TaskGroup::Run([&](TaskGroup& children) -> Coro<> {
        children.Spawn([&]() -> Coro<> { co_await x.Store(7); });
        children.Spawn([&]() -> Coro<> { seen += std::to_string(co_await x.Load()); });
        co_return;
      });
      seen += ".";
    };
    Task<> waits = Spawn(group());
    Task<> cancels = Spawn([&]() -> Coro<> {
      waits.Cancel();
      co_return;
    });
    co_await GatherSettled(waits, cancels);
    ending.describe = [text = std::to_string(x.Peek()) + seen] { return text; };
  };
  EXPECT_EQ(SearchAll(kDeclaredOnly, program).states, SearchAll(FootprintRule::kAnything, program).states);
}

// Where a circle of awaits breaks depends on how many tasks are alive.
TEST(ExhaustiveTest, ACancelledCircleDependsOnAllTasks) {
  const SearchedProgram program = [](Ending& ending) -> Coro<> {
    std::vector<Task<>> tasks;
    std::vector<std::string> seen(2);
    auto await = [&](size_t me, size_t other) -> Coro<> {
      const Outcome<> outcome = co_await Catch(tasks[other]);
      seen[me] += outcome.ok() ? "." : "!";
    };
    tasks.push_back(Spawn([&]() -> Coro<> {
      tasks[0].Cancel();
      co_await await(0, 2);
    }));
    tasks.push_back(Spawn([]() -> Coro<> { co_return; }));
    tasks.push_back(Spawn([&]() -> Coro<> { co_await await(1, 0); }));
    co_await GatherSettled(std::vector<Task<>>(tasks));
    ending.describe = [text = seen[0] + "|" + seen[1]] { return text; };
  };
  EXPECT_EQ(SearchAll(kDeclaredOnly, program).states, SearchAll(FootprintRule::kAnything, program).states);
}

TEST(ExhaustiveTest, PlainCallbacksDependOnEverything) {
  const SearchedProgram program = [](Ending& ending) -> Coro<> {
    auto order = std::make_shared<std::string>();  // The callback may come after our end.
    EventLoop::Current().CallSoon([order] { *order += "c"; });
    auto body = [&](const char* name) -> Coro<> {
      *order += name;
      co_return;
    };
    co_await Gather(body("a"));
    co_await Yield();
    ending.describe = [text = *order] { return text; };
  };
  EXPECT_EQ(SearchAll(kDeclaredOnly, program).states, SearchAll(FootprintRule::kAnything, program).states);
}

TEST(ExhaustiveTest, ObjectsMadeOutsideTheRunAreOneObject) {
  Shared<int> x, y;
  const SearchedProgram program = [&](Ending& ending) -> Coro<> {
    co_await x.Store(0);
    co_await y.Store(0);
    ending.describe = [&] { return std::to_string(x.Peek()) + std::to_string(y.Peek()); };
    auto add = [&](Shared<int>& from, Shared<int>& to) -> Coro<> {
      const int seen = co_await from.Load();
      co_await to.Store(seen + 1);
    };
    co_await Gather(add(x, y), add(y, x));
  };
  const SearchResult found = SearchAll(kDeclaredOnly, program);
  EXPECT_EQ(found.states, SearchAll(FootprintRule::kAnything, program).states);
  EXPECT_EQ(found.states.size(), 3u);
}

TEST(ExhaustiveTest, SpendsItsBudgetAndSaysWhereItStands) {
  const SearchedProgram program = [](Ending& ending) { return Letters(3, 3, ending); };
  const SearchResult found = SearchAll(FootprintRule::kAnything, program, /*runs_max=*/100);
  EXPECT_FALSE(found.complete);
  EXPECT_EQ(found.runs, 100u);
  EXPECT_THAT(found.summary, HasSubstr("not finished: 100 of at least "));
  EXPECT_THAT(found.summary, HasSubstr("the next run would have gone on with choice 0 of 3, "));
}

TEST(ExhaustiveTest, TheSeedHasNoInfluence) {
  auto fingerprints = [](uint64_t seed) {
    std::vector<uint64_t> all;
    SimLoop loop({.seed = seed, .strategy = Exhaustive{}});
    do {
      loop.Reset(seed + all.size());
      Ending ending;
      loop.Run(Letters(2, 2, ending));
      all.push_back(loop.fingerprint());
    } while (!loop.strategy().IsExhausted());
    return all;
  };
  EXPECT_EQ(fingerprints(1), fingerprints(2));
  EXPECT_EQ(fingerprints(1).size(), 6u);
}

TEST(ExhaustiveTest, AProgramThatDependsOnSomethingElseIsRefused) {
  int runs = 0;
  SimLoop loop({.strategy = Exhaustive{}});
  auto body = [&]() -> Coro<> {
    if (runs++ == 0) (void)Choose(2);
    (void)Choose(3);
    co_return;
  };
  loop.Run(body());
  EXPECT_FALSE(loop.strategy().IsExhausted());
  loop.Reset(0);
  try {
    loop.Run(body());
    FAIL() << "the second run made other choices";
  } catch (const InvalidStateError& error) {
    EXPECT_THAT(error.what(), HasSubstr("Exhaustive: the run does not go as before: choice 0"));
  }
}

TEST(ExhaustiveTest, ARunReplaysFromItsTape) {
  SimLoop loop({.strategy = Exhaustive{}, .footprint = kDeclaredOnly});
  uint64_t runs = 0;
  auto body = []() -> Coro<> {
    Shared<int> x;
    auto add = [&]() -> Coro<> {
      const int seen = co_await x.Load();
      co_await x.Store(seen + 1);
    };
    co_await Gather(add(), add());
  };
  bool exhausted = false;
  while (!exhausted) {
    bool whole = true;
    try {
      loop.Run(body());
    } catch (const RunAbandoned&) {
      whole = false;
    }
    const Tape tape = loop.tape();
    exhausted = loop.strategy().IsExhausted();
    loop.Reset(0);
    if (!whole) continue;
    ++runs;
    SimLoop again({.seed = tape.seed(), .strategy = Replay(tape)});
    again.Run(body());
    EXPECT_EQ(again.divergence(), "");
    EXPECT_EQ(again.fingerprint(), tape.fingerprint());
  }
  EXPECT_GE(runs, 3u);
}

}  // namespace
}  // namespace detent::sim
