// SPDX-License-Identifier: Apache-2.0
#include "detent/bench/workloads.h"

#include <iterator>
#include <vector>

#include "detent/bench/floor/floor.h"
#include "detent/bench/harness/echo.h"
#include "detent/bench/ours/ours.h"

namespace detent_bench {
namespace {

template <void (*kServe)(), int kConnections, int kInFlight>
double Echo(uint64_t ops) {
  return EchoNanoseconds(kServe, EchoLoad(kConnections, kInFlight, ops));
}

template <void (*kServe)(), int kSockets, int kInFlight>
double DatagramEcho(uint64_t ops) {
  return EchoNanoseconds(kServe, EchoLoad(kSockets, kInFlight, ops, EchoLoad::Kind::kDatagrams));
}

template <void (*kServe)(), int kConnections>
double UnixEcho(uint64_t ops) {
  return EchoNanoseconds(kServe, EchoLoad(kConnections, 1, ops, EchoLoad::Kind::kUnix));
}

// Each connection sends whole batches of 16.
template <void (*kServe)()>
double Batches(uint64_t ops) {
  return EchoNanoseconds(kServe, EchoLoad(10, 16, ops / 1600 * 1600 + 1600, EchoLoad::Kind::kStreams));
}

const Workload kWorkloads[] = {
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
    {"W11", "ours", 1'000'000, ours::CallFromThread},
    {"W12", "ours", 1'000'000, ours::ChannelBetweenLoops},
    {"W13", "ours", 20'000, ours::CancelFromThread},
    {"W13.100k", "ours", 20'000, ours::CancelFromThreadAmongMany},
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
    // Beside one loop.
    {"W9m.2", "ours", 100'000, Echo<ours::ServeEchoOn<2>, 50, 1>},
    {"W9m.2", "floor", 100'000, Echo<floor::ServeEchoOn<2>, 50, 1>},
    {"W9m.4", "ours", 100'000, Echo<ours::ServeEchoOn<4>, 50, 1>},
    {"W9m.4", "floor", 100'000, Echo<floor::ServeEchoOn<4>, 50, 1>},
    {"W9p", "ours", 1'000'000, Echo<ours::ServeEcho, 50, 32>},
    {"W9p", "floor", 1'000'000, Echo<floor::ServeEcho, 50, 32>},
    {"W9u.1", "ours", 20'000, DatagramEcho<ours::ServeDatagramEcho, 1, 1>},
    {"W9u.1", "floor", 20'000, DatagramEcho<floor::ServeDatagramEcho, 1, 1>},
    {"W9u.16", "ours", 200'000, DatagramEcho<ours::ServeDatagramEcho, 16, 8>},
    {"W9u.16", "floor", 200'000, DatagramEcho<floor::ServeDatagramEcho, 16, 8>},
    {"W9x.1", "ours", 20'000, UnixEcho<ours::ServeUnixEcho, 1>},
    {"W9x.1", "floor", 20'000, UnixEcho<floor::ServeUnixEcho, 1>},
    {"W9x.50", "ours", 100'000, UnixEcho<ours::ServeUnixEcho, 50>},
    {"W9x.50", "floor", 100'000, UnixEcho<floor::ServeUnixEcho, 50>},
    {"W9g.pieces", "ours", 320'000, Batches<ours::ServeGathered>},
    {"W9g.joined", "ours", 320'000, Batches<ours::ServeJoined>},
    {"W9i", "ours", 10'000, ours::IdleConnections},
    {"W9i.server", "ours", 10'000, ours::IdleClients},
    {"W9r.exactly", "ours", 1'000'000'000, ours::ReadExactlyLarge},
    {"W9r.reserved", "ours", 1'000'000'000, ours::ReadReservedLarge},
    {"F1", "ours", 50'000, ours::ReadBlocks},
    {"F1", "floor", 50'000, floor::ReadBlocks},
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
    {"W11.writes", "ours", 100'000, ours::WaitBesideWrites},
    {"W11.writes", "floor", 100'000, floor::WaitBesideWrites},
    {"W11.uploads", "ours", 400'000, ours::WaitBesideUploads},
    {"W11.lines", "ours", 2'000'000, ours::WaitBesideLines},
    {"W11.end", "ours", 1'000'000, ours::WaitBesideReadsAtEnd},
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

}  // namespace

std::span<const Workload> Workloads() {
  static const std::vector<Workload> workloads = [] {
    std::vector<Workload> all(std::begin(kWorkloads), std::end(kWorkloads));
    for (const Workload& growth : ours::GrowthWorkloads()) all.push_back(growth);
    return all;
  }();
  return workloads;
}

}  // namespace detent_bench
