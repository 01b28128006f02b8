// SPDX-License-Identifier: Apache-2.0
//
// The floors of all workloads; see the table in workloads.cc.
#ifndef DETENT_BENCH_FLOOR_FLOOR_H_
#define DETENT_BENCH_FLOOR_FLOOR_H_

#include <cstdint>

namespace detent_bench::floor {

void YieldBetweenTwo(uint64_t ops);
void SpawnAndAwait(uint64_t ops);
void SpawnAndGather(uint64_t ops);
void AwaitChild(uint64_t ops);
void AwaitChain(uint64_t ops);
void LockYieldUnlock(uint64_t ops);
void QueueOf64(uint64_t ops);
void QueueOf1(uint64_t ops);
void CancelFlagged(uint64_t ops);
void CancelThrown(uint64_t ops);

void SleepVirtually(uint64_t ops);
void ArmAndCancel(uint64_t ops);
double IdleTasks(uint64_t ops);
template <uint64_t kTasks>
double StepsAmong(uint64_t ops);
template <uint64_t kTasks>
double TimersAmong(uint64_t ops);

// By a pool of threads that call pread().
void ReadBlocks(uint64_t ops);

// The worst wait of a timer beside writes to 2,000 connections, for each of `ops`.
double WaitBesideWrites(uint64_t ops);

// Serves until the process ends; see echo.h.
void ServeEcho();
// On threads that share a port.
template <int kThreads>
void ServeEchoOn();
void ServeDatagramEcho();
void ServeUnixEcho();

void Walk(uint64_t ops);
void ProgramE1(uint64_t ops);
void ProgramE2(uint64_t ops);
void ProgramE3(uint64_t ops);

}  // namespace detent_bench::floor

#endif  // DETENT_BENCH_FLOOR_FLOOR_H_
