// SPDX-License-Identifier: Apache-2.0
//
// How many schedules each strategy needs to find each bug of testing/bugs/bug_programs.h, beside how many plain
// implementations of the same strategies need.
//
//   bazel run -c opt //bench:bug_table
//   bazel run -c opt //bench:bug_table -- --programs=reorder_3,stack --strategies=pct:5,pos --seeds=1000
//
// Counted are the strategy's own schedules; the one Fifo run that gives it its profile is not. Without locks the
// reference is the published figure. Where a program has locks, whose order is ours (first come, first served) and not
// that of the published figures, it is what the bare machine of bench/bare needs; both are printed everywhere. The last
// column is the bare machine with locks in any order: that it agrees with the published figures shows that the bare
// machine, its programs and its strategies are right.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "detent/bench/bare/search.h"
#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/bugs/bug_programs.h"

namespace detent_bench {
namespace {

namespace sim = detent::sim;
using detent_testing::BugProgram;

constexpr uint64_t kSchedulesMax = 10'000;

// The median and the 95th percentile of some counts, and how many of them are above the cap.
class Figures {
 public:
  Figures() {}
  Figures(uint64_t the_median, uint64_t the_percentile95) : median(the_median), percentile95(the_percentile95) {}
  explicit Figures(std::vector<uint64_t> counts) {
    std::sort(counts.begin(), counts.end());
    median = counts[(counts.size() - 1) / 2];
    percentile95 = counts[(counts.size() * 95 + 99) / 100 - 1];
    const auto missed = std::upper_bound(counts.begin(), counts.end(), kSchedulesMax);
    found_share = static_cast<double>(missed - counts.begin()) / static_cast<double>(counts.size());
  }

  std::string ToString() const { return absl::StrCat(median, "/", percentile95); }

  uint64_t median = 0;
  uint64_t percentile95 = 0;
  double found_share = 1;
};

// What the reference implementations need, median and 95th percentile over 300 seeds.
class Published {
 public:
  std::string_view program;
  bool has_locks;
  uint64_t figures[5][2];
};
constexpr std::string_view kPublishedStrategies[] = {"random", "pct", "pos", "surw", "portfolio"};
constexpr Published kPublished[] = {
    {"account", true, {{2, 8}, {2, 7}, {2, 8}, {2, 8}, {2, 8}}},
    {"bluetooth", false, {{27, 107}, {13, 56}, {15, 62}, {21, 86}, {18, 77}}},
    {"deadlock01", true, {{1, 3}, {3, 9}, {2, 6}, {1, 3}, {1, 4}}},
    {"lazy01", true, {{2, 8}, {2, 8}, {2, 7}, {2, 8}, {2, 8}}},
    {"reorder_3", false, {{17, 70}, {13, 53}, {8, 37}, {6, 17}, {11, 39}}},
    {"reorder_10", false, {{55, 225}, {118, 517}, {21, 88}, {14, 47}, {27, 95}}},
    {"stack", true, {{1, 3}, {3, 9}, {1, 4}, {1, 4}, {1, 4}}},
    {"twostage_2", true, {{14, 59}, {7, 26}, {7, 40}, {9, 31}, {8, 34}}},
    {"wronglock_3", true, {{2, 6}, {6, 23}, {2, 8}, {2, 7}, {3, 8}}},
};

class Settings {
 public:
  Settings() {}

  uint64_t seeds = 300;
  std::vector<BugProgram> programs = detent_testing::BugPrograms();
  std::vector<std::string> strategies = {"random", "pct", "pos", "surw", "portfolio", "round-robin", "delay"};
  bool json = false;
};

class Row {
 public:
  Row() {}

  std::string_view program;
  std::string strategy;
  Figures found;
  std::optional<Figures> published;
  std::optional<Figures> bare;
  std::optional<Figures> bare_any_order;
  bool has_locks = false;

