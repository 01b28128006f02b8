// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/power_loss.h"

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A directory with a file `log` of 2,000 bytes, and what a program did to it.
class PowerLossTest : public ::testing::Test {
 protected:
  PowerLossTest() {
    root_.is_directory = true;
    file_->now.bytes.assign(2000, 'o');
    root_.now.names["log"] = file_;
    root_ptr_ = DiskNodePtr(DiskNodePtr(), &root_);
  }

  void Write(uint64_t offset, const std::string& bytes, bool in_place) {
    DiskChange change;
    change.at = file_;
    change.offset = offset;
    change.bytes = bytes;
    change.is_in_place = in_place;
    log_.push_back(change);
  }
  void Enter(const std::string& name) {
    DiskChange change;
    change.kind = DiskChange::Kind::kEnter;
    change.at = root_ptr_;
    change.bytes = name;
    change.node = std::make_shared<DiskNode>();
    log_.push_back(change);
  }

  // What is left in each way in which it can go, a text for each: `w0:5` is a write of 5 bytes at 0, `+a` the name a.
  std::set<std::string> Ways(DiskProfile profile) {
    std::set<std::string> ways;
    std::vector<uint32_t> path;
    do {
      size_t depth = 0;
      std::vector<uint32_t> counts;
      const std::vector<DiskChange> kept =
          KeptOf(log_, profile, root_, [&](uint32_t n, absl::FunctionRef<std::string(uint32_t)> words) -> uint32_t {
            for (uint32_t i = 1; i < n; ++i) words_.insert(words(i));
            counts.push_back(n);
            if (depth == path.size()) path.push_back(0);
            return path[depth++];
          });
      std::string text;
      for (const DiskChange& change : kept) text += Spell(change) + " ";
      ways.insert(text);
      path.resize(counts.size());
      while (!path.empty() && path.back() + 1 >= counts[path.size() - 1]) path.pop_back();
      if (!path.empty()) ++path.back();
    } while (!path.empty());
    return ways;
  }
  static std::string Spell(const DiskChange& change) {
    if (change.kind == DiskChange::Kind::kEnter) return "+" + change.bytes;
    if (change.kind == DiskChange::Kind::kMove) return change.bytes + ">" + change.to_name;
    return "w" + std::to_string(change.offset) + ":" + std::to_string(change.bytes.size());
  }

  DiskNode root_;
  DiskNodePtr root_ptr_;
  const DiskNodePtr file_ = std::make_shared<DiskNode>();
  std::vector<DiskChange> log_;
  std::set<std::string> words_;
};

TEST_F(PowerLossTest, OfNothingNothingIsLost) {
  EXPECT_THAT(Ways(DiskProfile::kPosix), ElementsAre(""));
  EXPECT_THAT(words_, IsEmpty());
}

TEST_F(PowerLossTest, AStrictDiskLosesNothing) {
  Write(2000, "a", false);
  Enter("b");
  EXPECT_THAT(Ways(DiskProfile::kStrict), ElementsAre("w2000:1 +b "));
}

TEST_F(PowerLossTest, AnOrderedDiskLosesFromTheEnd) {
  Write(2000, "a", false);
  Enter("b");
  Write(2001, "c", false);
  EXPECT_THAT(Ways(DiskProfile::kOrdered), ElementsAre("", "w2000:1 ", "w2000:1 +b ", "w2000:1 +b w2001:1 "));
}

TEST_F(PowerLossTest, BytesOverOthersAreInNoOrder) {
  Write(0, "a", true);
  Enter("b");
  Write(600, "c", true);
  EXPECT_THAT(Ways(DiskProfile::kOrdered),
              ElementsAre("", "+b ", "+b w600:1 ", "w0:1 ", "w0:1 +b ", "w0:1 +b w600:1 "));
}

TEST_F(PowerLossTest, WhatIsInOneSectorComesInItsOrder) {
  Write(0, "a", true);
  Write(7, "b", true);
  Write(8, "c", true);
  for (const DiskProfile profile : {DiskProfile::kOrdered, DiskProfile::kPosix}) {
    EXPECT_THAT(Ways(profile), ElementsAre("", "w0:1 ", "w0:1 w7:1 ", "w0:1 w7:1 w8:1 "));
  }
}

TEST_F(PowerLossTest, UnderPosixAnyOneIsLostOrComesEarly) {
  Enter("a");
  Enter("b");
  Enter("c");
  EXPECT_THAT(Ways(DiskProfile::kPosix),
              ElementsAre("", "+a ", "+a +b ", "+a +b +c ", "+a +c ", "+b ", "+b +c ", "+c "));
}

TEST_F(PowerLossTest, AWriteTearsBetweenSectors) {
  Write(500, std::string(1000, 'x'), false);  // Ends in sector 2.
  EXPECT_THAT(Ways(DiskProfile::kOrdered), ElementsAre("", "w500:1000 ", "w500:12 ", "w500:524 "));
  EXPECT_THAT(words_, ElementsAre("of the write of 1000 bytes at 500 to /log the first 1 of 3 sectors are there",
                                  "of the write of 1000 bytes at 500 to /log the first 2 of 3 sectors are there",
                                  "the write of 1000 bytes at 500 to /log is lost: the file was not synced after it"));
}

// Or one could come to stand in the other.
TEST_F(PowerLossTest, DirectoriesMoveInTheirOrder) {
  for (const char* const name : {"d", "e"}) {
    DiskChange move;
    move.kind = DiskChange::Kind::kMove;
    move.at = move.to = root_ptr_;
    move.bytes = name;
    move.to_name = std::string(name) + "2";
    move.node = std::make_shared<DiskNode>();
    move.node->is_directory = true;
    log_.push_back(move);
  }
  Enter("a");
  EXPECT_THAT(Ways(DiskProfile::kPosix), ElementsAre("", "+a ", "d>d2 ", "d>d2 +a ", "d>d2 e>e2 ", "d>d2 e>e2 +a "));
  EXPECT_THAT(words_, Contains("the last 2 changes are lost, from the rename of /e to /e2 on: the directory / was not "
                               "synced after it"));
}

TEST_F(PowerLossTest, ALongLogHasABoundedNumberOfWaysAtOnce) {
  for (int i = 0; i < 10'000; ++i) Write(2000, "a", false);
  (void)KeptOf(log_, DiskProfile::kPosix, root_, [](uint32_t n, absl::FunctionRef<std::string(uint32_t)>) {
    EXPECT_LE(n, 4096u);
    return n - 1;
  });
}

}  // namespace
}  // namespace detent::sim
