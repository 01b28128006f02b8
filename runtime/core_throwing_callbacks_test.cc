// SPDX-License-Identifier: Apache-2.0
//
// The program's functions that throw where the library calls, moves or copies them, and its values in variables: what
// had been there stays, nobody waits for ever, and what comes next works. Items in queues and results are in
// core_throwing_user_code_test.cc.
#include <unistd.h>

#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/throwing_item_test.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// --- Values in variables ---

LOOP_TEST(ThrowingValueTest, OfASharedVariableLeavesItAsItWas) {
  co_await AtEachCall([]() -> Coro<> {
    std::unique_ptr<Shared<Item>> made;
    try {
      made = std::make_unique<Shared<Item>>(Item(1));
    } catch (const std::runtime_error&) {
      co_return;
    }
    Shared<Item>& shared = *made;
    int expected = 1;
    const auto check = [&] {
      Fuse::Disarm();
      EXPECT_TRUE(shared.Peek().value != nullptr && *shared.Peek().value == expected);
    };
    try {
      const Item loaded = co_await shared.Load();
      EXPECT_EQ(*loaded.value, 1);
      co_await shared.Store(Item(2));
      expected = 2;
      (void)co_await shared.Update([&](const Item& item) {
        Item next(*item.value + 1);
        return next;
      });
      expected = 3;
    } catch (const std::runtime_error&) {
      // The new value was in place already when the copy of it that Update() gives threw.
      if (expected == 2 && shared.Peek().value != nullptr && *shared.Peek().value == 3) expected = 3;
    }
    check();
  });
}

LOOP_TEST(ThrowingValueTest, OfASharedVariableWhoseUpdateThrows) {
  Shared<int> shared(1);
  const auto fail = [](int) -> int { throw std::runtime_error("update"); };
  EXPECT_EQ(co_await EndOf(Settle(shared.Update(fail))), "value");
  bool threw = false;
  try {
    (void)co_await shared.Update(fail);
  } catch (const std::runtime_error&) {
    threw = true;
  }
  EXPECT_TRUE(threw);
  EXPECT_EQ(co_await shared.Update([](int value) { return value + 1; }), 2);
}

// What it is in words is asked for where a report is written, and cannot end the program there.
class Unspeakable {
 public:
  Unspeakable() {}
  std::string ToString() const { throw std::runtime_error("no words"); }
};

TEST(ThrowingValueTest, ThatCannotBeWrittenIsLeftOutOfTheReport) {
  const detent_testing::Report report = detent_testing::Explore({}, []() -> Coro<> {
    Shared<Unspeakable> shared(Unspeakable(), "secret");
    (void)co_await shared.Load();
    co_await shared.Store(Unspeakable());
    throw std::runtime_error("found");
  });
  EXPECT_EQ(report.failure, "the body threw: found");
  EXPECT_THAT(report.text, HasSubstr("writing \"secret\", fails"));
}

LOOP_TEST(ThrowingValueTest, OfAContextVariableLeavesItAsItWas) {
  co_await AtEachCall([]() -> Coro<> {
    std::unique_ptr<ContextVar<Item>> made;
    try {
      made = std::make_unique<ContextVar<Item>>(Item(1));
    } catch (const std::runtime_error&) {
      co_return;
    }
    ContextVar<Item>& variable = *made;
    int expected = 1;
    try {
      variable.Set(Item(2));
      expected = 2;
    } catch (const std::runtime_error&) {
    }
    Fuse::Disarm();
    EXPECT_EQ(*variable.Get().value, expected);
    co_await Spawn([&]() -> Coro<> {
      EXPECT_EQ(*variable.Get().value, expected);
      co_return;
    });
  });
}

// --- Functions that throw when they are moved or copied ---

// A function object: what it holds throws on its way into the library.
template <typename R>
class Heavy {
 public:
  explicit Heavy(std::function<R()> function) : item_(0), function_(std::move(function)) {}
  template <typename... A>
  R operator()(A&&...) const {
    return function_();
  }

 private:
  Item item_;
  std::function<R()> function_;
};

// Each way to hand a plain function over: it has run once, or the call has thrown and it never runs. (One that is moved
// into a coroutine's frame is not tried: where a parameter's move throws, clang 19 itself reads the frame after it has
// freed that, as AddressSanitizer sees in a program of twenty lines without this library.)
LOOP_TEST(ThrowingFunctionTest, OnItsWayInRunsOnceOrNotAtAll) {
  int runs = 0;
  const Heavy<void> call([&] { ++runs; });
  EventLoop& loop = EventLoop::Current();
  std::vector<std::function<Coro<>()>> ways;
  ways.push_back([&]() -> Coro<> { co_await loop.RunInExecutor(call); });
  ways.push_back([&]() -> Coro<> {
    loop.CallSoon(call);
    co_await Sleep(absl::Milliseconds(1));
  });
  ways.push_back([&]() -> Coro<> {
    (void)loop.CallLater(absl::ZeroDuration(), call);
    co_await Sleep(absl::Milliseconds(1));
  });
  ways.push_back([&]() -> Coro<> {
    Future<> future = MakeFuture<>();
    future.AddDoneCallback(call);
    future.SetResult();
    co_await Yield();
    co_await Yield();
  });
  for (size_t way = 0; way < ways.size(); ++way) {
    SCOPED_TRACE(absl::StrCat("way ", way));
    co_await AtEachCall([&, way]() -> Coro<> {
      runs = 0;
      bool threw = false;
      try {
        co_await ways[way]();
      } catch (const std::runtime_error&) {
        threw = true;
      }
      Fuse::Disarm();
      while (!threw && runs == 0) co_await Yield();
      EXPECT_EQ(runs, threw ? 0 : 1);
    });
  }
}

