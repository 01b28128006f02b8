// SPDX-License-Identifier: Apache-2.0
//
// What a report calls things by: places are the user's, a cancellation says by whom, a wait is that of what the program
// wrote, and a body that has ended is told as such.
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/cancel_everywhere.h"
#include "detent/testing/co_assert.h"
#include "detent/testing/explore.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using detent::Coro;
using detent::Spawn;
using detent::Task;
using detent::Yield;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

Coro<> Never(const char* name) {
  detent::Event never(name);
  co_await never.Wait();
}

Coro<> Fail(const char* text) {
  co_await Yield();
  throw std::runtime_error(text);
}

std::vector<Coro<>> Two(Coro<> (*make)(const char*)) {
  std::vector<Coro<>> coros;
  coros.push_back(make("a"));
  coros.push_back(make("b"));
  return coros;
}

// The text of a body that fails.
std::string ReportOf(std::function<Coro<>()> body) {
  const Report report = Explore({}, std::move(body));
  EXPECT_FALSE(report.ok);
  return report.text;
}

// The files whose lines it names, but this one.
std::string OtherFilesIn(const std::string& text) {
  std::string files;
  for (size_t colon = text.find(':'); colon != std::string::npos; colon = text.find(':', colon + 1)) {
    const size_t begin = text.find_last_of(" (\n|", colon) + 1;
    const std::string file = text.substr(begin, colon - begin);
    const bool is_source = file.ends_with(".cc") || file.ends_with(".h");
    if (is_source && file != "explore_words_test.cc") files += file + " ";
  }
  return files;
}

// A way to make tasks, and what a deadlock calls the wait for them.
struct Maker {
  const char* wait;
  std::function<Coro<>()> body;
};

std::vector<Maker> Makers() {
  return {
      {"Gather of 2", []() -> Coro<> { co_await Gather(Never("a"), Never("b")); }},
      {"Gather of 2", []() -> Coro<> { co_await Gather(Two(Never)); }},
      {"GatherSettled of 2", []() -> Coro<> { co_await GatherSettled(Never("a"), Never("b")); }},
      {"GatherSettled of 2", []() -> Coro<> { co_await GatherSettled(Two(Never)); }},
      {"Race of 2", []() -> Coro<> { co_await detent::Race(Never("a"), Never("b")); }},
      {"Race of 2", []() -> Coro<> { co_await detent::Race(Two(Never)); }},
      {"Wait for all of 2",
       []() -> Coro<> { (void)co_await Wait(detent::ReturnWhen::kAllCompleted, Never("a"), Never("b")); }},
      {"Wait for all of 2", []() -> Coro<> { (void)co_await Wait(Two(Never), detent::ReturnWhen::kAllCompleted); }},
      {"AsCompleted::Next",
       []() -> Coro<> {
         auto completed = detent::AsCompleted(Two(Never));
         (void)co_await completed.Next();
       }},
      {"Shield of task", []() -> Coro<> { co_await detent::Shield(Never("a")); }},
      {"the 2 children of its TaskGroup, the first of them task \"task-2\"",
       []() -> Coro<> {
         co_await detent::TaskGroup::Run([](detent::TaskGroup& group) -> Coro<> {
           group.Spawn(Never("a"));
           group.Spawn(Never, "b");
           co_return;
         });
       }},
      {"the 1 child of its TaskGroup, task \"task-2\"",
       []() -> Coro<> {
         co_await detent::TaskGroup::Run([](detent::TaskGroup& group) -> Coro<> {
           group.Spawn(Never("a"));
           co_return;
         });
       }},
      {"Event::Wait on \"a\"", []() -> Coro<> { co_await detent::WaitFor(Never("a"), absl::InfiniteDuration()); }},
      {"Event::Wait on \"a\"",
       []() -> Coro<> {
         co_await detent::Finally([]() -> Coro<> { co_return; }, []() -> Coro<> { co_await Never("a"); });
       }},
      {"Lock::Acquire on \"lock\", held by task \"task-1\"",
       []() -> Coro<> {
         detent::Event event("event");
         detent::Lock lock("lock");
         detent::Queue<int> queue(0, "queue");
         auto held = co_await lock.Hold();
         co_await detent::Gather(event.Wait(), lock.Acquire(), queue.Get(), detent::Sleep(absl::InfiniteDuration()));
       }},
      {"Event::Wait on \"event\"",
       []() -> Coro<> {
         detent::Event event("event");
         co_await detent::Race(event.Wait(), event.Wait());
       }},
      {"Event::Wait on \"event\"",
       []() -> Coro<> {
         detent::Event event("event");
         co_await detent::Shield(event.Wait());
       }},
  };
}

