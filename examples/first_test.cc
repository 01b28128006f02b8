// SPDX-License-Identifier: Apache-2.0
//
// The shortest racy test. Two deposits read the balance, wait for the database, and write it back: one can be lost.
// Under asyncio's order it is lost always; run the test to see.
//
//   bazel test //examples:first_test
#include "detent/runtime/core.h"
#include "detent/testing/testing.h"

namespace {

using detent::Coro;

class Account {
 public:
  Coro<> Deposit(int amount) {
    const int before = balance_;
    co_await detent::Yield();  // another task may run here
    balance_ = before + amount;
  }
  int balance() const { return balance_; }

 private:
  int balance_ = 0;
};

SIM_TEST(AccountTest, DepositsAddUp) {
  Account account;
  co_await detent::Gather(account.Deposit(10), account.Deposit(20));
  EXPECT_EQ(account.balance(), 30);
}

}  // namespace
