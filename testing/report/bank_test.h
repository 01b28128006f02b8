// SPDX-License-Identifier: Apache-2.0
//
// The programs whose runs interleaving_test.cc shows. They call themselves bank.cc, and their lines are in the tables
// there.
//
// Internal.
#ifndef DETENT_TESTING_REPORT_BANK_TEST_H_
#define DETENT_TESTING_REPORT_BANK_TEST_H_

#include <functional>
#include <stdexcept>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"

namespace detent_testing {

// What FailsAnAssertion() calls.
inline std::function<void()> failing_assertion;

using detent::Choose;
using detent::Coro;
using detent::Event;
using detent::EventLoop;
using detent::Fault;
using detent::Lock;
using detent::Shared;
using detent::Sleep;
using detent::Spawn;
using detent::Task;
using detent::Yield;

inline Coro<> Busy();
inline Coro<> Nap();
inline Coro<> WaitFor(Event& go);

}  // namespace detent_testing

#line 3 "bank.cc"
namespace detent_testing {

inline void RunIn(EventLoop& loop, Coro<> (*body)()) { loop.Run(body()); }

inline Coro<> Withdraw(Shared<int>& balance, int amount) {
  const int seen = co_await balance.Load();
  co_await balance.Store(seen - amount);
}

inline Coro<> WithdrawLater(Shared<int>& balance, int amount) {
  co_await Yield();
  co_await Withdraw(balance, amount);
}

inline Coro<> LostUpdate() {
  Shared<int> balance(100, "balance");
  const Task<> alice = Spawn(Withdraw(balance, 10), {.name = "alice"});
  const Task<> bob = Spawn(WithdrawLater(balance, 20), {.name = "bob"});
  co_await alice;
  co_await bob;
  if (balance.Peek() != 70) throw std::runtime_error("an update was lost");
}

inline Coro<> Spin(int times) {
  for (int i = 0; i < times; ++i) co_await Yield();
}

inline Coro<> Crowd(int tasks) {
  std::vector<Task<>> spawned;
  for (int i = 0; i < tasks; ++i) spawned.push_back(Spawn(Spin(20)));
  co_await Gather(std::move(spawned));
}

inline Coro<> Timeouts() {
  const Task<> nap = Spawn(Nap(), {.name = "nap"});
  Spawn(Busy(), {.name = "busy"});
#line 43
  EventLoop::Current().CallLater(absl::Seconds(2), [] {});
  co_await nap;
  co_await Sleep(absl::Milliseconds(2500));
}

inline Coro<> Transfer(Lock& from, Lock& to) {
  auto debit = co_await from.Hold();
  co_await Yield();
  auto credit = co_await to.Hold();
}

inline Coro<> Transfers() {
  Lock a("a");
  Lock b("b");
  const Task<> alice = Spawn(Transfer(a, b), {.name = "alice"});
  const Task<> bob = Spawn(Transfer(b, a), {.name = "bob"});
  co_await Gather(alice, bob);
}

inline Coro<> StuckLongAgo() {
  Event go("go");
  const Task<> stuck = Spawn(WaitFor(go), {.name = "stuck"});
  const Task<> ping = Spawn(Spin(30), {.name = "ping"});
  co_await Gather(Spawn(Spin(30)), stuck);
}

inline Coro<> FailsAnAssertion() {
  co_await Yield();
  failing_assertion();
  co_await Yield();
}

inline Coro<> SameNames() {
  const Task<> one = Spawn(Spin(1), {.name = "worker"});
  const Task<> two = Spawn(Spin(1), {.name = "worker"});
  co_await one;
  co_await two;
}

// No closures: to g++ this is not the main file, in whose header types they would be.
inline Coro<> Busy() {
  (void)Choose(5);
  (void)Fault("disk full", 0.5);
  co_await Spin(3);
}
#line 37
inline Coro<> Nap() { co_await Sleep(absl::Seconds(1)); }
#line 64
inline Coro<> WaitFor(Event& go) { co_await go.Wait(); }

}  // namespace detent_testing

#endif  // DETENT_TESTING_REPORT_BANK_TEST_H_
