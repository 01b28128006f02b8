// SPDX-License-Identifier: Apache-2.0
//
// A body that leaves a task behind which uses its variables, and every way in which it can end.
#include "detent/testing/test_body.h"

#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/testing/samples/run_command.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using detent::Coro;
using detent::Yield;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

enum class Way {
  kAssert,
  kExpectAndFall,
  kExpectAndReturn,
  kThrow,
  kCancel,
  kDeadlock,
  kTimeLimit,
  kStepLimit,
};

// Lives as a variable of a body, and is used by what the body leaves.
class Local {
 public:
  explicit Local(std::vector<std::string>& log) : log_(log) { IsAlive() = true; }
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;
  ~Local() {
    log_.push_back("the local goes");
    IsAlive() = false;
  }

  static bool& IsAlive() {
    static bool is_alive = false;
    return is_alive;
  }

 private:
  std::vector<std::string>& log_;
};

class Server {
 public:
  explicit Server(std::vector<std::string>& log) : log_(log) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() { Use("the server's frame goes"); }
  void Use(const char* what) { log_.push_back(absl::StrCat(what, Local::IsAlive() ? "" : ", and so has the local")); }

 private:
  std::vector<std::string>& log_;
};

// Its clean-up takes several steps.
Coro<> Serve(std::vector<std::string>* log) {
  Server server(*log);
  detent::Outcome<> outcome = co_await detent::Catch(detent::Sleep(absl::InfiniteDuration()));
  server.Use("cancelled");
  for (int i = 0; i < 3; ++i) co_await Yield();
  server.Use("cleaned up");
  co_await detent::Propagate(outcome);
}

Coro<> Leave(Way way, std::vector<std::string>* log) {
  const Local local(*log);
  detent::Spawn(Serve(log), {.name = "server"});
  co_await Yield();
  co_await Yield();
  const auto use_local = [log] {
    if (!Local::IsAlive()) log->push_back("a callback runs, and the local has gone");
  };
  detent::EventLoop::Current().CallSoon(use_local);
  detent::Future<> done = detent::MakeFuture<>();
  done.AddDoneCallback([use_local](const detent::Future<>&) { use_local(); });
  done.SetResult();
  switch (way) {
    case Way::kAssert:
      CO_ASSERT_EQ(1 + 1, 3) << "asserted";
      break;
    case Way::kExpectAndFall:
      EXPECT_EQ(1 + 1, 3);
      break;
    case Way::kExpectAndReturn:
      EXPECT_EQ(1 + 1, 3);
      co_return;
    case Way::kThrow:
      throw std::runtime_error("thrown");
    case Way::kCancel:
      detent::CurrentTask().Cancel();
      co_await Yield();
      break;
    case Way::kDeadlock: {
      detent::Event never;
      co_await never.Wait();
      break;
    }
    case Way::kTimeLimit:
      co_await detent::Sleep(absl::Hours(2));
      break;
    case Way::kStepLimit:
      while (true) co_await Yield();
  }
}

struct Expected {
  Way way;
  const char* name;
  const char* failure;
};

void PrintTo(const Expected& expected, std::ostream* out) { *out << expected.name; }

class WayOutTest : public ::testing::TestWithParam<Expected> {
 protected:
  static Report Explored(const Body& body) {
    Options options = {.schedules = 1, .steps_max = 1000, .time_max = absl::Hours(1)};
    options.shrink_time = absl::ZeroDuration();
    return Explore(options, body);
  }
  // What was done in one run of a body that ends in this way. No variable was used once it had gone.
  static void ExpectLog(const std::vector<std::string>& log) {
    const Way way = GetParam().way;
    if (way == Way::kAssert) {
      EXPECT_THAT(log, ElementsAre("cancelled", "cleaned up", "the server's frame goes", "the local goes"));
    } else if (way == Way::kDeadlock || way == Way::kTimeLimit || way == Way::kStepLimit) {
      EXPECT_THAT(log, ElementsAre("the server's frame goes", "the local goes"));
    } else {
      EXPECT_THAT(log, ElementsAre("the local goes"));
    }
  }
};

TEST_P(WayOutTest, IsToldAndUsesNoVariableThatIsGone) {
  std::vector<std::string> log;
  const Report report = Explored([&] {
    log.clear();
    return Leave(GetParam().way, &log);
  });
  EXPECT_FALSE(report.ok);
  EXPECT_THAT(report.failure, HasSubstr(GetParam().failure));
  EXPECT_THAT(report.failure, AllOf(Not(HasSubstr("destroyed while pending")), Not(HasSubstr("left behind"))));
  ExpectLog(log);
  const bool left = GetParam().way != Way::kAssert;
  EXPECT_EQ(report.text.find("task \"server\"  Sleep") != std::string::npos, left) << report.text;
}

std::vector<std::string>* fixture_log = nullptr;

class Fixture : public ::testing::Test {
 public:
  void DetentSetUp() {}
  Coro<> DetentBody() { return Leave(way, fixture_log); }
  void DetentTearDown() { fixture_log->push_back("torn down"); }

  static inline Way way = Way::kThrow;

 private:
  void TestBody() override {}
};

