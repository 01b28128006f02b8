// SPDX-License-Identifier: Apache-2.0
//
// How far a failing schedule is shrunk, whatever schedule it was found in: of each bug of testing/bugs the least number
// of choices that any seed reaches, how many seeds reach it, and what that takes.
//
//   bazel run //bench:shrink_table
//   bazel run //bench:shrink_table -- --programs=lost_message,stack --seeds=20
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "detent/testing/bugs/bug_programs.h"
#include "detent/testing/bugs/reported_bugs.h"
#include "detent/testing/explore.h"
#include "detent/testing/search.h"
#include "detent/testing/shrink.h"

namespace detent_bench {
namespace {

using detent_testing::BugProgram;
namespace internal = detent_testing::internal;

class Row {
 public:
  Row() {}

  std::map<size_t, uint64_t> seeds_by_choices;
  std::vector<uint64_t> replays;
  std::vector<double> seconds;
};

double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

void AddSeed(const BugProgram& program, uint64_t seed, Row& row) {
  detent_testing::Options options;
  options.seed = seed;
  options.schedules = 100'000;
  options.first = 1;  // The first schedule would be the calmest at once.
  const detent_testing::Body body = program.body;
  internal::ScheduleRunner runner(body, internal::SimOptions(options, 0));
  const internal::SearchResult found = internal::SearchSchedules(runner, options);
  if (!found.failed) {
    std::fprintf(stderr, "%s: nothing found with seed %d\n", std::string(program.name).c_str(), static_cast<int>(seed));
    return;
  }
  const double begin = CpuSeconds();
  const internal::ShrinkResult shrunk = internal::Shrink(runner, found.tape, found.failure.kind(), absl::Seconds(60));
  row.seconds.push_back(CpuSeconds() - begin);
  row.replays.push_back(shrunk.replays);
  ++row.seeds_by_choices[shrunk.tape.entries().size()];
}

template <typename T>
T Median(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void PrintRow(const BugProgram& program, uint64_t seeds) {
  Row row;
  for (uint64_t seed = 0; seed < seeds; ++seed) AddSeed(program, seed, row);
  if (row.replays.empty()) return;
  std::string counts;
  for (const auto& [choices, count] : row.seeds_by_choices) {
    counts += " " + std::to_string(choices) + ":" + std::to_string(count);
  }
  const auto& [least, at_least] = *row.seeds_by_choices.begin();
  std::printf("%-16s %5d %4d of %-4d %8d %8.3f %8.3f   %s\n", std::string(program.name).c_str(),
              static_cast<int>(least), static_cast<int>(at_least), static_cast<int>(row.replays.size()),
              static_cast<int>(Median(row.replays)), Median(row.seconds),
              *std::max_element(row.seconds.begin(), row.seconds.end()), counts.c_str());
  std::fflush(stdout);
}

int Main(int argc, char** argv) {
  std::vector<std::string> names;
  uint64_t seeds = 100;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (absl::StartsWith(argument, "--programs=")) {
      names = absl::StrSplit(argument.substr(11), ',');
    } else if (!absl::StartsWith(argument, "--seeds=") || !absl::SimpleAtoi(argument.substr(8), &seeds) || seeds == 0) {
      std::fprintf(stderr, "usage: shrink_table [--programs=a,b] [--seeds=100]\n");
      return 1;
    }
  }
  std::vector<BugProgram> programs = detent_testing::BugPrograms();
  for (const BugProgram& program : detent_testing::ReportedBugs()) programs.push_back(program);
  std::printf("%-16s %5s %-12s %8s %8s %8s   %s\n", "program", "least", "reached by", "replays", "cpu s", "at most",
              "seeds by choices");
  for (const BugProgram& program : programs) {
    if (names.empty() || std::count(names.begin(), names.end(), program.name) > 0) PrintRow(program, seeds);
  }
  return 0;
}

}  // namespace
}  // namespace detent_bench

int main(int argc, char** argv) { return detent_bench::Main(argc, argv); }
