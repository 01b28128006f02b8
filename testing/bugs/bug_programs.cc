// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/bugs/bug_programs.h"

#include <utility>

#include "detent/runtime/choice.h"
#include "detent/runtime/core.h"

namespace detent_testing {
namespace {

using detent::Coro;
using detent::GatherSettled;
using detent::Lock;
using detent::Outcome;
using detent::Shared;
using detent::Yield;

void Check(bool condition, const char* what) {
  if (!condition) throw BugFound(std::string("check failed: ") + what);
}

// Runs the tasks, made in this order, to the end of all, since they share what the caller owns; then throws the first
// error.
Coro<> RunTasks(std::vector<Coro<>> tasks) {
  const std::vector<Outcome<>> outcomes = co_await GatherSettled(std::move(tasks));
  for (const Outcome<>& outcome : outcomes) outcome.value();
}

// --- account: the balance is checked against a number that it never has ---

class AccountState {
 public:
  explicit AccountState(int right) : expected(right) {}

  const int expected;
  Shared<int> balance{1, "balance"}, deposited{0, "deposited"}, withdrawn{0, "withdrawn"};
  Lock m{"m"};
};

Coro<> Move(AccountState& s, Shared<int>& done, int amount) {
  co_await Yield(s.m);
  auto held = co_await s.m.Hold();
  const int balance = co_await s.balance.Load();
  co_await s.balance.Store(balance + amount);
  co_await done.Store(1);
}

Coro<> Audit(AccountState& s) {
  co_await Yield(s.m);
  auto held = co_await s.m.Hold();
  if (co_await s.deposited.Load() == 0) co_return;
  if (co_await s.withdrawn.Load() == 0) co_return;
  Check(co_await s.balance.Load() == s.expected, "the balance is what was put in less what was taken out");
}

Coro<> AccountOf(int expected) {
  AccountState s(expected);
  std::vector<Coro<>> tasks;
  tasks.push_back(Move(s, s.deposited, 2));
  tasks.push_back(Move(s, s.withdrawn, -4));
  tasks.push_back(Audit(s));
  co_await RunTasks(std::move(tasks));
}
Coro<> Account() { return AccountOf(-5); }
Coro<> AccountFixed() { return AccountOf(-1); }

// --- bluetooth: a request that has looked before the driver stops counts itself after ---

class BluetoothState {
 public:
  BluetoothState() {}

  Shared<int> pending{1, "pending"}, stopping{0, "stopping"}, event{0, "event"}, stopped{0, "stopped"};
};

Coro<> LeaveDriver(BluetoothState& s) {
  if (co_await s.pending.Update([](int n) { return n - 1; }) == 0) co_await s.event.Store(1);
}

Coro<> Request(BluetoothState& s) {
  if (co_await s.stopping.Load() != 0) co_return;
  co_await s.pending.Update([](int n) { return n + 1; });
  Check(co_await s.stopped.Load() == 0, "the driver has not stopped");
  co_await LeaveDriver(s);
}

Coro<> RequestFixed(BluetoothState& s) {
  co_await s.pending.Update([](int n) { return n + 1; });
  if (co_await s.stopping.Load() == 0) Check(co_await s.stopped.Load() == 0, "the driver has not stopped");
  co_await LeaveDriver(s);
}

Coro<> StopDriver(BluetoothState& s) {
  co_await s.stopping.Store(1);
  co_await LeaveDriver(s);
  if (co_await s.event.Load() != 0) co_await s.stopped.Store(1);
}

Coro<> BluetoothWith(Coro<> (*request)(BluetoothState&)) {
  BluetoothState s;
  std::vector<Coro<>> tasks;
  tasks.push_back(request(s));
  tasks.push_back(StopDriver(s));
  co_await RunTasks(std::move(tasks));
}
Coro<> Bluetooth() { return BluetoothWith(Request); }
Coro<> BluetoothFixed() { return BluetoothWith(RequestFixed); }

// --- deadlock01: two locks in two orders ---

Coro<> LockBoth(Shared<int>& c, Lock& first, Lock& second) {
  co_await Yield(first);
  auto held_first = co_await first.Hold();
  const int before = co_await c.Load();
  co_await c.Store(before + 1);
  co_await Yield(second);
  auto held_second = co_await second.Hold();
  const int between = co_await c.Load();
  co_await c.Store(between - 1);
}

Coro<> DeadlockOf(bool same_order) {
  Shared<int> c(1, "c");
  Lock a("a"), b("b");
  std::vector<Coro<>> tasks;
  tasks.push_back(LockBoth(c, a, b));
  tasks.push_back(same_order ? LockBoth(c, a, b) : LockBoth(c, b, a));
  co_await RunTasks(std::move(tasks));
}
Coro<> Deadlock01() { return DeadlockOf(false); }
Coro<> Deadlock01Fixed() { return DeadlockOf(true); }

// --- lazy01: a sum is checked against a bound that it may reach ---

Coro<> Add(Shared<int>& d, Lock& m, int amount) {
  co_await Yield(m);
  auto held = co_await m.Hold();
  const int seen = co_await d.Load();
  co_await d.Store(seen + amount);
}

Coro<> CheckBound(Shared<int>& d, Lock& m, int bound) {
  co_await Yield(m);
  auto held = co_await m.Hold();
  Check(co_await d.Load() < bound, "the sum stays below the bound");
}

Coro<> LazyOf(int bound) {
  Shared<int> d(0, "d");
  Lock m("m");
  std::vector<Coro<>> tasks;
  tasks.push_back(Add(d, m, 1));
  tasks.push_back(Add(d, m, 2));
  tasks.push_back(CheckBound(d, m, bound));
  co_await RunTasks(std::move(tasks));
}
Coro<> Lazy01() { return LazyOf(3); }
Coro<> Lazy01Fixed() { return LazyOf(4); }

// --- reorder_N: a pair that is written in two steps is read in between ---

Coro<> WritePair(Shared<int>& a, Shared<int>& b) {
  co_await a.Store(1);
  co_await b.Store(-1);
}

Coro<> CheckPair(Shared<int>& a, Shared<int>& b) {
  if (co_await a.Load() == 0) {
    if (co_await b.Load() == 0) co_return;
  }
  bool ok = false;
  if (co_await a.Load() == 1) ok = co_await b.Load() == -1;
  Check(ok, "both are written or neither");
}

template <int kTasks>
Coro<> Reorder() {
  Shared<int> a(0, "a"), b(0, "b");
  std::vector<Coro<>> tasks;
  for (int i = 0; i < kTasks - 1; ++i) tasks.push_back(WritePair(a, b));
  tasks.push_back(CheckPair(a, b));
  co_await RunTasks(std::move(tasks));
}

// --- stack: a flag says that something was pushed at some time, not that it is still there ---

class StackState {
 public:
  StackState() {}