TEST(ExploreWordsTest, TasksOfACombinatorStandWhereTheUserCalledIt) {
  for (const Maker& maker : Makers()) {
    const std::string text = ReportOf(maker.body);
    EXPECT_THAT(text, AllOf(HasSubstr("deadlock at 0"), HasSubstr(maker.wait)));
    EXPECT_EQ(OtherFilesIn(text), "") << text;
    EXPECT_THAT(text, Not(HasSubstr("an unknown place"))) << text;
    // A step without a place has spaces where that would be.
    EXPECT_THAT(text, Not(ContainsRegex("\n +[0-9]+ +\\| "))) << text;
  }
}

TEST(ExploreWordsTest, AnErrorThatNobodySawIsThatOfWhatTheUserCalled) {
  EXPECT_THAT(ReportOf([]() -> Coro<> {
                auto lost = Gather(Fail("a"), Never("b"));
                co_await detent::Sleep(absl::Seconds(1));
              }),
              ContainsRegex("Gather of 2 .made at explore_words_test.cc:[0-9]+. failed and nobody looked"));
  EXPECT_THAT(ReportOf([]() -> Coro<> {
                auto lost = GatherSettled(Two(Fail));
                co_await detent::Sleep(absl::Seconds(1));
                auto gathered = Gather(Two(Fail));
                co_await detent::Sleep(absl::Seconds(1));
              }),
              ContainsRegex("Gather of 2 .made at explore_words_test.cc:[0-9]+. failed and nobody looked"));
  EXPECT_THAT(ReportOf([]() -> Coro<> {
                auto lost = detent::Shield(Fail("a"));
                co_await detent::Sleep(absl::Seconds(1));
              }),
              ContainsRegex("Shield of task \"task-2\" .spawned at explore_words_test.cc:[0-9]+. failed and nobody"));
  EXPECT_THAT(
      ReportOf([]() -> Coro<> { (void)co_await Wait(detent::ReturnWhen::kFirstCompleted, Fail("a"), Never("b")); }),
      ContainsRegex("task \"task-2\" .spawned at explore_words_test.cc:[0-9]+. failed and nobody looked"));
  EXPECT_THAT(ReportOf([]() -> Coro<> {
                auto completed = detent::AsCompleted(Two(Fail));
                while (co_await completed.Next()) {
                }
              }),
              ContainsRegex("task \"task-2\" .spawned at explore_words_test.cc:[0-9]+. failed and nobody looked"));
}

TEST(ExploreWordsTest, ABodyThatHasEndedIsNoTaskThatIsLeft) {
  const std::string text = ReportOf([]() -> Coro<> {
    Spawn([]() -> Coro<> { co_await detent::Sleep(absl::Hours(1)); }, {.name = "left"});
    co_await Yield();
    throw std::runtime_error("bad");
  });
  EXPECT_THAT(text,
              ContainsRegex("still alive:\n  task \"left\"  Sleep until 1h  explore_words_test.cc:[0-9]+\n  they"));
  EXPECT_THAT(text, Not(HasSubstr("running")));
}

