// SPDX-License-Identifier: Apache-2.0
//
// The tests of the fixed ticket office; and of the racy one, that the same tests find its race. The demo
// tells it as a story.
#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <string>

#include "detent/examples/ticket_office_suite.h"
#include "detent/runtime/core.h"
#include "detent/testing/testing.h"

namespace {

using detent_examples::Selling;
using detent_testing::Explore;
using detent_testing::Report;

LOOP_TEST(TicketOfficeTest, EveryRequestHasItsAnswer) {
  co_await detent_examples::EveryRequestHasItsAnswer(Selling::kOneAtATime);
}

LOOP_TEST(TicketOfficeTest, TheLastTicketIsSoldOnce) {
  co_await detent_examples::TheLastTicketIsSoldOnce(Selling::kOneAtATime);
}

LOOP_TEST(TicketOfficeTest, ACrowdGetsNoMoreThanThereIs) {
  co_await detent_examples::ACrowdGetsNoMoreThanThereIs(Selling::kOneAtATime);
}

TEST(RacyTicketOfficeTest, SellsTheLastTicketTwiceButNotInAsyncioOrder) {
  auto body = [] { return detent_examples::TheLastTicketIsSoldOnce(Selling::kRacy); };
  const Report in_order = Explore({.schedules = 1}, body);
  EXPECT_TRUE(in_order.ok) << in_order.text;

  const Report found = Explore({.schedules = 1000}, body);
  ASSERT_FALSE(found.ok);
  EXPECT_THAT(found.failure, testing::HasSubstr("sold 2 tickets and had 1"));

  detent_testing::Options again;
  again.replay = &found.tape;
  const Report replayed = Explore(again, body);
  EXPECT_FALSE(replayed.ok);
  EXPECT_EQ(replayed.failure, found.failure);
  EXPECT_EQ(replayed.tape.fingerprint(), found.tape.fingerprint());
}

// Oversells the crowd too: the race is found wherever customers overlap.
TEST(RacyTicketOfficeTest, OversellsTheCrowd) {
  auto body = [] { return detent_examples::ACrowdGetsNoMoreThanThereIs(Selling::kRacy); };
  EXPECT_TRUE(Explore({.schedules = 1}, body).ok);
  EXPECT_FALSE(Explore({.schedules = 1000}, body).ok);
}

}  // namespace
