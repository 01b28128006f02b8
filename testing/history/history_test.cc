// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/history/history.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/runtime.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using detent::Coro;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

// A register by key.
class Register {
 public:
  class Input {
   public:
    Input(std::string the_key, std::optional<int> the_value) : key(std::move(the_key)), put(the_value) {}
    std::string key;
    std::optional<int> put;  // Empty: a get.
  };
  using Output = int;
  using State = int;

  static int Apply(State& state, const Input& input) {
    if (input.put) state = *input.put;
    return state;
  }
  static std::string Key(const Input& input) { return input.key; }
  static std::string Describe(const Input& input) {
    return input.put ? "put " + input.key + " " + std::to_string(*input.put) : "get " + input.key;
  }
};
using Input = Register::Input;

Input Put(std::string key, int value) { return Input(std::move(key), value); }
Input Get(std::string key) { return Input(std::move(key), std::nullopt); }

TEST(HistoryTest, AnOrderWithinTheCallsExplains) {
  History<Register> history;
  auto put = history.Call(1, Put("x", 1));
  auto before = history.Call(2, Get("x"));
  before.Return(0);
  history.Call(2, Get("x")).Return(1);
  put.Return(1);
  history.Call(3, Get("x")).Return(1);
  EXPECT_TRUE(history.Check().ok());
  EXPECT_EQ(history.Check().text(), "");
}

TEST(HistoryTest, AnImpossibleAnswerIsToldWithWhatWasPossible) {
  History<Register> history;
  history.Call(1, Put("x", 1)).Return(1);
  auto second = history.Call(1, Put("x", 2));
  auto third = history.Call(2, Put("x", 3));
  history.Call(3, Put("y", 9)).Return(9);
  second.Return(2);
  third.Return(3);
  EXPECT_NONFATAL_FAILURE(history.Call(3, Get("x")).Return(1),
                          "no order explains #5: get x = 1; 3 or 2 were possible\n"
                          "  #1  client 1  put x 1 = 1    [==]\n"
                          "  #2  client 1  put x 2 = 2          [=====]\n"
                          "  #3  client 2  put x 3 = 3             [=====]\n"
                          "  #5  client 3  get x = 1    >                   [==]\n"
                          "  the others can be explained by the order #1 #2 #3\n");
  EXPECT_TRUE(history.Check().IsImpossible());
}

TEST(HistoryTest, AnOperationWithoutAnAnswerMayHappenLaterOrNever) {
  History<Register> history;
  {
    auto lost = history.Call(1, Put("x", 1));
  }
  history.Call(2, Get("x")).Return(0);
  history.Call(1, Put("x", 2)).Return(2);
  history.Call(2, Get("x")).Return(1);
  EXPECT_TRUE(history.Check().ok());
  EXPECT_NONFATAL_FAILURE(history.Call(2, Get("x")).Return(2), "get x = 2; 1 was possible");
}

TEST(HistoryTest, WhatCertainlyFailedDidNotHappen) {
  History<Register> history;
  auto failed = history.Call(1, Put("x", 1));
  history.Call(2, Get("x")).Return(1);
  EXPECT_NONFATAL_FAILURE(failed.Failed(), "no order explains #2: get x = 1; 0 was possible");
  History<Register> calm;
  calm.Call(1, Put("x", 1)).Failed();
  calm.Call(2, Get("x")).Return(0);
  EXPECT_TRUE(calm.Check().ok());
}

TEST(HistoryTest, EachOperationHasOneOutcome) {
  History<Register> history;
  auto put = history.Call(1, Put("x", 1));
  put.Return(1);
  EXPECT_THROW(put.Return(1), std::logic_error);
  EXPECT_THROW(put.Failed(), std::logic_error);
}

TEST(HistoryTest, AnOperationMayOutliveItsHistory) {
  auto history = std::make_optional<History<Register>>();
  auto put = history->Call(1, Put("x", 1));
  history.reset();
  put.Return(1);
}

