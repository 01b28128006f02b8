// SPDX-License-Identifier: Apache-2.0
//
// Workloads: the table of what is measured: ours and the floor, row by row.
#ifndef DETENT_BENCH_WORKLOADS_H_
#define DETENT_BENCH_WORKLOADS_H_

#include <span>

#include "detent/bench/harness/workload.h"

namespace detent_bench {

// All of them, in the order of the table.
std::span<const Workload> Workloads();

}  // namespace detent_bench

#endif  // DETENT_BENCH_WORKLOADS_H_
