// SPDX-License-Identifier: Apache-2.0
#include "detent/bench/bare/programs.h"

namespace detent_bench::bare {
namespace {

// Variables and locks by number, as each program calls them.
constexpr int kM = 0, kM1 = 0, kM2 = 1;

// --- account: 0 the balance, 1 deposited, 2 withdrawn ---

Task AccountMove(Machine& m, int done, int amount) {
  co_await m.Asks(kM);
  co_await m.Acquire(kM);
  co_await m.Reads(0);
  const int balance = m.value[0];
  co_await m.Writes(0);
  m.value[0] = balance + amount;
  co_await m.Writes(done);
  m.value[done] = 1;
  m.Release(kM);
}
Task AccountAudit(Machine& m) {
  co_await m.Asks(kM);
  co_await m.Acquire(kM);
  co_await m.Reads(1);
  if (m.value[1] != 0) {
    co_await m.Reads(2);
    if (m.value[2] != 0) {
      co_await m.Reads(0);
      Check(m.value[0] == -5);
    }
  }
  m.Release(kM);
}
void Account(Machine& m) {
  m.value[0] = 1;
  m.Add(AccountMove(m, 1, 2));
  m.Add(AccountMove(m, 2, -4));
  m.Add(AccountAudit(m));
}

// --- bluetooth: 0 pending, 1 stopping, 2 event, 3 stopped ---

Task BluetoothRequest(Machine& m) {
  co_await m.Reads(1);
  if (m.value[1] != 0) co_return;
  co_await m.Writes(0);
  ++m.value[0];
  co_await m.Reads(3);
  Check(m.value[3] == 0);
  co_await m.Writes(0);
  if (--m.value[0] == 0) {
    co_await m.Writes(2);
    m.value[2] = 1;
  }
}
Task BluetoothStop(Machine& m) {
  co_await m.Writes(1);
  m.value[1] = 1;
  co_await m.Writes(0);
  if (--m.value[0] == 0) {
    co_await m.Writes(2);
    m.value[2] = 1;
  }
  co_await m.Reads(2);
  if (m.value[2] != 0) {
    co_await m.Writes(3);
    m.value[3] = 1;
  }
}
void Bluetooth(Machine& m) {
  m.value[0] = 1;
  m.Add(BluetoothRequest(m));
  m.Add(BluetoothStop(m));
}

// --- deadlock01: 0 is c ---

Task DeadlockTask(Machine& m, int first, int second) {
  co_await m.Asks(first);
  co_await m.Acquire(first);
  co_await m.Reads(0);
  int seen = m.value[0];
  co_await m.Writes(0);
  m.value[0] = seen + 1;
  co_await m.Asks(second);
  co_await m.Acquire(second);
  co_await m.Reads(0);
  seen = m.value[0];
  co_await m.Writes(0);
  m.value[0] = seen - 1;
  m.Release(second);
  m.Release(first);
}
void Deadlock01(Machine& m) {
  m.value[0] = 1;
  m.Add(DeadlockTask(m, 0, 1));
  m.Add(DeadlockTask(m, 1, 0));
}

// --- lazy01: 0 is d ---

Task AddTo(Machine& m, int lock, int amount) {
  co_await m.Asks(lock);
  co_await m.Acquire(lock);
  co_await m.Reads(0);
  const int seen = m.value[0];
  co_await m.Writes(0);
  m.value[0] = seen + amount;
  m.Release(lock);
}
Task LazyCheck(Machine& m) {
  co_await m.Asks(kM);
  co_await m.Acquire(kM);
  co_await m.Reads(0);
  Check(m.value[0] < 3);
  m.Release(kM);
}
void Lazy01(Machine& m) {
  m.Add(AddTo(m, kM, 1));
  m.Add(AddTo(m, kM, 2));
  m.Add(LazyCheck(m));
}

// --- reorder_N: 0 is a, 1 is b ---

Task ReorderWrite(Machine& m) {
  co_await m.Writes(0);
  m.value[0] = 1;
  co_await m.Writes(1);
  m.value[1] = -1;
}
Task ReorderCheck(Machine& m) {
  bool ok = false;
  co_await m.Reads(0);
  if (m.value[0] == 0) {
    co_await m.Reads(1);
    ok = m.value[1] == 0;
  }
  if (!ok) {
    co_await m.Reads(0);
    if (m.value[0] == 1) {
      co_await m.Reads(1);
      ok = m.value[1] == -1;
    }
  }
  Check(ok);
}
template <int kTasks>
void Reorder(Machine& m) {
  for (int i = 0; i + 1 < kTasks; ++i) m.Add(ReorderWrite(m));
  m.Add(ReorderCheck(m));
}

// --- stack: 0 is top, 1 is flag ---

Task StackPush(Machine& m) {
  for (int k = 0; k < 10; ++k) {
    co_await m.Asks(kM);
    co_await m.Acquire(kM);
    co_await m.Reads(0);
    const int top = m.value[0];
    co_await m.Writes(0);
    m.value[0] = top + 1;
    co_await m.Writes(1);
    m.value[1] = 1;
    m.Release(kM);
  }
}
Task StackPop(Machine& m) {
  for (int k = 0; k < 10; ++k) {
    co_await m.Asks(kM);
    co_await m.Acquire(kM);
    co_await m.Reads(1);
    if (m.value[1] != 0) {
      co_await m.Reads(0);
      const int top = m.value[0];
      Check(top != 0);
      co_await m.Writes(0);
      m.value[0] = top - 1;
    }
    m.Release(kM);
  }
}
void Stack(Machine& m) {
  m.Add(StackPush(m));
  m.Add(StackPop(m));
}

// --- twostage_2: 0 is d1, 1 is d2 ---

Task TwoStageWrite(Machine& m) {
  co_await m.Asks(kM1);
  co_await m.Acquire(kM1);
  co_await m.Writes(0);
  m.value[0] = 1;
  m.Release(kM1);
  co_await m.Asks(kM2);
  co_await m.Acquire(kM2);
  co_await m.Reads(0);
  const int d1 = m.value[0];
  co_await m.Writes(1);
  m.value[1] = d1 + 1;
  m.Release(kM2);
}
Task TwoStageRead(Machine& m) {
  co_await m.Asks(kM1);
  co_await m.Acquire(kM1);
  co_await m.Reads(0);
  const int t1 = m.value[0];
  m.Release(kM1);
  if (t1 == 0) co_return;
  co_await m.Asks(kM2);
  co_await m.Acquire(kM2);
  co_await m.Reads(1);
  const int t2 = m.value[1];
  m.Release(kM2);
  Check(t2 == t1 + 1);
}
void TwoStage2(Machine& m) {
  m.Add(TwoStageWrite(m));
  m.Add(TwoStageRead(m));
}

// --- wronglock_3: 0 is d ---

Task WrongLockCheck(Machine& m) {
  co_await m.Asks(kM1);
  co_await m.Acquire(kM1);
  co_await m.Reads(0);
  const int x = m.value[0];
  co_await m.Reads(0);
  const int seen = m.value[0];
  co_await m.Writes(0);
  m.value[0] = seen + 1;
  co_await m.Reads(0);
  Check(m.value[0] == x + 1);
  m.Release(kM1);
}
void WrongLock3(Machine& m) {
  m.Add(WrongLockCheck(m));
  for (int i = 0; i < 3; ++i) m.Add(AddTo(m, kM2, 1));
}

}  // namespace

Setup FindProgram(std::string_view name) {
  if (name == "account") return Account;
  if (name == "bluetooth") return Bluetooth;
  if (name == "deadlock01") return Deadlock01;
  if (name == "lazy01") return Lazy01;
  if (name == "reorder_3") return Reorder<3>;
  if (name == "reorder_10") return Reorder<10>;
  if (name == "stack") return Stack;
  if (name == "twostage_2") return TwoStage2;
  if (name == "wronglock_3") return WrongLock3;
  return nullptr;
}

}  // namespace detent_bench::bare
