// SPDX-License-Identifier: Apache-2.0
//
// How many schedules it takes to find each bug of testing/bugs/fault_bugs.h with the default settings, to how many
// entries of the world its tape shrinks, and that no schedule of what is put right fails.
//
//   bazel run -c opt //bench:fault_table
//   bazel run -c opt //bench:fault_table -- --seeds=20 --passes=1000
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "detent/sim/faults/fault_set.h"
#include "detent/testing/bugs/fault_bugs.h"
#include "detent/testing/explore.h"

namespace detent_bench {
namespace {

using detent_testing::Explore;
using detent_testing::FaultBug;
using detent_testing::Report;

constexpr uint64_t kSchedulesMax = 2000;
constexpr size_t kFewEntries = 3;

bool Read(const std::string& argument, const std::string& name, uint64_t& value) {
  return absl::StartsWith(argument, name) && absl::SimpleAtoi(argument.substr(name.size()), &value) && value > 0;
}

// Of the entries, those that are not which step runs next.
size_t OfWorld(const detent::sim::Tape& tape) {
  return static_cast<size_t>(std::count_if(tape.entries().begin(), tape.entries().end(), [](const auto& entry) {
    return entry.kind() != detent::ChoiceKind::kSchedule;
  }));
}

// Whether the bug was always found, and what is put right always passes.
bool PrintRow(const FaultBug& bug, uint64_t seeds, uint64_t passes) {
  std::vector<uint64_t> needed;
  uint64_t few = 0;
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    const Report report = Explore({.seed = seed, .schedules = kSchedulesMax}, bug.broken);
    if (report.ok) continue;
    needed.push_back(report.schedules);
    if (OfWorld(report.tape) <= kFewEntries) ++few;
  }
  std::sort(needed.begin(), needed.end());
  const Report corrected = Explore({.seed = 1, .schedules = passes}, bug.corrected);
  const size_t found = needed.size();
  std::printf("%-24s %-9s %4zu of %llu %8llu %8llu %6llu of %zu   %s\n", std::string(bug.name).c_str(),
              detent::sim::kFamilyNames[static_cast<size_t>(bug.family)], found, static_cast<unsigned long long>(seeds),
              static_cast<unsigned long long>(found == 0 ? 0 : needed[(found - 1) / 2]),
              static_cast<unsigned long long>(found == 0 ? 0 : needed.back()), static_cast<unsigned long long>(few),
              found, corrected.ok ? "passes" : corrected.failure.c_str());
  std::fflush(stdout);
  return found == seeds && corrected.ok;
}

int Main(int argc, char** argv) {
  uint64_t seeds = 100;
  uint64_t passes = 20'000;
  for (int i = 1; i < argc; ++i) {
    if (Read(argv[i], "--seeds=", seeds) || Read(argv[i], "--passes=", passes)) continue;
    std::fprintf(stderr, "fault_table: \"%s\" is not an argument; there are --seeds=N and --passes=N\n", argv[i]);
    return 2;
  }
  std::printf("%-24s %-9s %11s %8s %8s %12s   corrected, %llu schedules\n", "bug", "family", "found", "median", "most",
              "few entries", static_cast<unsigned long long>(passes));
  bool all = true;
  for (const FaultBug& bug : detent_testing::FaultBugs()) all &= PrintRow(bug, seeds, passes);
  return all ? 0 : 1;
}

}  // namespace
}  // namespace detent_bench

int main(int argc, char** argv) { return detent_bench::Main(argc, argv); }
