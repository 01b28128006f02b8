// SPDX-License-Identifier: Apache-2.0
//
// Every workload as a Google Benchmark: `W1/ours`, `W1/floor` and so on. The figure is items_per_second, of
// CPU time; of W8 they are bytes, not nanoseconds. bench/compare makes the table of it.
//
//   bazel run -c opt //bench -- --benchmark_filter='^W1/'
//   bazel run -c opt //bench -- --server='python3 server.py' --benchmark_filter='^W9'    another process as the server
//   bazel run -c opt //bench -- --only=W1/ours --ops=1000                          once, without Google Benchmark
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "benchmark/benchmark.h"
#include "detent/bench/harness/echo.h"
#include "detent/bench/workloads.h"

namespace detent_bench {
namespace {

// Where a workload measures itself, what it measured stands for the time.
void RunWorkload(benchmark::State& state, const Workload& workload) {
  try {
    for (auto iteration : state) {
      (void)iteration;
      if (workload.run != nullptr) {
        workload.run(workload.ops);
      } else {
        state.SetIterationTime(workload.measure(workload.ops) * 1e-9);
      }
    }
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
    return;
  }
  state.SetItemsProcessed(static_cast<int64_t>(workload.ops) * static_cast<int64_t>(state.iterations()));
  for (const auto& [name, value] : Notes()) state.counters[name] = value;
}

void RegisterWorkloads() {
  for (const Workload& workload : Workloads()) {
    benchmark::internal::Benchmark* registered = benchmark::RegisterBenchmark(
        workload.Name().c_str(), [&workload](benchmark::State& state) { RunWorkload(state, workload); });
    registered->MeasureProcessCPUTime();  // Of all its threads.
    if (workload.measure != nullptr) registered->UseManualTime()->Iterations(1);
  }
}

void RegisterServer(const std::string& command) {
  static const std::pair<const char*, EchoLoad> kLoads[] = {
      {"W9.1/server", EchoLoad(1, 1, 20'000)},
      {"W9.50/server", EchoLoad(50, 1, 100'000)},
      {"W9p/server", EchoLoad(50, 32, 1'000'000)},
      {"W9u.1/server", EchoLoad(1, 1, 20'000, EchoLoad::Kind::kDatagrams)},
      {"W9u.16/server", EchoLoad(16, 8, 200'000, EchoLoad::Kind::kDatagrams)},
  };
  for (const auto& row : kLoads) {
    benchmark::RegisterBenchmark(row.first,
                                 [command, &row](benchmark::State& state) {
                                   try {
                                     for (auto iteration : state) {
                                       (void)iteration;
                                       state.SetIterationTime(EchoNanoseconds(command, row.second) * 1e-9);
                                     }
                                     state.SetItemsProcessed(static_cast<int64_t>(row.second.requests));
                                   } catch (const std::exception& error) {
                                     state.SkipWithError(error.what());
                                   }
                                 })
        ->UseManualTime()
        ->Iterations(1);
  }
}

// Once, so that only this is counted.
int RunOnce(const std::string& name, uint64_t ops) {
  for (const Workload& workload : Workloads()) {
    if (workload.Name() != name) continue;
    try {
      if (workload.run != nullptr) {
        workload.run(ops);
      } else {
        (void)workload.measure(ops);
      }
      return 0;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s: %s\n", workload.Name().c_str(), error.what());
      return 1;
    }
  }
  std::fprintf(stderr, "--only=%s: there is no such workload; --benchmark_list_tests=true lists them\n", name.c_str());
  return 2;
}

int Main(int argc, char** argv) {
  std::string server, only;
  uint64_t ops = 1'000;
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (absl::ConsumePrefix(&argument, "--server=")) {
      server = std::string(argument);
    } else if (absl::ConsumePrefix(&argument, "--only=")) {
      only = std::string(argument);
    } else if (absl::ConsumePrefix(&argument, "--ops=")) {
      if (!absl::SimpleAtoi(argument, &ops) || ops == 0) {
        std::fprintf(stderr, "--ops=%s: it must be a number from 1\n", std::string(argument).c_str());
        return 2;
      }
    } else {
      argv[kept++] = argv[i];
    }
  }
  if (!only.empty() && kept == 1) return RunOnce(only, ops);
  benchmark::Initialize(&kept, argv);
  if (benchmark::ReportUnrecognizedArguments(kept, argv)) return 2;
  RegisterWorkloads();
  if (!server.empty()) RegisterServer(server);
#ifdef __clang__
  benchmark::AddCustomContext("compiler", "clang++-19");
#else
  benchmark::AddCustomContext("compiler", "g++-12");
#endif
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace detent_bench

int main(int argc, char** argv) { return detent_bench::Main(argc, argv); }
