// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/bugs/message_fault_bugs.h"

#include <map>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "detent/runtime/core.h"
#include "detent/sim/sim.h"

namespace detent_testing {
namespace {

using detent::Connection;
using detent::Coro;
using detent::Sleep;

namespace sim = detent::sim;

constexpr int kPort = 7000;

// Connects and does `act`, again and again until it goes well.
template <typename Act>
Coro<> Persist(std::string host, Act act) {
  while (true) {
    try {
      Connection server = co_await detent::Connect(host, kPort);
      co_await act(server);
      co_return;
    } catch (const std::system_error&) {
    } catch (const detent::IncompleteReadError&) {
    }
    co_await Sleep(absl::Seconds(1));
  }
}

// --- stream: who reads to the end of the stream takes a reset for one ---

constexpr int kRecords = 5;

Coro<> SendRecords(Connection client) {
  for (int i = 0; i < kRecords; ++i) co_await client.Write("record\n");
}

Coro<> ServeRecords() {
  detent::Server server = co_await detent::StartServer(SendRecords, "", kPort);
  co_await server.ServeForever();
}

// How many records there were, as far as it could be known.
template <bool kCorrect>
Coro<int> CountRecords() {
  while (true) {
    int count = 0;
    bool was_reset = false;
    try {
      Connection server = co_await detent::Connect("store", kPort);
      for (std::string line = co_await server.ReadLine(); !line.empty(); line = co_await server.ReadLine()) ++count;
    } catch (const std::system_error&) {
      was_reset = true;
    }
    if (!kCorrect || !was_reset) co_return count;
    co_await Sleep(absl::Seconds(1));
  }
}

template <bool kCorrect>
Coro<> TrustsTheEnd() {
  sim::World world({.faults = sim::kStreamFaults});
  world.AddHost("store", ServeRecords);
  world.AddHost("reader", []() -> Coro<> {
    Check(co_await CountRecords<kCorrect>() == kRecords, "the reader took a part for the whole");
  });
  co_await Rest();
}

// --- stream: what is tried again is done twice ---

class Ledger {
 public:
  int sum = 0;
  std::set<std::string> seen;
};

template <bool kCorrect>
Coro<> BookOnce() {
  static constexpr auto kServe = [](Ledger* ledger) -> Coro<> {
    detent::Server server = co_await detent::StartServer(
        [ledger](Connection client) -> Coro<> {
          const std::string id = co_await client.ReadUntil("\n");
          if (!kCorrect || ledger->seen.insert(id).second) ++ledger->sum;
          co_await client.Write("ok\n");
        },
        "", kPort);
    co_await server.ServeForever();
  };
  Ledger ledger;
  sim::World world({.faults = sim::kStreamFaults});
  world.AddHost("bank", [&ledger] { return kServe(&ledger); });
  world.AddHost("client", []() -> Coro<> {
    co_await Persist("bank", [](Connection& bank) -> Coro<> {
      co_await bank.Write("order 7\n");
      (void)co_await bank.ReadUntil("\n");
    });
  });
  co_await Rest();
  Check(ledger.sum == 1, "the order was booked twice");
}

// --- connect: who cannot be reached is taken for one who does not exist ---

template <bool kCorrect>
Coro<> ReadsItsConfiguration() {
  static constexpr auto kStart = []() -> Coro<> {
    std::string configuration = "default";
    const auto ask = [&configuration](Connection& server) -> Coro<> {
      configuration = co_await server.ReadUntil("\n");
    };
    if constexpr (kCorrect) {
      co_await Persist("config", ask);
    } else {
      try {
        Connection server = co_await detent::Connect("config", kPort);
        co_await ask(server);
      } catch (const std::system_error&) {
      }
    }
    Check(configuration == "strict\n", "the program runs with the default, not with what was configured");
  };
  sim::World world({.faults = sim::kConnectFaults});
  world.AddHost("config", []() -> Coro<> {
    detent::Server server =
        co_await detent::StartServer([](Connection client) -> Coro<> { co_await client.Write("strict\n"); }, "", kPort);
    co_await server.ServeForever();
  });
  world.AddHost("program", []() -> Coro<> {
    co_await Sleep(absl::Seconds(1));  // The server listens by then.
    co_await kStart();
  });
  co_await Rest();
}

// --- connect: an accept that fails ends the service ---

template <bool kCorrect>
Coro<> AcceptsForEver() {
  static constexpr auto kServe = []() -> Coro<> {
    detent::Listener listener = co_await detent::Listen("", kPort);
    while (true) {
      bool failed = false;
      try {
        Connection client = co_await listener.Accept();
        co_await client.Write("hello\n");
      } catch (const std::system_error&) {
        failed = true;
      }
      if (failed && !kCorrect) co_await Rest();  // It has given up, and does other things.
      if (failed) co_await Sleep(absl::Milliseconds(100));
    }
  };
  bool served = false;
  sim::World world({.faults = sim::kConnectFaults});
  world.AddHost("server", [] { return kServe(); });
  world.AddHost("client", [&served]() -> Coro<> {
    co_await Persist("server", [](Connection& server) -> Coro<> { (void)co_await server.ReadUntil("\n"); });
    served = true;
  });
  co_await Sleep(absl::Minutes(1));
  Check(served, "the server accepts nobody any more");
}

// --- datagram: one that comes twice is counted twice; one that is lost is not missed ---

constexpr int kReadings = 4;

template <bool kCorrect>
Coro<> CollectReadings(std::multiset<std::string>* readings) {
  detent::DatagramSocket socket = co_await detent::OpenDatagram({.local_host = "", .local_port = kPort});
  while (true) {
    const detent::Datagram datagram = co_await socket.Receive();
    const std::string id(datagram.bytes());
    if (!kCorrect || !readings->contains(id)) readings->insert(id);
    co_await socket.SendTo(id, datagram.from());
  }
}

// Each until it is acknowledged, or just once.
template <bool kRepeats>
Coro<> SendReadings() {
  co_await Sleep(absl::Seconds(1));
  detent::DatagramSocket socket = co_await detent::OpenDatagram({.remote_host = "collector", .remote_port = kPort});
  for (int i = 0; i < kReadings; ++i) {
    const std::string id = "reading " + std::to_string(i);
    for (bool acknowledged = false; !acknowledged;) {
      co_await socket.Send(id);
      if (!kRepeats) break;
      try {
        const detent::Datagram answer = co_await detent::WaitFor(socket.Receive(), absl::Seconds(1));
        acknowledged = answer.bytes() == id;
      } catch (const detent::TimeoutError&) {
      }
    }
  }
}

template <bool kChecksDuplicates, bool kRepeats>
Coro<> CountsReadings() {
  std::multiset<std::string> readings;
  sim::World world({.faults = sim::kDatagramFaults});
  world.AddHost("collector", [&readings] { return CollectReadings<kChecksDuplicates>(&readings); });
  world.AddHost("sensor", [] { return SendReadings<kRepeats>(); });
  co_await Rest();
  Check(readings.size() >= kReadings, "a reading is missing");
  Check(readings.size() <= kReadings, "a reading was counted twice");
}

// --- name: a look-up that fails for now is remembered for ever ---

template <bool kCorrect>
Coro<bool> Reach() {
  std::map<std::string, bool> exists;
  for (int i = 0; i < 10; ++i) {
    if (const auto known = exists.find("db"); known == exists.end() || (kCorrect && !known->second)) {
      try {
        const std::vector<detent::Address> addresses = co_await detent::Resolve("db", kPort);
        exists["db"] = !addresses.empty();
      } catch (const std::system_error&) {
        exists["db"] = false;
      }
    }
    if (exists["db"]) co_return true;
    co_await Sleep(absl::Seconds(1));
  }
  co_return false;
}

template <bool kCorrect>
Coro<> RemembersNames() {
  sim::World world({.faults = sim::kNameFaults});
  world.AddHost("db", [] { return Rest(); });
  world.AddHost("client",
                []() -> Coro<> { Check(co_await Reach<kCorrect>(), "a host that is there is not reached for ever"); });
  co_await Rest();
}

// --- name: a lease runs out while a look-up takes its time ---

template <bool kCorrect>
Coro<> ActsUnderALease() {
  static const absl::Duration kLease = absl::Seconds(2);
  static constexpr auto kAct = []() -> Coro<> {
    const detent::LoopTime end = detent::EventLoop::Current().Time() + kLease;
    try {
      (void)co_await detent::Resolve("peer", kPort);
    } catch (const std::system_error&) {
      co_return;
    }
    if (kCorrect && detent::EventLoop::Current().Time() >= end) co_return;
    Check(detent::EventLoop::Current().Time() < end, "it acts for a lease that has run out");
  };
  sim::World world({.faults = sim::kNameFaults});
  world.AddHost("peer", [] { return Rest(); });
  world.AddHost("holder", [] { return kAct(); });
  co_await Rest();
}

// --- program: what fails half-way stays half done ---

template <bool kCorrect>
Coro<> MovesMoney() {
  int from = 100, to = 0;
  sim::World world({.faults = sim::kProgramFaults});
  for (int i = 0; i < 5; ++i) {
    try {
      if (kCorrect && detent::Fault("journal full", 0.01)) throw std::system_error(ENOSPC, std::generic_category());
      from -= 10;
      if (!kCorrect && detent::Fault("journal full", 0.01)) throw std::system_error(ENOSPC, std::generic_category());
      to += 10;
    } catch (const std::system_error&) {
    }
    co_await Sleep(absl::Seconds(1));
  }
  Check(from + to == 100, "money was lost");
}

// --- program: an unusual size is never reached, and so the batch never sent ---

template <bool kCorrect>
Coro<> SendsBatches() {
  int waiting = 0, sent = 0;
  sim::World world({.faults = sim::kProgramFaults});
  const int batch = detent::Buggify(10, 1);
  for (int i = 0; i < 30; ++i) {
    ++waiting;
    // As if there always were room for more than one.
    if (waiting == batch && (kCorrect || waiting > 1)) sent += std::exchange(waiting, 0);
    co_await Sleep(absl::Seconds(1));
  }
  Check(waiting < 2 * batch && sent > 0, "nothing is ever sent");
}

}  // namespace

const std::vector<FaultBug>& MessageFaultBugs() {
  using sim::FaultFamily;
  static const auto* const bugs = new std::vector<FaultBug>{
      {"trusts_the_end", FaultFamily::kStream, TrustsTheEnd<false>, TrustsTheEnd<true>},
      {"books_twice", FaultFamily::kStream, BookOnce<false>, BookOnce<true>},
      {"default_configuration", FaultFamily::kConnect, ReadsItsConfiguration<false>, ReadsItsConfiguration<true>},
      {"accepts_once", FaultFamily::kConnect, AcceptsForEver<false>, AcceptsForEver<true>},
      {"counts_twice", FaultFamily::kDatagram, CountsReadings<false, true>, CountsReadings<true, true>},
      {"misses_one", FaultFamily::kDatagram, CountsReadings<true, false>, CountsReadings<true, true>},
      {"remembers_for_ever", FaultFamily::kName, RemembersNames<false>, RemembersNames<true>},
      {"lease_runs_out", FaultFamily::kName, ActsUnderALease<false>, ActsUnderALease<true>},
      {"half_done", FaultFamily::kProgram, MovesMoney<false>, MovesMoney<true>},
      {"never_sent", FaultFamily::kProgram, SendsBatches<false>, SendsBatches<true>},
  };
  return *bugs;
}

}  // namespace detent_testing