TEST_P(WayOutTest, TheFixtureIsTornDownLast) {
  std::vector<std::string> log;
  fixture_log = &log;
  Fixture::way = GetParam().way;
  const Report report = Explored([&] {
    log.clear();
    return internal::RunFixture<Fixture>();
  });
  EXPECT_THAT(report.failure, HasSubstr(GetParam().failure));
  ASSERT_THAT(log, Not(IsEmpty()));
  EXPECT_EQ(log.back(), "torn down");
  log.pop_back();
  ExpectLog(log);
}

INSTANTIATE_TEST_SUITE_P(All, WayOutTest,
                         ::testing::Values(Expected{Way::kAssert, "Assert", "asserted"},
                                           Expected{Way::kExpectAndFall, "ExpectAndFall", "1 + 1"},
                                           Expected{Way::kExpectAndReturn, "ExpectAndReturn", "1 + 1"},
                                           Expected{Way::kThrow, "Throw", "the body threw: thrown"},
                                           Expected{Way::kCancel, "Cancel", "the body threw: cancelled"},
                                           Expected{Way::kDeadlock, "Deadlock", "deadlock at"},
                                           Expected{Way::kTimeLimit, "TimeLimit", "virtual time"},
                                           Expected{Way::kStepLimit, "StepLimit", "1000 steps"}),
                         [](const auto& info) { return std::string(info.param.name); });

// The same on the real loop.
class RealWayOutTest : public ::testing::TestWithParam<const char*> {};

TEST_P(RealWayOutTest, IsToldAndUsesNoVariableThatIsGone) {
  const CommandOutput output = RunCommand(absl::StrCat("DETENT_HANG=200ms ", SampleProgram("left_behind_sample"),
                                                       " --gtest_filter=LeftBehind.", GetParam()));
  EXPECT_EQ(output.exit_code, 1) << output.text;
  EXPECT_THAT(output.text, AllOf(HasSubstr("what failed: "), HasSubstr("on the real loop")));
  EXPECT_THAT(output.text, Not(HasSubstr("uses what is gone")));
}

INSTANTIATE_TEST_SUITE_P(All, RealWayOutTest,
                         ::testing::Values("Assert", "ExpectAndFall", "ExpectAndReturn", "Throw", "Cancel", "Hang"),
                         [](const auto& info) { return std::string(info.param); });

// A body that passes: what it leaves is cancelled when its variables are gone, but not their memory.
LOOP_TEST(PassingBodyTest, ItsFrameOutlivesWhatItLeaves) {
  int cleaned = 0;
  detent::Spawn([&cleaned]() -> Coro<> {
    const detent::Outcome<> outcome = co_await detent::Catch(detent::Sleep(absl::InfiniteDuration()));
    for (int i = 0; i < 3; ++i) co_await Yield();
    ++cleaned;
    co_await detent::Propagate(outcome);
  });
  co_await Yield();
  co_await Yield();
}

// What the body itself has called for. Another task's callbacks use what is its own.
TEST(PassingBodyTest, ACallbackThatIsStillToRunIsToldOf) {
  const auto explore = [](const Body& body) { return Explore({.schedules = 1}, body).warnings; };
  const auto call = [](int times) {
    for (int i = 0; i < times; ++i) detent::EventLoop::Current().CallSoon([] {});
  };
  EXPECT_THAT(explore([&]() -> Coro<> {
                call(1);
                co_return;
              }),
              ElementsAre(AllOf(HasSubstr("the body has returned before a callback that it called for had run ("),
                                HasSubstr("test_body_test.cc:"), HasSubstr("await what it does, or Cancel()"))));
  EXPECT_THAT(explore([&]() -> Coro<> {
                call(2);
                co_return;
              }),
              ElementsAre(HasSubstr("before callbacks that it called for had run (")));
  EXPECT_THAT(explore([&]() -> Coro<> {
                call(1);
                detent::EventLoop::Current().CallSoon([] {}).Cancel();
                co_await Yield();
              }),
              IsEmpty());
  EXPECT_THAT(explore([&]() -> Coro<> {
                detent::Spawn([&]() -> Coro<> {
                  call(1);
                  co_return;
                });
                co_await Yield();
              }),
              IsEmpty());
}

// A fatal assertion in a coroutine that the body awaits ends that one only.
TEST(FatalAssertionTest, InAHelperLeavesTheOthersAlone) {
  bool went_on = false;
  const Report report = Explore({.schedules = 1, .shrink_time = absl::ZeroDuration()}, [&]() -> Coro<> {
    const auto helper = []() -> Coro<> { CO_FAIL() << "in a helper"; };
    const detent::Task<> other = detent::Spawn(detent::Sleep(absl::Seconds(1)));
    co_await helper();
    co_await other;
    went_on = true;
  });
  EXPECT_THAT(report.failure, HasSubstr("in a helper"));
  EXPECT_TRUE(went_on);
}

TEST(FatalAssertionTest, StandsWhereAStatementCan) {
  const Report report = Explore({.schedules = 1, .shrink_time = absl::ZeroDuration()}, []() -> Coro<> {
    if (detent::CurrentTask().Name() == "nobody")
      CO_FAIL() << "not this one";
    else
      CO_ASSERT_TRUE(false) << "but this one";
  });
  EXPECT_THAT(report.failure, AllOf(HasSubstr("but this one"), Not(HasSubstr("not this one"))));
}

}  // namespace
}  // namespace detent_testing
