// SPDX-License-Identifier: Apache-2.0
//
// Exhaustive on the small programs of the SCTBench collection (docs: which task does what, and the number of runs that
// sleep sets need with locks that are first come, first served): a step of its own before each access of a shared
// variable and before each Acquire(), and one at the beginning of each task.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "sim/strategy/exhaustive_test.h"

namespace detent::sim {
namespace {

using Var = Shared<int>;

Coro<> Take(Lock& lock) {
  co_await Yield(lock);
  co_await lock.Acquire();
}

Coro<> Add(Var& variable, int d) {
  const int seen = co_await variable.Load();
  co_await variable.Store(seen + d);
}

Coro<> Account(Ending& ending, int expected) {
  Var bal(1), dd(0), wd(0);
  Lock m;
  ending.describe = [&] { return absl::StrCat(bal.Peek(), " ", dd.Peek(), " ", wd.Peek()); };
  auto deposit = [&]() -> Coro<> {
    co_await Take(m);
    co_await Add(bal, 2);
    co_await dd.Store(1);
    m.Release();
  };
  auto withdraw = [&]() -> Coro<> {
    co_await Take(m);
    co_await Add(bal, -4);
    co_await wd.Store(1);
    m.Release();
  };
  auto check = [&]() -> Coro<> {
    co_await Take(m);
    const bool deposited = co_await dd.Load();
    if (deposited && co_await wd.Load()) ending.Check(co_await bal.Load() == expected);
    m.Release();
  };
  co_await Gather(deposit(), withdraw(), check());
  ending.Settle();
}

Coro<> Bluetooth(Ending& ending, bool corrected) {
  Var pending(1), stopping(0), event(0), stopped(0);
  ending.describe = [&] { return absl::StrCat(pending.Peek(), stopping.Peek(), event.Peek(), stopped.Peek()); };
  auto plus = [&](int d) { return pending.Update([d](int value) { return value + d; }); };
  auto add = [&]() -> Coro<> {
    if (corrected) {
      co_await plus(1);  // Before the look at `stopping`, as the driver was mended.
      if (co_await stopping.Load()) {
        const int left = co_await plus(-1);
        if (left == 0) co_await event.Store(1);
        co_return;
      }
    } else {
      if (co_await stopping.Load()) co_return;
      co_await plus(1);
    }
    ending.Check(!co_await stopped.Load());
    const int left = co_await plus(-1);
    if (left == 0) co_await event.Store(1);
  };
  auto stop = [&]() -> Coro<> {
    co_await stopping.Store(1);
    const int left = co_await plus(-1);
    if (left == 0) co_await event.Store(1);
    if (co_await event.Load()) co_await stopped.Store(1);
  };
  co_await Gather(add(), stop());
  ending.Settle();
}

Coro<> Deadlock01(Ending& ending, bool corrected) {
  Var c(1);
  Lock a, b;
  ending.describe = [&] { return absl::StrCat(c.Peek()); };
  auto body = [&](Lock& first, Lock& second) -> Coro<> {
    co_await Take(first);
    co_await Add(c, 1);
    co_await Take(second);
    co_await Add(c, -1);
    first.Release();
    second.Release();
  };
  Lock& first = corrected ? a : b;  // Not inside the co_await expression: g++ 12.
  Lock& second = corrected ? b : a;
  co_await Gather(body(a, b), body(first, second));
  ending.Settle();
}

Coro<> Lazy01(Ending& ending, int bound) {
  Var d(0);
  Lock m;
  ending.describe = [&] { return absl::StrCat(d.Peek()); };
  auto add = [&](int n) -> Coro<> {
    co_await Take(m);
    co_await Add(d, n);
    m.Release();
  };
  auto check = [&]() -> Coro<> {
    co_await Take(m);
    ending.Check(co_await d.Load() < bound);
    m.Release();
  };
  co_await Gather(add(1), add(2), check());
  ending.Settle();
}

Coro<> Reorder3(Ending& ending, bool corrected) {
  Var a(0), b(0);
  ending.describe = [&] { return absl::StrCat(a.Peek(), b.Peek()); };
  auto set = [&]() -> Coro<> {
    co_await a.Store(1);
    co_await b.Store(-1);
  };
  auto check = [&]() -> Coro<> {
    bool ok = corrected;
    if (co_await a.Load() == 0) ok |= co_await b.Load() == 0;
    if (!ok) {
      if (co_await a.Load() == 1) ok = co_await b.Load() == -1;
    }
    ending.Check(ok);
  };
  co_await Gather(set(), set(), check());
  ending.Settle();
}

Coro<> Twostage2(Ending& ending, bool corrected) {
  Var d1(0), d2(0);
  Lock m1, m2;
  ending.describe = [&] { return absl::StrCat(d1.Peek(), d2.Peek()); };
  auto write = [&]() -> Coro<> {
    co_await Take(m1);
    co_await d1.Store(1);
    if (!corrected) m1.Release();
    co_await Take(m2);
    const int seen = co_await d1.Load();
    co_await d2.Store(seen + 1);
    m2.Release();
    if (corrected) m1.Release();
  };
  auto read = [&]() -> Coro<> {
    co_await Take(m1);
    const int t1 = co_await d1.Load();
    m1.Release();
    if (t1 == 0) co_return;
    co_await Take(m2);
    const int t2 = co_await d2.Load();
    m2.Release();
    ending.Check(t2 == t1 + 1);
  };
  co_await Gather(write(), read());
  ending.Settle();
}

Coro<> Wronglock3(Ending& ending, bool corrected) {
  Var d(0);
  Lock m1, m2;
  ending.describe = [&] { return absl::StrCat(d.Peek()); };
  auto check = [&]() -> Coro<> {
    Lock& m = corrected ? m2 : m1;
    co_await Take(m);
    const int x = co_await d.Load();
    co_await Add(d, 1);
    ending.Check(co_await d.Load() == x + 1);
    m.Release();
  };
  auto add = [&]() -> Coro<> {
    co_await Take(m2);
    co_await Add(d, 1);
    m2.Release();
  };
  co_await Gather(check(), add(), add(), add());
  ending.Settle();
}

class Case {
 public:
  Case(std::string of, SearchedProgram buggy, SearchedProgram mended, uint64_t runs, bool plain)
      : name(std::move(of)),
        program(std::move(buggy)),
        corrected(std::move(mended)),
        runs_max(runs),
        with_plain(plain) {}
  std::string name;
  SearchedProgram program;
  SearchedProgram corrected;
  uint64_t runs_max;
  bool with_plain;  // Whether the search without reduction ends in time.
};

std::vector<Case> Cases() {
  auto both = [](auto body, auto buggy, auto corrected) {
    return std::pair<SearchedProgram, SearchedProgram>([=](Ending& ending) { return body(ending, buggy); },
                                                       [=](Ending& ending) { return body(ending, corrected); });
  };
  std::vector<Case> cases;
  auto add = [&](const char* name, std::pair<SearchedProgram, SearchedProgram> programs, uint64_t runs, bool plain) {
    cases.push_back(Case(name, programs.first, programs.second, runs, plain));
  };
  add("account", both(Account, -5, -1), 69, false);
  add("bluetooth", both(Bluetooth, false, true), 15, true);
  add("deadlock01", both(Deadlock01, false, true), 17, true);
  add("lazy01", both(Lazy01, 3, 4), 57, true);
  add("reorder_3", both(Reorder3, false, true), 70, true);
  add("twostage_2", both(Twostage2, false, true), 13, true);
  add("wronglock_3", both(Wronglock3, false, true), 2549, false);
  return cases;
}

TEST(ExhaustiveProgramsTest, ReductionVisitsNoMoreRunsThanTheReference) {
  for (const Case& test : Cases()) {
    const SearchResult found = SearchAll(kDeclaredOnly, test.program);
    RecordProperty(test.name, absl::StrCat(found.runs, " and ", found.abandoned));
    std::printf("%s: %s\n", test.name.c_str(), found.summary.c_str());
    EXPECT_TRUE(found.complete && found.failed) << test.name;
    EXPECT_LE(found.visited(), test.runs_max) << test.name;
  }
}

TEST(ExhaustiveProgramsTest, ReductionReachesEveryStateThatThePlainSearchReaches) {
  for (const Case& test : Cases()) {
    if (!test.with_plain) continue;
    const SearchResult plain = SearchAll(FootprintRule::kAnything, test.program);
    std::printf("%s: %s\n", test.name.c_str(), plain.summary.c_str());
    EXPECT_EQ(plain.states, SearchAll(kDeclaredOnly, test.program).states) << test.name;
    EXPECT_EQ(plain.abandoned, 0u);
  }
}

TEST(ExhaustiveProgramsTest, CorrectedProgramsAreProvenRight) {
  for (const Case& test : Cases()) {
    const SearchResult found = SearchAll(kDeclaredOnly, test.corrected);
    std::printf("%s corrected: %s\n", test.name.c_str(), found.summary.c_str());
    EXPECT_TRUE(found.complete) << test.name;
    EXPECT_FALSE(found.failed) << test.name;
  }
}

}  // namespace
}  // namespace detent::sim
