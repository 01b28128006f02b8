// SPDX-License-Identifier: Apache-2.0
//
// The workloads on detent; see the table in workloads.cc. Each has the same shape as its floor in bench/floor/.
#ifndef DETENT_BENCH_OURS_OURS_H_
#define DETENT_BENCH_OURS_OURS_H_

#include <cstdint>
#include <vector>

#include "detent/bench/harness/workload.h"

namespace detent_bench::ours {

// On an EpollLoop.
void YieldBetweenTwo(uint64_t ops);
void SpawnAndAwait(uint64_t ops);
void SpawnAndGather(uint64_t ops);
void AwaitChild(uint64_t ops);
void AwaitChain(uint64_t ops);
void LockYieldUnlock(uint64_t ops);
void QueueOf64(uint64_t ops);
void QueueOf1(uint64_t ops);

// Spawn a waiter, let it suspend, cancel it, await it. The waiter catches and propagates; is destroyed; throws; throws,
// and so does the await.
void CancelCaught(uint64_t ops);
void CancelDestroyed(uint64_t ops);
void CancelThrown(uint64_t ops);
void CancelThrownTwice(uint64_t ops);

void SleepVirtually(uint64_t ops);
void SleepReally(uint64_t ops);
void ArmAndCancel(uint64_t ops);
double IdleTasks(uint64_t ops);
template <uint64_t kTasks>
double StepsAmong(uint64_t ops);
template <uint64_t kTasks>
double TimersAmong(uint64_t ops);

// CallSoonThreadsafe() from another thread; both threads' time.
void CallFromThread(uint64_t ops);
// A message through a Channel of 64 places, from one loop to another, each on a thread; both threads' time.
void ChannelBetweenLoops(uint64_t ops);
// RunCoroutineThreadsafe() and Cancel() of its ThreadFuture from another thread, until all are cancelled; beside no
// other task, and beside 100,000. Both threads' time.
double CancelFromThread(uint64_t ops);
double CancelFromThreadAmongMany(uint64_t ops);

// Random reads of a CachedFile, so many in flight.
void ReadBlocks(uint64_t ops);

// Serves until the process ends; see echo.h.
void ServeEcho();
// On so many loops at one port.
template <int kLoops>
void ServeEchoOn();
void ServeDatagramEcho();
void ServeUnixEcho();
// Sixteen requests of 64 bytes at a time, answered by a write of 16 pieces, and by one of what is joined already.
void ServeGathered();
void ServeJoined();

// Memory of so many idle connections, each of which a task reads; and of so many clients of a Server. They note what
// CPU time these take.
double IdleConnections(uint64_t ops);
double IdleClients(uint64_t ops);

// So many bytes at once from a socket. They note the most memory a byte.
void ReadExactlyLarge(uint64_t ops);
void ReadReservedLarge(uint64_t ops);

// The worst wait of a sleeper, in nanoseconds, for each of `ops`, while others could go on and on; see waits.cc.
double WaitBesideWrites(uint64_t ops);
double WaitBesideUploads(uint64_t ops);
double WaitBesideLines(uint64_t ops);
double WaitBesideReadsAtEnd(uint64_t ops);

// On a SimLoop.
void Walk(uint64_t ops);
enum class By { kRandomWalk, kPct, kPos, kSurw };
// E1, E2 and E3 through Explore().
template <int kProgram, By kStrategy>
void Explored(uint64_t ops);
void ResetAndRun(uint64_t ops);
void MakeAndRun(uint64_t ops);
void Service(uint64_t ops);

// How costs grow: each with 1,000, 10,000 and 100,000 who take part, as rows `G.barrier.1k` and so on.
std::vector<Workload> GrowthWorkloads();

}  // namespace detent_bench::ours

#endif  // DETENT_BENCH_OURS_OURS_H_
