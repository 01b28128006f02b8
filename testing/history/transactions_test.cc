// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/history/transactions.h"

#include <cstdint>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(TransactionsTest, WhatIsSerialIsExplained) {
  Transactions history;
  for (int i = 1; i <= 3; ++i) {
    auto transaction = history.Begin(i);
    transaction.Append("x", i);
    std::vector<int64_t> items;
    for (int j = 1; j <= i; ++j) items.push_back(j);
    transaction.Read("x", items);
    transaction.Committed();
  }
  EXPECT_TRUE(history.Check().ok()) << history.Check().text();
}

TEST(TransactionsTest, WriteSkewIsTheSmallestCircleInWords) {
  Transactions history;
  auto a = history.Begin(1);
  auto b = history.Begin(2);
  a.Read("x", {});
  b.Read("y", {});
  a.Append("y", 1);
  b.Append("x", 1);
  a.Committed();
  b.Committed();
  auto later = history.Begin(3);
  later.Read("x", {1});
  later.Read("y", {1});
  later.Committed();
  EXPECT_EQ(history.Check().text(),
            "G2: no order explains these 2 transactions, each of which comes before the next, and the last before the "
            "first:\n"
            "  #1  client 1  read x = [], append y 1\n"
            "      #1 read x before #2 appended 1\n"
            "  #2  client 2  read y = [], append x 1\n"
            "      #2 read y before #1 appended 1\n");
}

TEST(TransactionsTest, EachCircleHasItsName) {
  {
    Transactions history;
    auto a = history.Begin(1);
    auto b = history.Begin(2);
    for (const char* key : {"x", "y"}) {
      a.Append(key, 1);
      b.Append(key, 2);
    }
    a.Committed();
    b.Committed();
    auto reads = history.Begin(3);
    reads.Read("x", {1, 2});
    reads.Read("y", {2, 1});
    reads.Committed();
    EXPECT_THAT(history.Check().text(), StartsWith("G0: no order explains these 2 transactions"));
  }
  {
    Transactions history;
    auto a = history.Begin(1);
    auto b = history.Begin(2);
    a.Append("x", 1);
    b.Append("y", 1);
    a.Read("y", {1});
    b.Read("x", {1});
    a.Committed();
    b.Committed();
    EXPECT_THAT(history.Check().text(), StartsWith("G1c: no order explains these 2 transactions"));
  }
  {
    Transactions history;
    auto writes = history.Begin(1);
    writes.Append("x", 1);
    writes.Append("y", 1);
    writes.Committed();
    auto reads = history.Begin(2);
    reads.Read("x", {1});
    reads.Read("y", {});
    reads.Committed();
    auto last = history.Begin(2);
    last.Read("y", {1});
    last.Committed();
    EXPECT_THAT(history.Check().text(), StartsWith("G-single, a G2: no order explains these 2 transactions"));
  }
}

TEST(TransactionsTest, AReadOfWhatCannotBeReadHasItsName) {
  {
    Transactions history;
    auto aborted = history.Begin(1);
    aborted.Append("x", 1);
    aborted.Aborted();
    auto reads = history.Begin(2);
    reads.Read("x", {1});
    reads.Committed();
    EXPECT_THAT(history.Check().text(),
                StartsWith("G1a: #1, which appended 1, was aborted: #2 of client 2 has read x = [1]"));
  }
  {
    Transactions history;
    auto writes = history.Begin(1);
    writes.Append("x", 1);
    writes.Append("x", 2);
    writes.Committed();
    auto reads = history.Begin(2);
    reads.Read("x", {1});
    reads.Committed();
    EXPECT_THAT(history.Check().text(), StartsWith("G1b: #1 appended 2 to x as well: #2 of client 2 has read x = [1]"));
  }
  {
    Transactions history;
    auto one = history.Begin(1);
    one.Append("x", 1);
    auto two = history.Begin(2);
    two.Append("x", 2);
    auto reads = history.Begin(3);
    reads.Read("x", {1, 2});
    reads.Committed();
    auto other = history.Begin(4);
    other.Read("x", {2});
    other.Committed();
    EXPECT_THAT(history.Check().text(),
                StartsWith("item 0 is 2, and #3 read 1 there: #4 of client 4 has read x = [2]"));
  }
  {
    Transactions history;
    auto reads = history.Begin(1);
    reads.Read("x", {5});
    reads.Committed();
    EXPECT_THAT(history.Check().text(), StartsWith("nobody has appended 5 to x"));
  }
  {
    Transactions history;
    auto blind = history.Begin(1);
    blind.Append("x", 1);
    blind.Read("x", {});
    blind.Committed();
    EXPECT_THAT(history.Check().text(), StartsWith("#1 did not see what it had appended itself: it has read x = []"));
  }
}

// What has no outcome may have happened, and says nothing of what it saw.
TEST(TransactionsTest, AnUnknownOutcomeMayBeRead) {
  Transactions history;
  {
    auto lost = history.Begin(1);
    lost.Append("x", 1);
    lost.Read("x", {7});
  }
  auto reads = history.Begin(2);
  reads.Read("x", {1});
  reads.Committed();
  EXPECT_TRUE(history.Check().ok()) << history.Check().text();
}

TEST(TransactionsTest, MisuseIsToldInASentence) {
  Transactions history;
  auto one = history.Begin(1);
  one.Append("x", 1);
  EXPECT_THAT([&] { one.Append("x", 1); }, ::testing::ThrowsMessage<std::invalid_argument>(
                                               HasSubstr("1 was appended to x before; append each item once")));
  one.Committed();
  EXPECT_THROW(one.Read("x", {1}), std::logic_error);
}

// Transactions of a store in memory, whose steps are mixed. With one copy for all steps it is serial only if each runs
// alone; with a snapshot for each, two may both read what the other has not written yet.
class Store {
 public:
  enum class Kind { kSerial, kSnapshot };

  Verdict Run(Kind kind, uint64_t seed) {
    std::mt19937_64 random(seed);
    class Open {
     public:
      Transactions::Transaction transaction;
      std::map<std::string, std::vector<int64_t>> snapshot;
      std::map<std::string, std::vector<int64_t>> appended;
    };
    std::map<std::string, std::vector<int64_t>> store;
    std::map<int, Open> open;
    Transactions history;
    int64_t next = 1;
    for (int i = 0; i < 200; ++i) {
      const int client = static_cast<int>(random() % (kind == Kind::kSerial ? 1 : 3));
      const auto it = open.find(client);
      if (it == open.end()) {
        open.emplace(client, Open{history.Begin(client), store, {}});
        continue;
      }
      Open& mine = it->second;
      const std::string key(1, static_cast<char>('a' + random() % 3));
      switch (random() % 4) {
        case 0:
          for (const auto& [each, items] : mine.appended) {
            store[each].insert(store[each].end(), items.begin(), items.end());
          }
          mine.transaction.Committed();
          open.erase(it);
          break;
        case 1:
          mine.transaction.Append(key, next);
          mine.snapshot[key].push_back(next);
          mine.appended[key].push_back(next++);
          break;
        default:
          mine.transaction.Read(key, mine.snapshot[key]);
          break;
      }
    }
    return history.Check();
  }
};

TEST(TransactionsTest, AStoreWithSnapshotsIsFoundAndASerialOneIsNot) {
  int found = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    EXPECT_TRUE(Store().Run(Store::Kind::kSerial, seed).ok()) << seed;
    found += Store().Run(Store::Kind::kSnapshot, seed).IsImpossible() ? 1 : 0;
  }
  EXPECT_GT(found, 35);
}

}  // namespace
}  // namespace detent_testing