TEST(ExploreWordsTest, TasksThatRefuseToEndAreToldAsSuch) {
  const std::string text = ReportOf([]() -> Coro<> {
    Spawn(
        []() -> Coro<> {
          detent::Event never("never");
          while (true) (void)co_await detent::Catch(never.Wait());
        },
        {.name = "mule"});
    co_await Yield();
  });
  EXPECT_THAT(text, HasSubstr("the body has ended, but tasks that it left refuse to end: deadlock at 0, step 4"));
  EXPECT_THAT(text, ContainsRegex("task \"task-1\"  has ended; what it left has been cancelled and has to end, 1 "
                                  "pending  explore_words_test.cc:[0-9]+\n"));
  EXPECT_THAT(text, ContainsRegex("task \"mule\"  Event::Wait on \"never\", although it was cancelled  explore_words"));
  EXPECT_THAT(text, HasSubstr("cancelled at the end of the body in "));
  EXPECT_THAT(text, HasSubstr("| Yield, ends"));
  EXPECT_EQ(OtherFilesIn(text), "");
}

TEST(ExploreWordsTest, CancelEverywhereListsTheTasksThatItWatches) {
  const std::string text =
      ReportOf([]() -> Coro<> { co_await CancelEverywhere([]() -> Coro<> { co_await Never("x"); }, [] {}); });
  EXPECT_THAT(text, AllOf(HasSubstr("task \"body\"  Event::Wait on \"x\""), Not(HasSubstr("running"))));
  EXPECT_EQ(OtherFilesIn(text), "");
}

TEST(ExploreWordsTest, ACancellationSaysInWhoseName) {
  EXPECT_THAT(ReportOf([]() -> Coro<> {
                co_await detent::TaskGroup::Run([](detent::TaskGroup& group) -> Coro<> {
                  group.Spawn([]() -> Coro<> { co_await Never("x"); }, {.name = "victim"});
                  group.Spawn(Fail("oops"), {.name = "thrower"});
                  co_return;
                });
              }),
              AllOf(HasSubstr("cancelled by the TaskGroup of task-1 in "),
                    HasSubstr("cancelled by its TaskGroup in its TaskGroup, 1 pending"), Not(HasSubstr("itself")),
                    HasSubstr("thrown in task \"thrower\" after Yield, ")));
  EXPECT_THAT(
      ReportOf([]() -> Coro<> { co_await detent::Race([]() -> Coro<> { co_await Never("x"); }(), Fail("oops")); }),
      HasSubstr("cancelled by the Race that task-3 has decided in "));
  EXPECT_THAT(ReportOf([]() -> Coro<> {
                const Task<> inner = Spawn(Never("x"), {.name = "inner"});
                co_await detent::WaitFor(inner, absl::Seconds(1));
              }),
              AllOf(HasSubstr("| timed out awaiting inner, fails"), HasSubstr("cancelled by a time-out of task-1 in "),
                    HasSubstr("thrown in task \"task-1\" after the end of task \"inner\" (spawned at ")));
}

TEST(ExploreWordsTest, ACancellationThatLeavesTheBodySaysWhoseItWas) {
  const std::string text = ReportOf([]() -> Coro<> {
    const Task<> alice = Spawn(Never("x"), {.name = "alice"});
    const Task<> bob = Spawn(
        [alice]() -> Coro<> {
          co_await Yield();
          alice.Cancel();
        },
        {.name = "bob"});
    co_await alice;
  });
  EXPECT_THAT(text,
              ContainsRegex("\ntask \"alice\" was cancelled by bob in Event::Wait on \"x\", explore_words_test.cc"));
  EXPECT_THAT(text, HasSubstr("| alice ended, is cancelled"));
}

