// SPDX-License-Identifier: Apache-2.0
//
// SQLite as the judge of the simulated disk: whatever a loss of power leaves, a database that syncs as it should comes
// back whole with all that was committed; one that does not is found out.
//
//   SQLITE_POWER_LOSSES=100000 bazel run -c opt //sim/world:power_loss_sqlite_test
#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/sim/world/disk.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sim/world/sqlite_test.h"

namespace detent::sim {
namespace {

using Drops = SqliteMachine::Drops;
// Keys and values.
using Rows = std::map<int, std::string>;

constexpr uint64_t kLossesInRun = 5;

uint64_t PowerLosses() {
  const char* const text = std::getenv("SQLITE_POWER_LOSSES");
  uint64_t losses = 0;
  return text != nullptr && absl::SimpleAtoi(text, &losses) ? losses : 1000;
}

class Database {
 public:
  explicit Database(const std::string& settings) {
    if (sqlite3_open_v2("/kv.db", &database_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "simulated") != SQLITE_OK)
      return;
    is_open_ = Do("PRAGMA locking_mode=EXCLUSIVE; PRAGMA page_size=1024; PRAGMA cache_size=4;" + settings +
                  "CREATE TABLE IF NOT EXISTS kv(k INTEGER PRIMARY KEY, v TEXT)");
  }
  ~Database() { sqlite3_close(database_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  bool is_open() const { return is_open_; }
  bool Do(const std::string& statements) {
    return sqlite3_exec(database_, statements.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
  }
  std::string error() const { return sqlite3_errmsg(database_); }
  // Empty if it cannot be read.
  std::optional<Rows> Read(const char* query) {
    Rows rows;
    const auto add = [](void* to, int, char** columns, char**) {
      static_cast<Rows*>(to)->insert_or_assign(std::atoi(columns[0]), columns[1]);
      return 0;
    };
    if (sqlite3_exec(database_, query, add, &rows, nullptr) != SQLITE_OK) return std::nullopt;
    return rows;
  }

 private:
  sqlite3* database_ = nullptr;
  bool is_open_ = false;
};

// One run: transactions until the power fails, and what is there afterwards, some times.
class Run {
 public:
  Run(std::string settings, Drops drops) : settings_(std::move(settings)), machine_(Disk::Current().Tree()) {
    Require(Database(settings_).is_open(), "a new database cannot be made");
    Require(Disk::Current().Tree().SyncDirectory("/") == 0, "the directory cannot be synced");
    machine_.Drop(drops);
  }

  void LosePower() {
    WorkUntilThePowerFails();
    machine_.PowerOn();
    Disk::Current().LosePower();
    (void)Disk::Current().Contents();
    Look();
  }

 private:
  static void Require(bool holds, const std::string& what) {
    if (!holds) throw std::runtime_error(what);
  }

  void WorkUntilThePowerFails() {
    machine_.FailAfter(1 + EventLoop::Current().Random().Below(300));
    Database database(settings_);
    while (!machine_.is_off()) {
      Rows next = rows_;
      std::string statements = "BEGIN;";
      for (uint64_t changes = 1 + Draw(4); changes > 0; --changes) {
        const int key = static_cast<int>(Draw(20));
        const std::string value(1 + Draw(Draw(3) == 0 ? 3000 : 30), static_cast<char>('a' + Draw(26)));
        next[key] = value;
        statements += "INSERT OR REPLACE INTO kv VALUES(" + std::to_string(key) + ", '" + value + "');";
      }
      under_way_ = next;
      if (!database.Do(statements + "COMMIT")) {
        Require(machine_.is_off(), "a transaction fails: " + database.error());
        return;
      }
      rows_ = std::move(next);
      under_way_ = rows_;
    }
  }

  void Look() {
    Database database(settings_);
    Require(database.is_open(), "the database cannot be opened");
    const auto integrity = database.Read("SELECT 0, integrity_check FROM pragma_integrity_check LIMIT 1");
    Require(integrity.has_value() && integrity->at(0) == "ok",
            "the database is damaged: " + (integrity.has_value() ? integrity->at(0) : std::string("unreadable")));
    const auto rows = database.Read("SELECT k, v FROM kv");
    Require(rows.has_value(), "the database cannot be read");
    // The transaction that was under way has happened or not, as a whole.
    Require(*rows == rows_ || *rows == under_way_, "a committed transaction is gone");
    rows_ = under_way_ = *rows;
  }

  static uint64_t Draw(uint64_t below) { return EventLoop::Current().Random().Below(below); }

  const std::string settings_;
  SqliteMachine machine_;
  Rows rows_;
  Rows under_way_;
};

detent_testing::Report Judge(const std::string& settings, DiskProfile profile, uint64_t losses,
                             Drops drops = Drops::kNothing) {
  detent_testing::Options options;
  options.schedules = (losses + kLossesInRun - 1) / kLossesInRun;
  options.shrink_time = absl::ZeroDuration();
  options.blocking_max = absl::ZeroDuration();
  // RandomWalk: there is one task, and the portfolio would change nothing.
  options.strategy = RandomWalk();
  return detent_testing::Explore(options, [&]() -> Coro<> {
    Disk::Current().SetProfile(profile);
    Run run(settings, drops);
    for (uint64_t i = 0; i < kLossesInRun; ++i) run.LosePower();
    co_return;
  });
}

std::string Settings(const std::string& journal, const std::string& synchronous) {
  return "PRAGMA journal_mode=" + journal + "; PRAGMA synchronous=" + synchronous + ";";
}

class SqliteTest : public ::testing::TestWithParam<std::string> {};

TEST_P(SqliteTest, KeepsWhatItCommitted) {
  for (const DiskProfile profile : {DiskProfile::kOrdered, DiskProfile::kPosix}) {
    const detent_testing::Report report = Judge(Settings(GetParam(), "FULL"), profile, PowerLosses() / 8);
    EXPECT_TRUE(report.ok) << report.text;
  }
}

TEST_P(SqliteTest, LosesItWithoutSyncsAndThatIsFound) {
  const detent_testing::Report report = Judge(Settings(GetParam(), "OFF"), DiskProfile::kPosix, 5000);
  EXPECT_FALSE(report.ok);
  EXPECT_THAT(report.failure, ::testing::AnyOf(::testing::HasSubstr("a committed transaction is gone"),
                                               ::testing::HasSubstr("the database")));
}

INSTANTIATE_TEST_SUITE_P(Journals, SqliteTest, ::testing::Values("DELETE", "TRUNCATE", "PERSIST", "WAL"),
                         [](const auto& info) { return info.param; });

TEST(SqliteSyncTest, AKindOfSyncThatIsLeftOutIsFound) {
  EXPECT_FALSE(Judge(Settings("DELETE", "FULL"), DiskProfile::kPosix, 5000, Drops::kSyncsOfDatabase).ok);
  EXPECT_FALSE(Judge(Settings("DELETE", "FULL"), DiskProfile::kPosix, 5000, Drops::kSyncsOfJournal).ok);
  EXPECT_FALSE(Judge(Settings("DELETE", "FULL"), DiskProfile::kPosix, 5000, Drops::kSyncsOfDirectory).ok);
  EXPECT_FALSE(Judge(Settings("WAL", "FULL"), DiskProfile::kPosix, 5000, Drops::kSyncsOfJournal).ok);
}

// Whatever is not synced, a disk that keeps all loses nothing.
TEST(SqliteSyncTest, AStrictDiskNeedsNone) {
  EXPECT_TRUE(Judge(Settings("DELETE", "OFF"), DiskProfile::kStrict, 500).ok);
}

}  // namespace
}  // namespace detent::sim
