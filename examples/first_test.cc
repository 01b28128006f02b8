// SPDX-License-Identifier: Apache-2.0
//
// The shortest racy test: a large deposit is checked before it is booked. Run it, and see a deposit get lost.
#include "detent/runtime/core.h"
#include "detent/testing/testing.h"

using detent::Coro;

class Account {
 public:
  Coro<> Deposit(int amount) {
    if (amount >= 1000) co_await detent::Yield();  // ask the fraud department
    const int before = balance_;
    co_await detent::Yield();  // ask the database; other tasks run meanwhile
    balance_ = before + amount;
  }
  int balance() const { return balance_; }

 private:
  int balance_ = 0;
};

SIM_TEST(AccountTest, DepositsAddUp) {
  Account account;
  co_await detent::Gather(account.Deposit(10), account.Deposit(1000));
  EXPECT_EQ(account.balance(), 1010);
}