// --- Functions that throw when they are called ---

LOOP_TEST(ThrowingHandlerTest, OfAServerEndsThatClientOnly) {
  std::vector<std::string> reports;
  EventLoop::Current().SetExceptionHandler(
      [&](const ExceptionContext& report) { reports.push_back(detent_testing::DescribeEnd(report.exception)); });
  int clients = 0;
  // A plain function, which throws before there is a coroutine; then a coroutine.
  Server server = co_await StartServer(
      [&](Connection client) -> Coro<> {
        if (++clients == 1) throw std::runtime_error("plain");
        return Invoke(
            [&clients](Connection its) -> Coro<> {
              if (clients == 2) throw std::runtime_error("coroutine");
              co_await its.Write("served");
            },
            std::move(client));
      },
      "127.0.0.1", 0);
  for (int i = 0; i < 3; ++i) {
    Connection client = co_await Connect("127.0.0.1", server.Port());
    const Outcome<std::string> answer = co_await Settle(client.ReadExactly(6));
    EXPECT_EQ(answer.ok() ? answer.value() : "", i == 2 ? "served" : "");
  }
  server.Close();
  co_await server.WaitClosed();
  EXPECT_THAT(reports, ElementsAre("plain", "coroutine"));
}

LOOP_TEST(ThrowingHandlerTest, OfASignalIsReportedAndTheNextRuns) {
  std::vector<std::string> reports;
  EventLoop& loop = EventLoop::Current();
  loop.SetExceptionHandler(
      [&](const ExceptionContext& report) { reports.push_back(detent_testing::DescribeEnd(report.exception)); });
  int calls = 0;
  loop.AddSignalHandler(SIGUSR1, [&] {
    if (++calls == 1) throw std::runtime_error("signal");
  });
  for (int i = 1; i <= 2; ++i) {
    RaiseSignal(SIGUSR1);
    while (calls < i) co_await Yield();
  }
  EXPECT_THAT(reports, ElementsAre("signal"));
  EXPECT_TRUE(loop.RemoveSignalHandler(SIGUSR1));
}

TEST(ThrowingHandlerTest, OfADescriptorIsReportedAndCalledAgain) {
  std::vector<std::string> reports;
  EpollLoop loop;
  loop.SetExceptionHandler(
      [&](const ExceptionContext& report) { reports.push_back(detent_testing::DescribeEnd(report.exception)); });
  loop.Run([&]() -> Coro<> {
    int ends[2];
    CO_ASSERT_EQ(pipe(ends), 0);
    CO_ASSERT_EQ(write(ends[1], "x", 1), 1);
    int calls = 0;
    loop.AddReader(ends[0], [&] {
      if (++calls == 1) throw std::runtime_error("reader");
      loop.RemoveReader(ends[0]);
    });
    while (calls < 2) co_await Yield();
    co_await WaitReadable(ends[0]);
    close(ends[0]);
    close(ends[1]);
  });
  EXPECT_THAT(reports, ElementsAre("reader"));
}

// From another thread: the real loop only.
TEST(ThrowingHandlerTest, OfAnotherThreadIsReportedAndTheNextRuns) {
  std::vector<std::string> reports;
  EpollLoop loop;
  loop.SetExceptionHandler(
      [&](const ExceptionContext& report) { reports.push_back(detent_testing::DescribeEnd(report.exception)); });
  loop.Run([&]() -> Coro<> {
    bool ran = false;
    std::thread thread([&] {
      loop.CallSoonThreadsafe([] { throw std::runtime_error("posted"); });
      loop.CallSoonThreadsafe([&] { ran = true; });
    });
    while (!ran) co_await Sleep(absl::Milliseconds(1));
    thread.join();
  });
  EXPECT_THAT(reports, ElementsAre("posted"));
}

// A generator's body: who asked gets it, and whoever asks again is told that there is no more.
LOOP_TEST(ThrowingHandlerTest, OfAGeneratorEndsIt) {
  auto generate = []() -> AsyncGenerator<int> {
    co_yield 1;
    throw std::runtime_error("generator");
  };
  AsyncGenerator<int> numbers = generate();
  EXPECT_EQ(co_await numbers.Next(), 1);
  bool threw = false;
  try {
    (void)co_await numbers.Next();
  } catch (const std::runtime_error&) {
    threw = true;
  }
  EXPECT_TRUE(threw);
  EXPECT_EQ(co_await numbers.Next(), std::nullopt);
}

}  // namespace
}  // namespace detent