  const std::optional<Figures>& reference() const { return has_locks ? bare : published; }
  // What is worse than the reference allows; empty if nothing is.
  std::string Complaint() const {
    std::vector<std::string> complaints;
    if (found.found_share < 1) complaints.push_back("not always found");
    if (const std::optional<Figures>& limit = reference()) {
      const double median_max =
          std::max(1.25 * static_cast<double>(limit->median), static_cast<double>(limit->median) + 2);
      if (static_cast<double>(found.median) > median_max) complaints.push_back("median too high");
      if (static_cast<double>(found.percentile95) > 1.5 * static_cast<double>(limit->percentile95)) {
        complaints.push_back("95% too high");
      }
    }
    return absl::StrJoin(complaints, ", ");
  }
};

bool ShowsBug(sim::SimLoop& loop, const BugProgram& program) {
  try {
    loop.Run(program.body);
  } catch (const detent_testing::BugFound&) {
    return true;
  } catch (const sim::DeadlockError&) {
    return true;
  }
  return false;
}

uint64_t SeedOfSchedule(uint64_t seed, uint64_t schedule) {
  sim::Fingerprint mixed;
  mixed.Add(seed);
  mixed.Add(schedule);
  return mixed.value();
}

Figures Measure(const BugProgram& program, const sim::StrategyOption& strategy, uint64_t seeds) {
  sim::RunProfile profile;
  sim::SimLoop calibration({.strategy = sim::Fifo()});
  calibration.SetObserver(&profile);
  (void)ShowsBug(calibration, program);
  calibration.Reset(0);  // What a stuck run left is not reported as lost.

  sim::SimLoop loop({.strategy = strategy});
  loop.strategy().SetProfile(profile);
  std::vector<uint64_t> counts;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    uint64_t schedule = 0;
    bool found = false;
    for (; schedule < kSchedulesMax && !found; ++schedule) {
      loop.strategy().BeginSchedule(schedule);
      loop.Reset(SeedOfSchedule(seed, schedule));
      found = ShowsBug(loop, program);
    }
    counts.push_back(found ? schedule : kSchedulesMax + 1);
  }
  loop.Reset(0);
  return Figures(std::move(counts));
}

Figures MeasureBare(std::string_view program, bare::LockOrder lock_order, std::string_view strategy, uint64_t seeds) {
  const bare::Setup setup = bare::FindProgram(program);
  std::vector<uint64_t> counts;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    counts.push_back(bare::SchedulesUntilBug(setup, lock_order, strategy, seed, kSchedulesMax));
  }
  return Figures(std::move(counts));
}

Row MakeRow(const BugProgram& program, const std::string& strategy, uint64_t seeds) {
  Row row;
  row.program = program.name;
  row.strategy = strategy;
  row.found = Measure(program, *sim::StrategyByName(strategy), seeds);
  for (const Published& published : kPublished) {
    if (published.program != program.name) continue;
    row.has_locks = published.has_locks;
    for (size_t i = 0; i < std::size(kPublishedStrategies); ++i) {
      if (kPublishedStrategies[i] != strategy) continue;
      row.published = Figures(published.figures[i][0], published.figures[i][1]);
    }
  }
  if (bare::HasStrategy(strategy)) {
    row.bare = MeasureBare(program.name, bare::LockOrder::kFirstCome, strategy, seeds);
    row.bare_any_order = MeasureBare(program.name, bare::LockOrder::kAny, strategy, seeds);
  }
  return row;
}

std::string TextOf(const std::optional<Figures>& figures) { return figures.has_value() ? figures->ToString() : "-"; }

void PrintTable(const std::vector<Row>& rows, uint64_t seeds) {
  absl::PrintF(
      "Schedules until the bug shows: median/95th percentile over %d seeds. '*' marks what a row is held to.\n\n",
      seeds);
  absl::PrintF("%-12s %-12s %10s %7s %11s %10s %15s\n", "program", "strategy", "detent", "found", "published", "bare",
               "bare, any order");
  std::string_view last;
  for (const Row& row : rows) {
    if (!last.empty() && last != row.program) absl::PrintF("\n");
    last = row.program;
    const std::string complaint = row.Complaint();
    const bool has_reference = row.reference().has_value();
    absl::PrintF("%-12s %-12s %10s %6.4g%% %10s%s %9s%s %15s%s\n", std::string(row.program), row.strategy,
                 row.found.ToString(), 100 * row.found.found_share, TextOf(row.published),
                 has_reference && !row.has_locks ? "*" : " ", TextOf(row.bare),
                 has_reference && row.has_locks ? "*" : " ", TextOf(row.bare_any_order),
                 complaint.empty() ? "" : absl::StrCat(" <-- ", complaint));
  }
  const auto bad = std::count_if(rows.begin(), rows.end(), [](const Row& row) { return !row.Complaint().empty(); });
  absl::PrintF("\n%d of %d rows are worse than their reference allows.\n", bad, rows.size());
}

