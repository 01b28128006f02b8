// SPDX-License-Identifier: Apache-2.0
#include "detent/bench/harness/workload.h"

#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>

namespace detent_bench {
namespace {

std::map<std::string, double>& MutableNotes() {
  static std::map<std::string, double>& notes = *new std::map<std::string, double>();
  return notes;
}

}  // namespace

void Require(bool condition, std::string_view what) {
  if (!condition) throw std::runtime_error("wrong result: " + std::string(what));
}

void Note(std::string_view name, double value) { MutableNotes()[std::string(name)] = value; }
const std::map<std::string, double>& Notes() { return MutableNotes(); }

int64_t CpuNanoseconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

double ResidentBytes() {
  long total = 0, resident = 0;
  FILE* const file = std::fopen("/proc/self/statm", "r");
  Require(file != nullptr && std::fscanf(file, "%ld %ld", &total, &resident) == 2, "/proc/self/statm");
  std::fclose(file);
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

}  // namespace detent_bench