  Shared<int> top{0, "top"}, flag{0, "flag"};
  Lock m{"m"};
};

Coro<> PushTen(StackState& s) {
  for (int k = 0; k < 10; ++k) {
    co_await Yield(s.m);
    auto held = co_await s.m.Hold();
    const int top = co_await s.top.Load();
    co_await s.top.Store(top + 1);
    co_await s.flag.Store(1);
  }
}

Coro<> PopTen(StackState& s) {
  for (int k = 0; k < 10; ++k) {
    co_await Yield(s.m);
    auto held = co_await s.m.Hold();
    if (co_await s.flag.Load() == 0) continue;
    const int top = co_await s.top.Load();
    Check(top != 0, "nothing is popped from an empty stack");
    co_await s.top.Store(top - 1);
  }
}

Coro<> Stack() {
  StackState s;
  std::vector<Coro<>> tasks;
  tasks.push_back(PushTen(s));
  tasks.push_back(PopTen(s));
  co_await RunTasks(std::move(tasks));
}

// --- twostage_2: the second of two variables is written under another lock, after the first one's was given back ---

class TwoStageState {
 public:
  TwoStageState() {}

  Shared<int> d1{0, "d1"}, d2{0, "d2"};
  Lock m1{"m1"}, m2{"m2"};
};

Coro<> WriteStages(TwoStageState& s, bool keep_first) {
  co_await Yield(s.m1);
  auto held1 = co_await s.m1.Hold();
  co_await s.d1.Store(1);
  if (!keep_first) held1.Release();
  co_await Yield(s.m2);
  auto held2 = co_await s.m2.Hold();
  const int d1 = co_await s.d1.Load();
  co_await s.d2.Store(d1 + 1);
}

Coro<> ReadStages(TwoStageState& s) {
  co_await Yield(s.m1);
  auto held1 = co_await s.m1.Hold();
  const int t1 = co_await s.d1.Load();
  held1.Release();
  if (t1 == 0) co_return;
  co_await Yield(s.m2);
  auto held2 = co_await s.m2.Hold();
  const int t2 = co_await s.d2.Load();
  held2.Release();
  Check(t2 == t1 + 1, "the second stage follows the first");
}

Coro<> TwoStageOf(bool keep_first) {
  TwoStageState s;
  std::vector<Coro<>> tasks;
  tasks.push_back(WriteStages(s, keep_first));
  tasks.push_back(ReadStages(s));
  co_await RunTasks(std::move(tasks));
}
Coro<> TwoStage2() { return TwoStageOf(false); }
Coro<> TwoStage2Fixed() { return TwoStageOf(true); }

// --- wronglock_3: one task guards the variable with a lock of its own ---

Coro<> AddAndCheck(Shared<int>& d, Lock& m) {
  co_await Yield(m);
  auto held = co_await m.Hold();
  const int x = co_await d.Load();
  const int seen = co_await d.Load();
  co_await d.Store(seen + 1);
  Check(co_await d.Load() == x + 1, "nobody else writes under the lock");
}

Coro<> WrongLockOf(bool one_lock) {
  Shared<int> d(0, "d");
  Lock m1("m1"), m2("m2");
  std::vector<Coro<>> tasks;
  tasks.push_back(AddAndCheck(d, m1));
  for (int i = 0; i < 3; ++i) tasks.push_back(Add(d, one_lock ? m1 : m2, 1));
  co_await RunTasks(std::move(tasks));
}
Coro<> WrongLock3() { return WrongLockOf(false); }
Coro<> WrongLock3Fixed() { return WrongLockOf(true); }

}  // namespace

const std::vector<BugProgram>& BugPrograms() {
  static const auto* const kPrograms = new std::vector<BugProgram>{
      BugProgram("account", Account), BugProgram("bluetooth", Bluetooth),  BugProgram("deadlock01", Deadlock01),
      BugProgram("lazy01", Lazy01),   BugProgram("reorder_3", Reorder<3>), BugProgram("reorder_10", Reorder<10>),
      BugProgram("stack", Stack),     BugProgram("twostage_2", TwoStage2), BugProgram("wronglock_3", WrongLock3),
  };
  return *kPrograms;
}

const std::vector<BugProgram>& FixedPrograms() {
  static const auto* const kPrograms = new std::vector<BugProgram>{
      BugProgram("account", AccountFixed),       BugProgram("bluetooth", BluetoothFixed),
      BugProgram("deadlock01", Deadlock01Fixed), BugProgram("lazy01", Lazy01Fixed),
      BugProgram("twostage_2", TwoStage2Fixed),  BugProgram("wronglock_3", WrongLock3Fixed),
  };
  return *kPrograms;
}

}  // namespace detent_testing