std::string JsonOf(const std::optional<Figures>& figures) {
  if (!figures.has_value()) return "null";
  return absl::StrCat("{\"median\": ", figures->median, ", \"percentile95\": ", figures->percentile95,
                      ", \"found_share\": ", figures->found_share, "}");
}

void PrintJson(const std::vector<Row>& rows, uint64_t seeds) {
  absl::PrintF("{\"seeds\": %d, \"schedules_max\": %d, \"rows\": [\n", seeds, kSchedulesMax);
  for (size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    absl::PrintF(
        "  {\"program\": \"%s\", \"strategy\": \"%s\", \"detent\": %s, \"published\": %s, \"bare\": %s, "
        "\"bare_any_order\": %s, \"reference\": \"%s\", \"complaint\": \"%s\"}%s\n",
        std::string(row.program), row.strategy, JsonOf(row.found), JsonOf(row.published), JsonOf(row.bare),
        JsonOf(row.bare_any_order), row.has_locks ? "bare" : "published", row.Complaint(),
        i + 1 < rows.size() ? "," : "");
  }
  absl::PrintF("]}\n");
}

// Sets what one argument says, or gives a sentence that says what is wrong with it.
std::string Apply(std::string_view argument, Settings& settings) {
  const absl::string_view text(argument.data(), argument.size());
  const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
  const std::string value = parts.size() == 2 ? parts[1] : "";
  if (text == "--json") {
    settings.json = true;
  } else if (parts[0] == "--seeds") {
    if (!absl::SimpleAtoi(value, &settings.seeds) || settings.seeds < 1 || settings.seeds > 1'000'000) {
      return absl::StrCat("--seeds=", value, ": give a whole number between 1 and 1000000");
    }
  } else if (parts[0] == "--programs") {
    settings.programs.clear();
    for (const std::string& name : std::vector<std::string>(absl::StrSplit(value, ','))) {
      std::vector<std::string> names;
      for (const BugProgram& program : detent_testing::BugPrograms()) {
        names.push_back(std::string(program.name));
        if (name == program.name) settings.programs.push_back(program);
      }
      if (settings.programs.empty() || settings.programs.back().name != name) {
        return absl::StrCat("--programs: \"", name, "\" is not a program; give some of ", absl::StrJoin(names, ","));
      }
    }
  } else if (parts[0] == "--strategies") {
    settings.strategies = absl::StrSplit(value, ',');
    for (const std::string& name : settings.strategies) {
      const auto strategy = sim::StrategyByName(name);
      if (!strategy.ok()) return absl::StrCat("--strategies: ", strategy.status().message());
    }
  } else {
    return absl::StrCat("\"", text,
                        "\" is not an argument; there are --seeds=N, --programs=A,B, --strategies=A,B and "
                        "--json");
  }
  return "";
}

int Main(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string error = Apply(argv[i], settings);
    if (error.empty()) continue;
    std::fprintf(stderr, "bug_table: %s\n", error.c_str());
    return 2;
  }
  std::vector<Row> rows;
  const size_t row_count = settings.programs.size() * settings.strategies.size();
  for (const BugProgram& program : settings.programs) {
    for (const std::string& strategy : settings.strategies) {
      std::fprintf(stderr, "\r%zu of %zu: %s, %s\033[K", rows.size() + 1, row_count, std::string(program.name).c_str(),
                   strategy.c_str());
      rows.push_back(MakeRow(program, strategy, settings.seeds));
    }
  }
  std::fprintf(stderr, "\r\033[K");
  if (settings.json) {
    PrintJson(rows, settings.seeds);
  } else {
    PrintTable(rows, settings.seeds);
  }
  return 0;
}

}  // namespace
}  // namespace detent_bench

int main(int argc, char** argv) { return detent_bench::Main(argc, argv); }
