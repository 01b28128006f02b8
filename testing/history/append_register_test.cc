// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/history/append_register.h"

#include <cstdint>
#include <map>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include "detent/testing/history/history.h"
#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using Register = AppendRegister<int>;

// The same model, which has to search.
class Searched {
 public:
  using Input = Register::Input;
  using Output = Register::Output;
  using State = Register::State;
  static Output Apply(State& state, const Input& input) { return Register::Apply(state, input); }
};

TEST(AppendRegisterTest, AReadSeesWhatHadReturned) {
  History<Register> history;
  history.Call(1, Register::Append(1)).Return({});
  auto second = history.Call(1, Register::Append(2));
  history.Call(2, Register::Read()).Return({1, 2});
  second.Return({});
  history.Call(2, Register::Read()).Return({1, 2});
  EXPECT_TRUE(history.Check().ok());
  EXPECT_NONFATAL_FAILURE(
      history.Call(2, Register::Read()).Return({1}),
      "no order explains #5 of client 2, read: an operation that had returned before that read began "
      "saw, or was, item 1, and this is before it");
}

TEST(AppendRegisterTest, EachFaultHasItsWord) {
  {
    History<Register> history;
    history.Call(1, Register::Append(1)).Return({});
    EXPECT_NONFATAL_FAILURE(history.Call(2, Register::Read()).Return({}),
                            "#1 (append 1) had returned before that read began, and is not before it");
  }
  {
    History<Register> history;
    EXPECT_NONFATAL_FAILURE(history.Call(2, Register::Read()).Return({7}), "nobody has appended 7");
  }
  {
    History<Register> history;
    auto append = history.Call(1, Register::Append(1));
    EXPECT_NONFATAL_FAILURE(history.Call(2, Register::Read()).Return({1, 1}), "1 is there twice");
  }
  {
    History<Register> history;
    auto one = history.Call(1, Register::Append(1));
    auto two = history.Call(2, Register::Append(2));
    history.Call(3, Register::Read()).Return({1, 2});
    EXPECT_NONFATAL_FAILURE(history.Call(3, Register::Read()).Return({2, 1}),
                            "item 0 is 2, and another read saw 1 there");
  }
  {
    History<Register> history;
    auto append = history.Call(1, Register::Append(1));
    history.Call(3, Register::Read()).Return({1});
    EXPECT_NONFATAL_FAILURE(append.Failed(), "a read has seen it, and it certainly did not happen");
  }
}

TEST(AppendRegisterTest, AnItemIsAppendedOnce) {
  History<Register> history;
  history.Call(1, Register::Append(1)).Return({});
  EXPECT_THROW((void)history.Call(1, Register::Append(1)), std::invalid_argument);
}

// Random histories of a register that is right, or now and then is not, judged by both.
TEST(AppendRegisterTest, ItSaysWhatASearchSays) {
  int impossible = 0;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    std::mt19937_64 random(seed);
    History<Register> fast;
    History<Searched> slow;
    std::vector<int> items;
    class Open {
     public:
      History<Register>::Operation fast;
      History<Searched>::Operation slow;
      std::vector<int> answer;
    };
    std::map<int, Open> open;
    ::testing::TestPartResultArray failures;
    ::testing::ScopedFakeTestPartResultReporter quiet(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &failures);
    int next = 1;
    for (int i = 0; i < 24; ++i) {
      const int client = static_cast<int>(random() % 4);
      const auto it = open.find(client);
      if (it == open.end()) {
        const bool reads = random() % 2 == 0;
        const Register::Input input = reads ? Register::Read() : Register::Append(next);
        Open operation{fast.Call(client, input), slow.Call(client, input), {}};
        std::vector<int> seen = items;
        if (random() % 40 == 0 && !seen.empty()) seen.pop_back();
        if (random() % 40 == 0 && seen.size() > 1) std::swap(seen[0], seen[1]);
        if (reads) operation.answer = seen;
        if (!reads && random() % 8 != 0) items.push_back(next);
        if (!reads) ++next;
        open.emplace(client, std::move(operation));
      } else {
        if (random() % 8 != 0) {
          it->second.fast.Return(it->second.answer);
          it->second.slow.Return(it->second.answer);
        }
        open.erase(it);
      }
    }
    const bool is_explained = slow.Check().ok();
    EXPECT_EQ(fast.Check().ok(), is_explained) << seed << ": " << fast.Check().text() << slow.Check().text();
    impossible += is_explained ? 0 : 1;
  }
  EXPECT_GT(impossible, 200);
  EXPECT_LT(impossible, 1800);
}

// Linear: with a search, or with a walk over all that came before, this would take minutes.
TEST(AppendRegisterTest, ALongHistoryIsNoTrouble) {
  History<AppendRegister<int>> history;
  std::vector<int> items;
  for (int i = 0; i < 20'000; ++i) {
    auto append = history.Call(i % 10, Register::Append(i));
    items.push_back(i);
    append.Return({});
    if (i % 1000 == 999) history.Call(11, Register::Read()).Return(items);
  }
  EXPECT_TRUE(history.Check().ok());
}

}  // namespace
}  // namespace detent_testing