TEST(HistoryTest, BySequenceOnlyTheOrderOfEachClientCounts) {
  History<Register> history(kSequential);
  history.Call(1, Put("x", 1)).Return(1);
  history.Call(2, Get("x")).Return(0);  // An old value, which real time forbids.
  history.Call(2, Get("x")).Return(1);
  EXPECT_TRUE(history.Check().ok());
  history.Call(2, Get("x")).Return(0);
  const Verdict verdict = history.Check();
  EXPECT_TRUE(verdict.IsImpossible());
  EXPECT_THAT(verdict.text(), HasSubstr("no order explains the history, though only the order of each client's own "
                                        "operations counts\n  #1  client 1  put x 1 = 1"));
}

// Two registers, each of which has an order, that have none together.
TEST(HistoryTest, BySequenceKeysAreNotApart) {
  History<Register> history(kSequential);
  history.Call(1, Put("x", 1)).Return(1);
  history.Call(1, Get("y")).Return(0);
  history.Call(2, Put("y", 1)).Return(1);
  history.Call(2, Get("x")).Return(0);
  EXPECT_TRUE(history.Check().IsImpossible());
}

TEST(HistoryTest, WhatIsDecidedAtTheEndFailsThere) {
  EXPECT_NONFATAL_FAILURE(
      {
        History<Register> history(kSequential);
        history.Call(1, Get("x")).Return(7);
      },
      "no order explains the history");
}

TEST(HistoryTest, UndecidedIsAFailureThatSaysWhatToDo) {
  HistoryOptions options;
  options.configurations_max = 10;
  History<Register> history(options);
  std::vector<History<Register>::Operation> puts;
  for (int i = 1; i <= 8; ++i) puts.push_back(history.Call(i, Put("x", i)));
  EXPECT_NONFATAL_FAILURE(history.Call(9, Get("x")).Return(99),
                          "undecided: whether an order explains the history was not clear after 10 configurations; "
                          "allow more of them (HistoryOptions::configurations_max)");
  EXPECT_FALSE(history.Check().ok());
  EXPECT_FALSE(history.Check().IsImpossible());
}

// The second read may give what is older than the first.
TEST(HistoryTest, ARunEndsAtTheImpossibleAnswer) {
  int after = 0;
  const Report report = Explore({.schedules = 1000}, [&]() -> Coro<> {
    History<Register> history;
    int primary = 0, backup = 0;
    bool failed = false;
    detent::Task<> writes = detent::Spawn([&]() -> Coro<> {
      auto put = history.Call(2, Put("x", 1));
      primary = 1;
      co_await detent::Yield();
      backup = 1;
      put.Return(1);
    });
    auto first = history.Call(1, Get("x"));
    co_await detent::Yield();
    first.Return(primary);
    auto second = history.Call(1, Get("x"));
    const int seen = backup;
    failed = primary == 1 && seen == 0;
    second.Return(seen);
    co_await detent::Yield();
    if (failed) ++after;
    co_await writes;
  });
  ASSERT_FALSE(report.ok);
  EXPECT_THAT(report.failure, ContainsRegex("no order explains #[123]: get x = 0; 1 was possible"));
  EXPECT_EQ(after, 0);
}

// --- Against all orders, of small random histories ---

class RandomHistory {
 public:
  class Op {
   public:
    int client;
    Input input = Get("");
    int output = 0;
    size_t called = 0, returned = 0;
    bool is_unknown = false;
  };

  explicit RandomHistory(uint64_t seed) : random_(seed) {
    const int count = Draw(3, 6);
    std::map<int, size_t> open;
    size_t event = 0;
    int made = 0;
    while (made < count || !open.empty()) {
      const int client = Draw(1, 3);
      if (const auto it = open.find(client); it != open.end()) {
        ops_[it->second].returned = ++event;
        open.erase(it);
      } else if (made < count) {
        ++made;
        Op op;
        op.client = client;
        op.input.key = Draw(0, 3) == 0 ? "y" : "x";
        if (Draw(0, 1) == 0) op.input.put = Draw(1, 3);
        op.output = op.input.put ? *op.input.put : Draw(0, 3);
        op.is_unknown = Draw(0, 5) == 0;
        op.called = ++event;
        open[client] = ops_.size();
        ops_.push_back(op);
      }
    }
  }

