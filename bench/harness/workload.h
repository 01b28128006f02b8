// SPDX-License-Identifier: Apache-2.0
//
// Workload: one thing that is measured, on one side: detent's, or the least code that does the same (bench/floor/).
//
// Each checks its own result, by Require(): a loop that the compiler has optimised away measures nothing.
#ifndef DETENT_BENCH_HARNESS_WORKLOAD_H_
#define DETENT_BENCH_HARNESS_WORKLOAD_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace detent_bench {

class Workload {
 public:
  // Does `ops` operations, or a few less where it takes them in groups; the caller takes the CPU time.
  using Run = void (*)(uint64_t ops);
  // Does `ops` operations and gives what they cost together, in nanoseconds or bytes, where the caller cannot tell:
  // another process's time, memory, a part of the run.
  using Measure = double (*)(uint64_t ops);

  Workload(std::string_view the_row, std::string_view the_side, uint64_t the_ops, Run the_run)
      : row(the_row), side(the_side), ops(the_ops), run(the_run) {}
  Workload(std::string_view the_row, std::string_view the_side, uint64_t the_ops, Measure the_measure)
      : row(the_row), side(the_side), ops(the_ops), measure(the_measure) {}

  std::string Name() const { return std::string(row) + "/" + std::string(side); }

  std::string_view row;   // "W1"
  std::string_view side;  // "ours" or "floor"
  uint64_t ops;           // For one measurement.
  Run run = nullptr;      // One of the two is set.
  Measure measure = nullptr;
};

// Throws std::runtime_error, which names `what` did not come out right.
void Require(bool condition, std::string_view what);

// Something about the last run that is worth printing, for example "steps".
void Note(std::string_view name, double value);
const std::map<std::string, double>& Notes();

// The CPU time of this process, in nanoseconds; the memory that it has now.
int64_t CpuNanoseconds();
double ResidentBytes();

// Numbers that look random and are the same in each run (SplitMix64).
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  uint64_t Below(uint64_t n) { return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * n) >> 64); }

 private:
  uint64_t state_;
};

}  // namespace detent_bench

#endif  // DETENT_BENCH_HARNESS_WORKLOAD_H_
