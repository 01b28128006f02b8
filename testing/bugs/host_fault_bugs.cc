// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/bugs/host_fault_bugs.h"

#include <cerrno>
#include <set>
#include <string>
#include <system_error>

#include "absl/time/time.h"
#include "detent/runtime/core.h"
#include "detent/runtime/io/files.h"
#include "detent/sim/sim.h"

namespace detent_testing {
namespace {

using detent::Coro;
using detent::Sleep;

namespace sim = detent::sim;

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
  while (value < 5) {
    co_await WriteValue(value + 1, kHow);
    *acknowledged = ++value;
    co_await Sleep(absl::Seconds(1));
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
Coro<int> ReadState() {
  while (true) {
    int error = 0;
    try {
      const std::string text = co_await detent::ReadFile("/state");
      co_return std::stoi(text);
    } catch (const std::system_error& e) {
      error = e.code().value();
    }
    if (!kCorrect || error == ENOENT) co_return 0;
    co_await Sleep(absl::Seconds(1));
  }
}

template <bool kCorrect>
Coro<> ReadsItsState() {
  sim::World world({.faults = sim::kDiskFaults});
  sim::Host& host = world.AddHost("program", []() -> Coro<> {
    co_await Sleep(absl::Seconds(1));
    // A bit may have turned, and 7 become 6: that is another bug.
    Check(co_await ReadState<kCorrect>() >= 6, "it begins anew, although there is a state");
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

const std::vector<FaultBug>& HostFaultBugs() {
  using sim::FaultFamily;
  static const auto* const bugs = new std::vector<FaultBug>{
      {"empty_or_gone", FaultFamily::kPowerOff, KeepsItsValue<Store::kInPlace>, KeepsItsValue<Store::kRightly>},
      {"rename_without_sync", FaultFamily::kPowerOff, KeepsItsValue<Store::kRenameWithoutSync>,
       KeepsItsValue<Store::kRightly>},
      {"begins_anew", FaultFamily::kDisk, ReadsItsState<false>, ReadsItsState<true>},
      {"failed_sync", FaultFamily::kDisk, AcknowledgesAFailedSync<false>, AcknowledgesAFailedSync<true>},
      {"job_lost", FaultFamily::kKill, DoesItsJobs<false>, DoesItsJobs<true>},
      {"lock_for_ever", FaultFamily::kKill, TakesALock<false>, TakesALock<true>},
      {"lease_after_pause", FaultFamily::kPause, ActsAfterAPause<false>, ActsAfterAPause<true>},
      {"two_leaders", FaultFamily::kPause, HasOneLeader<false>, HasOneLeader<true>},
  };
  return *bugs;
}

}  // namespace detent_testing