  // By trying all orders of all subsets that have all answers.
  bool IsExplained(Consistency consistency) const {
    for (uint32_t subset = 0; subset < (1u << ops_.size()); ++subset) {
      std::vector<size_t> order;
      bool has_all = true;
      for (size_t i = 0; i < ops_.size(); ++i) {
        if ((subset >> i & 1) != 0) order.push_back(i);
        if ((subset >> i & 1) == 0 && !ops_[i].is_unknown) has_all = false;
      }
      if (!has_all) continue;
      do {
        if (Explains(order, consistency)) return true;
      } while (std::next_permutation(order.begin(), order.end()));
    }
    return false;
  }

  Verdict Check(Consistency consistency) const {
    History<Register> history(consistency);
    std::map<size_t, std::pair<bool, size_t>> events;
    for (size_t i = 0; i < ops_.size(); ++i) {
      events[ops_[i].called] = {true, i};
      events[ops_[i].returned] = {false, i};
    }
    std::map<size_t, History<Register>::Operation> open;
    // Impossible answers are told as they come, too.
    ::testing::TestPartResultArray failures;
    ::testing::ScopedFakeTestPartResultReporter quiet(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &failures);
    for (const auto& [when, what] : events) {
      const Op& op = ops_[what.second];
      if (what.first) {
        open.emplace(what.second, history.Call(op.client, op.input));
      } else {
        if (!op.is_unknown) open.at(what.second).Return(op.output);
        open.erase(what.second);
      }
    }
    const Verdict verdict = history.Check();
    if (consistency == kLinearizable) {
      EXPECT_EQ(failures.size(), verdict.ok() ? 0 : 1);
    }
    return verdict;
  }

 private:
  int Draw(int low, int high) { return low + static_cast<int>(random_() % static_cast<uint64_t>(high - low + 1)); }

  bool Explains(const std::vector<size_t>& order, Consistency consistency) const {
    std::map<std::string, int> values;
    for (size_t i = 0; i < order.size(); ++i) {
      const Op& op = ops_[order[i]];
      for (size_t j = i + 1; j < order.size(); ++j) {
        const Op& later = ops_[order[j]];
        const bool in_time = !later.is_unknown && later.returned < op.called;
        const bool in_program = later.client == op.client && later.called < op.called && !later.is_unknown;
        if (consistency == kLinearizable ? in_time : in_program) return false;
      }
      if (op.input.put) values[op.input.key] = *op.input.put;
      if (!op.is_unknown && values[op.input.key] != op.output) return false;
    }
    return true;
  }

  std::mt19937_64 random_;
  std::vector<Op> ops_;
};

TEST(HistoryTest, SmallHistoriesAreJudgedAsByAllOrders) {
  std::array<int, 4> verdicts = {};
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    const RandomHistory history(seed);
    const bool in_time = history.IsExplained(kLinearizable);
    const bool in_program = history.IsExplained(kSequential);
    EXPECT_EQ(history.Check(kLinearizable).ok(), in_time) << seed;
    EXPECT_EQ(history.Check(kSequential).ok(), in_program) << seed;
    ++verdicts[(in_time ? 2u : 0u) + (in_program ? 1u : 0u)];
  }
  EXPECT_GT(verdicts[0], 100);
  EXPECT_GT(verdicts[1], 20);  // By program, but not in time.
  EXPECT_EQ(verdicts[2], 0);
  EXPECT_GT(verdicts[3], 100);
}

}  // namespace
}  // namespace detent_testing
