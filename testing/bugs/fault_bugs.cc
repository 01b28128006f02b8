// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/bugs/fault_bugs.h"

#include <cerrno>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <utility>

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

// Long enough for everybody, whatever strikes: the longest stall is 15 s, the longest look-up 20 s.
Coro<> Rest() { co_await Sleep(absl::Minutes(5)); }

void Check(bool holds, const char* what) {
  if (!holds) throw BugFound(what);
}

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
      while (!(co_await server.ReadLine()).empty()) ++count;
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
        acknowledged = (co_await detent::WaitFor(socket.Receive(), absl::Seconds(1))).bytes() == id;
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
Coro<> RemembersNames() {
  static constexpr auto kReach = []() -> Coro<bool> {
    std::map<std::string, bool> exists;
    for (int i = 0; i < 10; ++i) {
      if (const auto known = exists.find("db"); known == exists.end() || (kCorrect && !known->second)) {
        try {
          exists["db"] = !(co_await detent::Resolve("db", kPort)).empty();
        } catch (const std::system_error&) {
          exists["db"] = false;
        }
      }
      if (exists["db"]) co_return true;
      co_await Sleep(absl::Seconds(1));
    }
    co_return false;
  };
  sim::World world({.faults = sim::kNameFaults});
  world.AddHost("db", [] { return Rest(); });
  world.AddHost("client", []() -> Coro<> { Check(co_await kReach(), "a host that is there is not reached for ever"); });
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

// --- disk, power off: a store of one value, which is acknowledged ---

constexpr const char* kValueFile = "/value";

// How the value gets to the disk. Each but the last is wrong in its own way.
enum class Store { kInPlace, kRenameWithoutSync, kRightly };

Coro<> WriteValue(int value, Store how) {
  const std::string text = std::to_string(value);
  if (how == Store::kRightly) {
    co_await detent::ReplaceFile(kValueFile, text);
  } else if (how == Store::kInPlace) {
    co_await detent::WriteFile(kValueFile, text);
  } else {
    co_await detent::WriteFile("/value.new", text);
    co_await detent::RenameFile("/value.new", kValueFile);
    co_await detent::SyncDirectory("/");
  }
}

// Counts up, and tells `acknowledged` what is stored.
template <Store kHow>
Coro<> CountUp(int* acknowledged) {
  int value = 0;
  try {
    const std::string text = co_await detent::ReadFile(kValueFile);
    Check(!text.empty(), "the file is empty");
    value = std::stoi(text);
  } catch (const std::system_error& e) {
    if (e.code().value() != ENOENT) throw;
  }
  Check(value >= *acknowledged, "an acknowledged value is gone");
  for (; value < 5; co_await Sleep(absl::Seconds(1))) {
    co_await WriteValue(value + 1, kHow);
    *acknowledged = ++value;
  }
  co_await Rest();
}

template <Store kHow>
Coro<> KeepsItsValue() {
  int acknowledged = 0;
  sim::World world({.faults = sim::kPowerOff, .disk = sim::DiskProfile::kPosix});
  world.AddHost("store", [&acknowledged] { return CountUp<kHow>(&acknowledged); });
  co_await Rest();
}

// --- disk: an error is taken for nothing there; an error of a sync is ignored ---

template <bool kCorrect>
Coro<> ReadsItsState() {
  static constexpr auto kRead = []() -> Coro<int> {
    while (true) {
      int error = 0;
      try {
        co_return std::stoi(co_await detent::ReadFile("/state"));
      } catch (const std::system_error& e) {
        error = e.code().value();
      }
      if (!kCorrect || error == ENOENT) co_return 0;
      co_await Sleep(absl::Seconds(1));
    }
  };
  sim::World world({.faults = sim::kDiskFaults});
  sim::Host& host = world.AddHost("program", []() -> Coro<> {
    co_await Sleep(absl::Seconds(1));
    // A bit may have turned, and 7 become 6: that is another bug.
    Check(co_await kRead() >= 6, "it begins anew, although there is a state");
  });
  host.disk().Write("/state", "7");
  co_await Sleep(absl::Minutes(2));
  world.Heal();
  co_await Rest();
}

template <bool kCorrect>
Coro<> AcknowledgesAFailedSync() {
  sim::World world({.faults = sim::kDiskFaults});
  bool acknowledged = false;
  sim::Host& host = world.AddHost("program", [&acknowledged]() -> Coro<> {
    while (!acknowledged) {
      bool failed = false;
      try {
        detent::File file = co_await detent::OpenFile("/state", {.write = true, .create = true});
        co_await file.WriteAt(0, "7");
        bool sync_failed = false;
        try {
          co_await file.Sync();
        } catch (const std::system_error&) {
          sync_failed = true;
        }
        // A second try succeeds, and says nothing about what the first one lost: all must be written again.
        if (sync_failed && kCorrect) throw std::system_error(EIO, std::generic_category());
        co_await detent::SyncDirectory("/");
      } catch (const std::system_error&) {
        failed = true;
      }
      acknowledged = !failed;
      co_await Sleep(absl::Seconds(1));
    }
    co_await Rest();
  });
  co_await Sleep(absl::Minutes(4));
  world.Heal();
  host.PowerOff();
  const auto contents = host.disk().Contents();
  const auto state = contents.find("/state");
  Check(!acknowledged || (state != contents.end() && state->second == "7"), "what was acknowledged is gone");
}

// --- kill: a job that is marked as done before it is, or that only a destructor gives back ---

template <bool kCorrect>
Coro<> DoesItsJobs() {
  // What is outside of the host, as in a queue and a database.
  static constexpr int kJobs = 3;
  int next = 0;
  std::set<int> done;
  sim::World world({.faults = sim::kKill});
  world.AddHost("worker", [&]() -> Coro<> {
    while (next < kJobs) {
      const int job = next;
      if (!kCorrect) ++next;
      co_await Sleep(absl::Seconds(1));
      done.insert(job);
      if (kCorrect) ++next;
    }
    co_await Rest();
  });
  co_await Rest();
  Check(done.size() == kJobs, "a job was lost");
}

// A counter in a register of somebody else's, which is read and then written.
template <bool kCorrect>
Coro<> TakesALock() {
  // Who has it, 0 for nobody, and until when: both are kept by another machine.
  int holder = 0;
  detent::LoopTime until;
  int worked = 0;
  static constexpr auto kNow = [] { return detent::EventLoop::Current().Time(); };
  sim::World world({.faults = sim::kKill});
  const auto work = [&](int id) -> Coro<> {
    while (worked < 4) {
      // Without an end of its own, only its holder gives it back.
      if (holder != 0 && holder != id && !(kCorrect && kNow() >= until)) {
        co_await Sleep(absl::Seconds(1));
        continue;
      }
      if (holder == id && !kCorrect) {
        co_await Sleep(absl::Seconds(1));  // It was taken before a crash that nobody remembers.
        continue;
      }
      holder = id;
      until = kNow() + absl::Seconds(5);
      co_await Sleep(absl::Seconds(1));
      ++worked;
      holder = 0;
      co_await Sleep(absl::Seconds(1));
    }
    co_await Rest();
  };
  world.AddHost("a", [&work] { return work(1); });
  world.AddHost("b", [&work] { return work(2); });
  co_await Rest();
  Check(worked >= 4, "the lock is held for ever");
}

// --- pause: a lease by the clock runs out while its holder stands still ---

template <bool kCorrect>
Coro<> ActsAfterAPause() {
  static constexpr absl::Duration kLease = absl::Seconds(3);
  static constexpr auto kNow = [] { return detent::EventLoop::Current().Time(); };
  bool wrong = false;
  sim::World world({.faults = sim::kPause});
  world.AddHost("holder", [&wrong]() -> Coro<> {
    for (int i = 0; i < 20; ++i) {
      const detent::LoopTime end = kNow() + kLease;
      co_await Sleep(absl::Milliseconds(100));  // It prepares what it does.
      if (!kCorrect || kNow() < end) wrong |= kNow() >= end;
    }
    co_await Rest();
  });
  co_await Rest();
  Check(!wrong, "it acts for a lease that has run out");
}

// --- pause: who does not answer in time is taken for dead, and a second one does the work ---

template <bool kCorrect>
Coro<> HasOneLeader() {
  // The time of the last sign of life of each leader, and the number under which it leads.
  int term = 1;
  int written_by = 0;
  bool overwritten = false;
  detent::LoopTime alive;
  sim::World world({.faults = sim::kPause});
  const auto write = [&](int as) {
    // The store refuses who is not the latest, or does not.
    if (kCorrect && as < written_by) return;
    overwritten |= as < written_by;
    written_by = as;
  };
  world.AddHost("first", [&]() -> Coro<> {
    while (true) {
      alive = detent::EventLoop::Current().Time();
      if (term != 1) break;
      co_await Sleep(absl::Milliseconds(50));
      write(1);
    }
    co_await Rest();
  });
  world.AddHost("second",
                [&]() -> Coro<> {
                  while (detent::EventLoop::Current().Time() - alive < absl::Seconds(3))
                    co_await Sleep(absl::Seconds(1));
                  term = 2;
                  write(2);
                  co_await Rest();
                },
                {.spared = true});
  co_await Sleep(absl::Minutes(2));
  Check(!overwritten, "a leader that was replaced has written");
}

}  // namespace

const std::vector<FaultBug>& FaultBugs() {
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
      {"empty_or_gone", FaultFamily::kPowerOff, KeepsItsValue<Store::kInPlace>, KeepsItsValue<Store::kRightly>},
      {"rename_without_sync", FaultFamily::kPowerOff, KeepsItsValue<Store::kRenameWithoutSync>,
       KeepsItsValue<Store::kRightly>},
      {"begins_anew", FaultFamily::kDisk, ReadsItsState<false>, ReadsItsState<true>},
      {"failed_sync", FaultFamily::kDisk, AcknowledgesAFailedSync<false>, AcknowledgesAFailedSync<true>},
      {"job_lost", FaultFamily::kKill, DoesItsJobs<false>, DoesItsJobs<true>},
      {"lock_for_ever", FaultFamily::kKill, TakesALock<false>, TakesALock<true>},
      {"lease_after_pause", FaultFamily::kPause, ActsAfterAPause<false>, ActsAfterAPause<true>},
      {"two_leaders", FaultFamily::kPause, HasOneLeader<false>, HasOneLeader<true>},
      {"never_sent", FaultFamily::kProgram, SendsBatches<false>, SendsBatches<true>},
  };
  return *bugs;
}

}  // namespace detent_testing