TEST(ExploreWordsTest, AnErrorThatLeavesTheBodyItselfSaysAfterWhichAwait) {
  EXPECT_THAT(ReportOf([]() -> Coro<> {
                throw std::runtime_error("at once");
                co_return;
              }),
              ContainsRegex("thrown in task \"task-1\" in its first step, explore_words_test.cc:[0-9]+"));
  // Of an earlier error that the program dealt with there is no word.
  EXPECT_THAT(ReportOf([]() -> Coro<> {
                (void)co_await Settle(Spawn(Fail("dealt with"), {.name = "other"}));
                co_await detent::Sleep(absl::Seconds(1));
                throw std::runtime_error("late");
              }),
              HasSubstr("thrown in task \"task-1\" after Sleep until 1s, explore_words_test.cc:"));
}

TEST(ExploreWordsTest, AFutureSaysWhereItWasMadeAndWhoCompletedIt) {
  EXPECT_THAT(ReportOf([]() -> Coro<> {
                const detent::Future<int> answer = detent::MakeFuture<int>();
                (void)co_await answer;
              }),
              ContainsRegex("the end of a future .made at explore_words_test.cc:[0-9]+."));
  const std::string text = ReportOf([]() -> Coro<> {
    const detent::Future<int> answer = detent::MakeFuture<int>();
    const Task<> alice = Spawn(
        [answer]() -> Coro<> {
          co_await Yield();
          answer.SetException(std::runtime_error("no answer"));
        },
        {.name = "alice"});
    (void)co_await answer;
  });
  EXPECT_THAT(text, HasSubstr("thrown in task \"task-1\" after the end of a future (made at "));
  EXPECT_THAT(text, HasSubstr("), Future::SetException() by alice, explore_words_test.cc:"));
  EXPECT_THAT(text, ContainsRegex("\\| Future::SetException\\(\\)"));
  EXPECT_THAT(text, HasSubstr("the end of a future, Future::SetException() by alice, fails"));
}

TEST(ExploreWordsTest, ACombinatorsOwnStepsAreNoCallbacks) {
  EXPECT_THAT(ReportOf([]() -> Coro<> {
                auto lost = Gather(Fail("a"), Never("b"));
                co_await detent::Sleep(absl::Seconds(1));
              }),
              ContainsRegex("explore_words_test.cc:[0-9]+ .*\\| end of a Gather of task-1"));
}

TEST(ExploreWordsTest, WhatTakesLongerSaysHowLong) {
  const Report report = Explore({.schedules = 1000}, []() -> Coro<> {
    detent::Listener listener = co_await detent::Listen("shop", 80);
    const Task<> server = Spawn([&]() -> Coro<> {
      detent::Connection client = co_await listener.Accept();
      co_await client.Write(co_await client.ReadUntil("\n"));
    });
    detent::Connection shop = co_await detent::Connect("shop", 80);
    const detent::LoopTime sent = detent::EventLoop::Current().Time();
    co_await shop.Write("order\n");
    (void)co_await shop.ReadUntil("\n");
    co_await server;
    if (detent::EventLoop::Current().Time() - sent > absl::Milliseconds(3)) throw std::runtime_error("too late");
  });
  ASSERT_FALSE(report.ok);
  EXPECT_THAT(
      report.text,
      ContainsRegex("\n> here the 1st message from [0-9.:]+ to shop:80 takes [0-9.]+ms instead of 50us, in task-"));
  const Report job = Explore({.schedules = 1000}, []() -> Coro<> {
    const detent::LoopTime begun = detent::EventLoop::Current().Time();
    co_await detent::EventLoop::Current().RunInExecutor([] {});
    if (detent::EventLoop::Current().Time() - begun > absl::Milliseconds(3)) throw std::runtime_error("too late");
  });
  ASSERT_FALSE(job.ok);
  EXPECT_THAT(job.text, ContainsRegex("\n> here a function in the executor takes [0-9.]+ms instead of no time, in "));
}

