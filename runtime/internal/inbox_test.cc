// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/inbox.h"

#include <memory>
#include <vector>

#include "gtest/gtest.h"

namespace detent::internal {
namespace {

// Counts, and finds the inbox unlocked.
class CountingWaker final : public Waker {
 public:
  explicit CountingWaker(Inbox& inbox) : inbox_(inbox) {}
  void WakeUp() override {
    ++wake_ups;
    sizes.push_back(inbox_.Size());  // Hangs if the lock is held.
  }

  int wake_ups = 0;
  std::vector<size_t> sizes;

 private:
  Inbox& inbox_;
};

class InboxTest : public ::testing::Test {
 protected:
  InboxTest() { inbox_.SetWaker(waker_); }

  Inbox inbox_;
  const std::shared_ptr<CountingWaker> waker_ = std::make_shared<CountingWaker>(inbox_);
};

// A wake-up is a system call: one for each time that the loop looks is enough.
TEST_F(InboxTest, OnlyTheFirstLetterWakesAndNotUnderTheLock) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(inbox_.Post([] {}));
  EXPECT_TRUE(inbox_.HasMail());
  EXPECT_EQ(waker_->wake_ups, 1);
  std::vector<Inbox::Function> mail;
  inbox_.TakeAll(mail);
  EXPECT_EQ(mail.size(), 3u);
  EXPECT_FALSE(inbox_.HasMail());
  EXPECT_TRUE(inbox_.Add([] {}));
  EXPECT_EQ(waker_->wake_ups, 2);
  EXPECT_EQ(waker_->sizes, (std::vector<size_t>{1, 1}));
}

TEST_F(InboxTest, HasABoundForCallsAndNoneForResults) {
  inbox_.SetSizeMax(2);
  EXPECT_TRUE(inbox_.Post([] {}));
  EXPECT_TRUE(inbox_.Add([] {}));
  try {
    inbox_.Post([] {});
    ADD_FAILURE() << "it was taken";
  } catch (const QueueFull& e) {
    EXPECT_STREQ(e.what(),
                 "CallSoonThreadsafe(): 2 functions wait for the event loop, its limit; it does not keep up: call less "
                 "often, or see which step holds the loop");
  }
  EXPECT_TRUE(inbox_.Add([] {}));
  EXPECT_EQ(inbox_.Size(), 3u);
}

// Its destructor may use the inbox.
TEST_F(InboxTest, WhatComesAfterTheEndIsDestroyedWithoutTheLock) {
  class UsesInbox {
   public:
    explicit UsesInbox(Inbox& inbox) : inbox_(&inbox) {}
    UsesInbox(UsesInbox&& other) noexcept : inbox_(std::exchange(other.inbox_, nullptr)) {}
    ~UsesInbox() {
      if (inbox_ != nullptr) (void)inbox_->Size();
    }
    void operator()() {}

   private:
    Inbox* inbox_;
  };
  EXPECT_TRUE(inbox_.Post(UsesInbox(inbox_)));
  inbox_.Close();
  EXPECT_FALSE(inbox_.Post(UsesInbox(inbox_)));
  EXPECT_FALSE(inbox_.HasMail() && inbox_.Size() > 0);
  EXPECT_EQ(waker_->wake_ups, 1);
}

}  // namespace
}  // namespace detent::internal
