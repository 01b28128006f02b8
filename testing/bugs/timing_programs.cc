// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/bugs/timing_programs.h"

#include <optional>
#include <string>
#include <utility>

#include "detent/runtime/choice.h"
#include "detent/runtime/core.h"
#include "detent/runtime/io/net.h"

namespace detent_testing {
namespace {

using detent::Connect;
using detent::Connection;
using detent::Coro;
using detent::Event;
using detent::EventLoop;
using detent::Future;
using detent::Gather;
using detent::Invoke;
using detent::Listen;
using detent::Listener;
using detent::Outcome;
using detent::Settle;
using detent::Sleep;
using detent::WaitFor;
using detent::Yield;

constexpr absl::Duration kMicrosecond = absl::Microseconds(1);

void Check(bool condition, const char* what) {
  if (!condition) throw BugFound(std::string("check failed: ") + what);
}

// Both ends of a connection.
class Link {
 public:
  Link() {}
  Connection client;
  Connection server;
};

Coro<Link> MakeLink() {
  Listener listener = co_await Listen("server", 80);
  Link link;
  link.client = co_await Connect("server", 80);
  link.server = co_await listener.Accept();
  co_return std::move(link);
}

// --- between: a message that comes while a server closes, and the closing takes a microsecond ---

Coro<> BetweenTwoTimers() {
  Link link = co_await MakeLink();
  enum { kOpen, kClosing, kClosed } state = kOpen;
  bool came_between = false;
  const absl::Duration patience = 30 * kMicrosecond * (1 << detent::Choose(5));
  co_await Gather(link.client.Write("x"), Invoke([&]() -> Coro<> {
                    co_await Sleep(patience);
                    state = kClosing;
                    co_await Sleep(kMicrosecond);
                    state = kClosed;
                  }),
                  Invoke([&]() -> Coro<> {
                    (void)co_await link.server.Read(1);
                    came_between = state == kClosing;
                  }));
  Check(!came_between, "a request does not come while the server closes");
}

// --- slot: what came at the instant of the time-out lies in the slot, and nobody looks ---

Coro<> SlotOf(bool looks) {
  Link link = co_await MakeLink();
  Event filled;
  std::optional<std::string> slot;
  bool forgotten = false;
  co_await Gather(link.client.Write("x"), Invoke([&]() -> Coro<> {
                    slot = co_await link.server.Read(1);
                    filled.Set();
                  }),
                  Invoke([&]() -> Coro<> {
                    const Outcome<> outcome = co_await Settle(WaitFor(filled.Wait(), 330 * kMicrosecond));
                    if (outcome.ok() || looks) (void)std::exchange(slot, std::nullopt);
                    forgotten = slot.has_value();
                  }));
  Check(!forgotten, "what timed out has not come");
}
Coro<> Slot() { return SlotOf(false); }
Coro<> SlotFixed() { return SlotOf(true); }

// --- charge: the function has run, and its time-out says that it has not ---

Coro<> Charge() {
  bool charged = false;
  Future<> charge = EventLoop::Current().RunInExecutor([&] { charged = true; });
  const absl::Duration patience = 70 * kMicrosecond * (1 << detent::Choose(4));
  const Outcome<> outcome = co_await Settle(WaitFor(charge, patience));
  const bool was_charged = charged;
  co_await Sleep(absl::Milliseconds(20));  // Until nothing can use the variable any more.
  Check(outcome.ok() || !was_charged, "who is told of a time-out was not charged");
}

// --- phases: one message before a change, one on another connection in the microsecond after it ---

Coro<> Phases() {
  Link first = co_await MakeLink();
  Link second = co_await MakeLink();
  int phase = 0;
  int seen_by_first = 0;
  int seen_by_second = 0;
  co_await Gather(first.client.Write("x"), second.client.Write("x"), Invoke([&]() -> Coro<> {
                    co_await Sleep(210 * kMicrosecond);
                    phase = 1;
                    co_await Sleep(kMicrosecond);
                    phase = 2;
                  }),
                  Invoke([&]() -> Coro<> {
                    (void)co_await first.server.Read(1);
                    seen_by_first = phase;
                  }),
                  Invoke([&]() -> Coro<> {
                    (void)co_await second.server.Read(1);
                    seen_by_second = phase;
                  }));
  Check(!(seen_by_first == 0 && seen_by_second == 1), "both see the phase before or after the change");
}

// --- retry: the reply comes when the time-out has struck and the second request is not under way yet ---

Coro<> RetryOf(bool looks_again) {
  Link link = co_await MakeLink();
  int replies = 0;
  int asked_in_vain = 0;
  co_await Gather(Invoke([&]() -> Coro<> {
                    (void)co_await link.server.Read(1);
                    co_await link.server.Write("y");
                  }),
                  Invoke([&]() -> Coro<> {
                    (void)co_await link.client.Read(1);
                    ++replies;
                  }),
                  Invoke([&]() -> Coro<> {
                    co_await link.client.Write("x");
                    co_await Sleep(630 * kMicrosecond);
                    if (replies > 0) co_return;
                    co_await Sleep(2 * kMicrosecond);  // Backs off.
                    if (looks_again && replies > 0) co_return;
                    asked_in_vain += replies;
                  }));
  Check(asked_in_vain == 0, "nobody asks again for what has come");
}
Coro<> Retry() { return RetryOf(false); }
Coro<> RetryFixed() { return RetryOf(true); }

// --- early: a message that is faster than who registers its handler ---

Coro<> Early() {
  Link link = co_await MakeLink();
  bool registered = false;
  bool lost = false;
  co_await Gather(link.client.Write("x"), Invoke([&]() -> Coro<> {
                    co_await Sleep(10 * kMicrosecond);  // Reads its configuration.
                    co_await Sleep(20 * kMicrosecond);  // Parses it.
                    registered = true;
                  }),
                  Invoke([&]() -> Coro<> {
                    (void)co_await link.server.Read(1);
                    lost = !registered;
                  }));
  Check(!lost, "nothing comes before there is somebody for it");
}

// --- debounce: a message that comes while the first one is flushed is forgotten with it ---

Coro<> Debounce() {
  Link link = co_await MakeLink();
  int pending = 0;
  int flushed = 0;
  bool armed = false;
  std::vector<detent::Task<>> flushes;
  const auto flush = [&]() -> Coro<> {
    co_await Sleep(330 * kMicrosecond);
    const int batch = pending;
    co_await Yield();  // Writes the batch.
    flushed += batch;
    pending = 0;
    armed = false;
  };
  for (int i = 0; i < 2; ++i) {
    co_await link.client.Write("x");
    (void)co_await link.server.Read(1);
    ++pending;
    if (!std::exchange(armed, true)) flushes.push_back(detent::Spawn(flush));
  }
  for (const detent::Task<>& each : flushes) co_await each;
  Check(flushed + pending == 2, "each message is flushed or waits to be");
}

// --- cache: the value is renewed between the moment it is found old and the moment it is thrown away ---

Coro<> Cache() {
  int version = 1;
  bool evicted_new = false;
  co_await Gather(Invoke([&]() -> Coro<> { co_await EventLoop::Current().RunInExecutor([&] { version = 2; }); }),
                  Invoke([&]() -> Coro<> {
                    co_await Sleep(990 * kMicrosecond);
                    if (version != 1) co_return;
                    co_await Sleep(kMicrosecond);
                    evicted_new = version == 2;
                  }));
  Check(!evicted_new, "what is new is not thrown away");
}

// --- owners: two messages of different connections, sent at different times, are handled at once ---

Coro<> Owners() {
  Link first = co_await MakeLink();
  Link second = co_await MakeLink();
  bool owned = false;
  int owners = 0;
  const auto handle = [&](Connection& connection) -> Coro<> {
    (void)co_await connection.Read(1);
    if (owned) co_return;
    co_await Yield();
    owned = true;
    ++owners;
  };
  co_await Gather(handle(first.server), handle(second.server), Invoke([&]() -> Coro<> {
                    co_await first.client.Write("x");
                    co_await Sleep(30 * kMicrosecond * (1 << detent::Choose(3)));
                    co_await second.client.Write("x");
                  }));
  Check(owners == 1, "one of them owns it");
}

// --- windows: a message within one microsecond and a function within another ---

Coro<> Windows() {
  Link link = co_await MakeLink();
  int phase = 0;
  int at_message = 0;
  int at_function = 0;
  co_await Gather(
      link.client.Write("x"), Invoke([&]() -> Coro<> {
        co_await Sleep(120 * kMicrosecond);
        phase = 1;
        co_await Sleep(kMicrosecond);
        phase = 2;
        co_await Sleep(90 * kMicrosecond);
        phase = 3;
        co_await Sleep(kMicrosecond);
        phase = 4;
      }),
      Invoke([&]() -> Coro<> {
        (void)co_await link.server.Read(1);
        at_message = phase;
      }),
      Invoke([&]() -> Coro<> { co_await EventLoop::Current().RunInExecutor([&] { at_function = phase; }); }));
  Check(!(at_message == 1 && at_function == 3), "one of them comes at another time");
}

}  // namespace

const std::vector<BugProgram>& TimingPrograms() {
  static const auto* programs = new std::vector<BugProgram>{BugProgram("between", BetweenTwoTimers),
                                                            BugProgram("slot", Slot),
                                                            BugProgram("charge", Charge),
                                                            BugProgram("phases", Phases),
                                                            BugProgram("retry", Retry),
                                                            BugProgram("early", Early),
                                                            BugProgram("debounce", Debounce),
                                                            BugProgram("cache", Cache),
                                                            BugProgram("owners", Owners),
                                                            BugProgram("windows", Windows)};
  return *programs;
}

const std::vector<BugProgram>& FixedTimingPrograms() {
  static const auto* programs =
      new std::vector<BugProgram>{BugProgram("slot", SlotFixed), BugProgram("retry", RetryFixed)};
  return *programs;
}

}  // namespace detent_testing