// However narrow the columns are.
TEST(ExploreWordsTest, WhatASharedVariableHasBecomeIsAlwaysShown) {
  const std::string text = ReportOf([]() -> Coro<> {
    detent::Shared<std::string> owner("nobody", "the owner of the house");
    detent::Shared<std::vector<int>> bids({}, "bids");
    const auto buy = [&](const char* name) -> Coro<> {
      (void)co_await owner.Load();
      co_await owner.Store(name);
      co_await bids.Update([](std::vector<int> all) {
        all.push_back(static_cast<int>(all.size()));
        return all;
      });
    };
    co_await Gather(buy("alice"), buy("bob"), buy("carol"));
    throw std::runtime_error("sold");
  });
  EXPECT_THAT(text, HasSubstr("reading \"the owner of the house\" = \"nobody\""));
  EXPECT_THAT(text, HasSubstr("writing \"the owner of the house\" = \"carol\""));
  EXPECT_THAT(text, HasSubstr("writing \"bids\" = [0, 1, 2], ends"));
}

TEST(ExploreWordsTest, WhatIsDestroyedUnderAWaiterSaysItsNameAndByWhom) {
  const std::string text = ReportOf([]() -> Coro<> {
    auto start = std::make_unique<detent::Barrier>(2, "start");
    const Task<> waiter = Spawn([&]() -> Coro<> { (void)co_await start->Wait(); }, {.name = "waiter"});
    co_await Yield();
    start = nullptr;
    co_await waiter;
  });
  EXPECT_THAT(text, HasSubstr("Barrier \"start\" was destroyed while a place was held by task \"waiter\"; let it"));
  EXPECT_THAT(text, HasSubstr("Barrier::Wait on \"start\": it was destroyed by task \"task-1\" while task \"waiter\" "
                              "waited on it; let it outlive the tasks that wait on it"));
  EXPECT_THAT(text, HasSubstr("| Barrier::Wait on \"start\", which is gone, fails"));
}

TEST(ExploreWordsTest, WhoHasEndedAndHoldsALockIsNamed) {
  const std::string text = ReportOf([]() -> Coro<> {
    detent::Lock ledger("ledger");
    detent::Lock till("till");
    co_await Spawn([&]() -> Coro<> { co_await ledger.Acquire(); }, {.name = "bob"});
    co_await Spawn([&]() -> Coro<> { co_await till.Acquire(); });
  });
  EXPECT_THAT(text, HasSubstr("Lock \"ledger\" was destroyed while held by task \"bob\", which has ended; release it"));
  EXPECT_THAT(text,
              HasSubstr("Lock \"till\" was destroyed while held by task \"task-3\", which has ended; release it"));
}

// A CancelledError is no std::exception.
TEST(ExploreWordsTest, AnAssertionThatMeetsACancellationSaysSo) {
  const auto cancelled = [](bool in_coroutine) {
    return ReportOf([in_coroutine]() -> Coro<> {
      const Task<> task = Spawn(Never("x"));
      task.Cancel();
      co_await detent::Sleep(absl::Seconds(1));
      EXPECT_THROW(task.Result(), detent::CancelledError);
      EXPECT_THROW(throw std::runtime_error("expected"), std::exception);
      if (in_coroutine) CO_ASSERT_THROW(co_await task, std::exception);
      EXPECT_THROW(task.Result(), std::runtime_error);
      EXPECT_NO_THROW(task.Result());
      EXPECT_NO_THROW(throw std::runtime_error("text"));
    });
  };
  const std::string what = "it throws a detent::CancelledError, which is no std::exception.";
  EXPECT_THAT(cancelled(false), AllOf(HasSubstr("throws an exception of type std::runtime_error.\n  Actual: " + what),
                                      HasSubstr("doesn't throw an exception.\n  Actual: " + what),
                                      HasSubstr("it throws std::runtime_error with description \"text\".")));
  EXPECT_THAT(cancelled(true), HasSubstr("throws an exception of type std::exception.\n  Actual: " + what));
}

}  // namespace
}  // namespace detent_testing
