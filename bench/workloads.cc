// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>

#include "detent/bench/echo.h"
#include "detent/bench/floor/floor.h"
#include "detent/bench/ours/ours.h"
#include "detent/bench/workload.h"

namespace detent_bench {
namespace {

std::map<std::string, double>& MutableNotes() {
  static std::map<std::string, double>& notes = *new std::map<std::string, double>();
  return notes;
}

template <void (*kServe)(), int kConnections, int kInFlight>
double Echo(uint64_t ops) {
  return EchoNanoseconds(kServe, EchoLoad(kConnections, kInFlight, ops));
}

}  // namespace

const std::vector<Workload>& Workloads() {
  static const std::vector<Workload>& workloads = *new std::vector<Workload>{
      {"W1", "ours", 1'000'000, ours::YieldBetweenTwo},
      {"W1", "floor", 1'000'000, floor::YieldBetweenTwo},
      {"W2", "ours", 1'000'000, ours::SpawnAndAwait},
      {"W2", "floor", 1'000'000, floor::SpawnAndAwait},
      {"W2b", "ours", 1'000'000, ours::SpawnAndGather},
      {"W2b", "floor", 1'000'000, floor::SpawnAndGather},
      {"W3", "ours", 1'000'000, ours::AwaitChild},
      {"W3", "floor", 1'000'000, floor::AwaitChild},
      {"W3c", "ours", 1'000'000, ours::AwaitChain},
      {"W3c", "floor", 1'000'000, floor::AwaitChain},
      {"W4", "ours", 1'000'000, ours::LockYieldUnlock},
      {"W4", "floor", 1'000'000, floor::LockYieldUnlock},
      {"W5.64", "ours", 1'000'000, ours::QueueOf64},
      {"W5.64", "floor", 1'000'000, floor::QueueOf64},
      {"W5.1", "ours", 1'000'000, ours::QueueOf1},
      {"W5.1", "floor", 1'000'000, floor::QueueOf1},
      {"W6v", "ours", 100'000, ours::SleepVirtually},
      {"W6v", "floor", 100'000, floor::SleepVirtually},
      {"W6t", "ours", 100'000, ours::ArmAndCancel},
      {"W6t", "floor", 100'000, floor::ArmAndCancel},
      {"W6r", "ours", 100'000, ours::SleepReally},
      {"W7.catch", "ours", 100'000, ours::CancelCaught},
      {"W7.destroy", "ours", 100'000, ours::CancelDestroyed},
      {"W7.flag", "floor", 100'000, floor::CancelFlagged},
      {"W7.throw", "ours", 20'000, ours::CancelThrown},
      {"W7.throw", "floor", 20'000, floor::CancelThrown},
      {"W7.both", "ours", 20'000, ours::CancelThrownTwice},
      {"W8", "ours", 1'000'000, ours::IdleTasks},
      {"W8", "floor", 1'000'000, floor::IdleTasks},
      {"W9.1", "ours", 20'000, Echo<ours::ServeEcho, 1, 1>},
      {"W9.1", "floor", 20'000, Echo<floor::ServeEcho, 1, 1>},
      {"W9.50", "ours", 100'000, Echo<ours::ServeEcho, 50, 1>},
      {"W9.50", "floor", 100'000, Echo<floor::ServeEcho, 50, 1>},
      {"W9p", "ours", 1'000'000, Echo<ours::ServeEcho, 50, 32>},
      {"W9p", "floor", 1'000'000, Echo<floor::ServeEcho, 50, 32>},
      {"W10.10", "ours", 4'000'000, ours::StepsAmong<10>},
      {"W10.10", "floor", 4'000'000, floor::StepsAmong<10>},
      {"W10.10k", "ours", 4'000'000, ours::StepsAmong<10'000>},
      {"W10.10k", "floor", 4'000'000, floor::StepsAmong<10'000>},
      {"W10.1M", "ours", 4'000'000, ours::StepsAmong<1'000'000>},
      {"W10.1M", "floor", 4'000'000, floor::StepsAmong<1'000'000>},
      {"W10t.10", "ours", 400'000, ours::TimersAmong<10>},
      {"W10t.10", "floor", 400'000, floor::TimersAmong<10>},
      {"W10t.10k", "ours", 400'000, ours::TimersAmong<10'000>},
      {"W10t.10k", "floor", 400'000, floor::TimersAmong<10'000>},
      {"W10t.1M", "ours", 1'000'000, ours::TimersAmong<1'000'000>},
      {"W10t.1M", "floor", 1'000'000, floor::TimersAmong<1'000'000>},
      {"S1", "ours", 100'000, ours::Walk},
      {"S1", "floor", 100'000, floor::Walk},
      {"S2.E1", "ours", 20'000, ours::Explored<1, ours::By::kRandomWalk>},
      {"S2.E1", "floor", 20'000, floor::ProgramE1},
      {"S2.E2", "ours", 20'000, ours::Explored<2, ours::By::kRandomWalk>},
      {"S2.E2", "floor", 20'000, floor::ProgramE2},
      {"S2.E3", "ours", 20'000, ours::Explored<3, ours::By::kRandomWalk>},
      {"S2.E3", "floor", 20'000, floor::ProgramE3},
      {"S3.pct.E1", "ours", 20'000, ours::Explored<1, ours::By::kPct>},
      {"S3.pct.E2", "ours", 20'000, ours::Explored<2, ours::By::kPct>},
      {"S3.pct.E3", "ours", 20'000, ours::Explored<3, ours::By::kPct>},
      {"S3.pos.E1", "ours", 20'000, ours::Explored<1, ours::By::kPos>},
      {"S3.pos.E2", "ours", 20'000, ours::Explored<2, ours::By::kPos>},
      {"S3.pos.E3", "ours", 20'000, ours::Explored<3, ours::By::kPos>},
      {"S3.surw.E1", "ours", 20'000, ours::Explored<1, ours::By::kSurw>},
      {"S3.surw.E2", "ours", 20'000, ours::Explored<2, ours::By::kSurw>},
      {"S3.surw.E3", "ours", 20'000, ours::Explored<3, ours::By::kSurw>},
      {"S4.reset", "ours", 100'000, ours::ResetAndRun},
      {"S4.make", "ours", 50'000, ours::MakeAndRun},
      {"S5", "ours", 10'000, ours::Service},
  };
  return workloads;
}

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
