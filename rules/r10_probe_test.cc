// SPDX-License-Identifier: Apache-2.0
//
// Rule R10: what g++ 12 gets wrong about temporaries inside co_await expressions, and that our types are not among it.
//
// g++ 12 copies bitwise, and destroys twice, a temporary of aggregate or closure type that has a member with a
// destructor, if it is made inside a full expression that contains co_await. Types with a user-declared constructor are
// safe. This probe runs on every compiler: it counts the constructions and destructions of a member.
#include <cstdio>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/io/net.h"
#include "detent/sim/sim.h"
#include "detent/testing/options.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

// Counts how often it is made and destroyed.
class Counted {
 public:
  Counted() { ++made; }
  Counted(const Counted&) { ++made; }
  Counted(Counted&&) noexcept { ++made; }
  ~Counted() { ++destroyed; }

  static int made, destroyed;
};
int Counted::made = 0;
int Counted::destroyed = 0;

struct Aggregate {
  Counted member;
};

class WithConstructor {
 public:
  explicit WithConstructor(Counted counted) : member(std::move(counted)) {}
  Counted member;
};

template <typename T>
Coro<> Take(T value) {
  (void)value;
  co_await Yield();
}

template <typename F>
bool IsBalanced(F body) {
  Counted::made = Counted::destroyed = 0;
  sim::SimLoop loop({.strategy = sim::Fifo()});
  loop.Run(body());
  return Counted::made == Counted::destroyed;
}

Coro<> TakesAnAggregate() { co_await Take(Aggregate{Counted()}); }
Coro<> TakesAClosure() {
  Counted counted;
  co_await Take([counted] { (void)counted; });
}
Coro<> TakesAClass() { co_await Take(WithConstructor(Counted())); }
Coro<> TakesANamedAggregate() {
  Aggregate aggregate;
  co_await Take(std::move(aggregate));
}
Coro<> TakesANamedClosure() {
  Counted counted;
  auto body = [counted](Timeout&) -> Coro<> {
    (void)counted;
    co_await Yield();
  };
  co_await WithTimeout(absl::Seconds(1), body);
  co_await WithTimeout(absl::Seconds(1), Named(std::move(body)));
}
Coro<> SpawnsAClosureOutsideOfAnAwait() {
  Counted counted;
  Task<> task = Spawn([counted]() -> Coro<> {
    (void)counted;
    co_await Yield();
  });
  co_await task;
}

TEST(ProbeTest, OurWaysAreBalancedOnEveryCompiler) {
  EXPECT_TRUE(IsBalanced(TakesAClass));
  EXPECT_TRUE(IsBalanced(TakesANamedAggregate));
  EXPECT_TRUE(IsBalanced(TakesANamedClosure));
  EXPECT_TRUE(IsBalanced(SpawnsAClosureOutsideOfAnAwait));
}

// If this fails on a new g++, kDestroysClosuresTwice in runtime/closure.h can name the version that is right.
TEST(ProbeTest, TheDefectIsWhereWeSayItIs) {
  const bool aggregate = IsBalanced(TakesAnAggregate);
  const bool closure = IsBalanced(TakesAClosure);
  if (internal::kDestroysClosuresTwice) {
    std::printf("this compiler destroys a temporary twice: aggregate %s, closure %s\n", aggregate ? "no" : "yes",
                closure ? "no" : "yes");
    EXPECT_FALSE(aggregate && closure);
  } else {
    EXPECT_TRUE(aggregate);
    EXPECT_TRUE(closure);
  }
}

TEST(ProbeTest, AnAwaitedResultIsDestroyedOnce) {
  EXPECT_TRUE(IsBalanced([]() -> Coro<> {
    auto give = []() -> Coro<Counted> { co_return Counted(); };
    (void)co_await give();
    (void)co_await Spawn(give());
    (void)co_await Settle(give());
    (void)co_await Catch(Spawn(give()));
    (void)co_await Gather(give(), give());
    (void)co_await WaitFor(give(), absl::Seconds(1));
    (void)co_await Race(give(), give());
    auto [a, b] = co_await GatherSettled(give(), give());
    Queue<Counted> queue;
    co_await queue.Put(Counted());
    (void)co_await queue.Get();
  }));
}

// A condition with a temporary on both sides is one of the shapes that g++ 12 breaks.
TEST(ProbeTest, AHoldIsReleasedOnce) {
  sim::SimLoop loop({.strategy = sim::Fifo()});
  loop.Run([]() -> Coro<> {
    BoundedSemaphore slots(1);
    {
      auto held = co_await slots.Hold();
    }
    EXPECT_EQ(slots.Value(), 1);
    (void)co_await slots.Hold();
    EXPECT_EQ(slots.Value(), 1);
  });
}

// No aggregate among the types that stand in a co_await expression.
template <typename... T>
constexpr bool kNoAggregates = (!std::is_aggregate_v<T> && ...);

static_assert(kNoAggregates<Coro<>, Coro<int>, Task<>, Task<int>, Future<>, AnyTask, AnyFuture, AsyncGenerator<int>,
                            Outcome<>, Outcome<int>, WaitResult<Task<>>, Held<Lock>, CallbackHandle, Connection,
                            Listener, ExceptionContext, LoopTime, CancelledError>);
static_assert(kNoAggregates<
              decltype(Yield()), decltype(Sleep(absl::Duration())), decltype(SleepUntil(LoopTime())),
              decltype(std::declval<Lock&>().Acquire()), decltype(std::declval<Lock&>().Hold()),
              decltype(std::declval<Event&>().Wait()), decltype(std::declval<Semaphore&>().Acquire()),
              decltype(std::declval<Queue<int>&>().Put(1)), decltype(std::declval<Queue<int>&>().Get()),
              decltype(std::declval<Queue<int>&>().Join()), decltype(std::declval<AsyncGenerator<int>&>().Next()),
              decltype(std::declval<Shared<int>&>().Load()), decltype(std::declval<Shared<int>&>().Store(1)),
              decltype(Wait(std::vector<Task<>>(), ReturnWhen::kAllCompleted)),
              decltype(Settle(std::declval<Task<>>())), decltype(Catch(std::declval<Coro<>>())),
              decltype(Propagate(Outcome<>())), decltype(std::declval<Coro<>>().IntoAwaiter()),
              decltype(std::declval<Task<>>().IntoAwaiter()), decltype(std::declval<const Task<int>&>().IntoAwaiter()),
              internal::FinalAwaiter, internal::Awaiter<internal::YieldOperation&>>);

// Options may be made in braces inside a co_await expression: nothing to destroy, nothing to destroy twice.
static_assert(std::is_trivially_destructible_v<SpawnOptions> && std::is_trivially_destructible_v<sim::Options> &&
              std::is_trivially_destructible_v<ListenOptions> &&
              std::is_trivially_destructible_v<detent_testing::Options>);

// g++ 12 shifts the frame of each of these by a word: see shifted_frame.h.
Coro<int> Give(int value) {
  co_await Yield();
  co_return value;
}
Coro<std::string> If(std::string text) {
  if (co_await Give(1) != 0) co_await Yield();
  co_return text;
}
Coro<std::string> IfElse(std::string text) {
  if (co_await Give(0)) {
    co_return "wrong";
  } else {
    co_await Yield();
  }
  co_return text;
}
Coro<std::string> While(std::string text) {
  while (co_await Give(static_cast<int>(text.size())) < 10) text += "x";
  co_return text;
}
Coro<std::string> Switch(std::string text) {
  switch (co_await Give(3)) {
    case 3:
      co_return text;
  }
  co_return "wrong";
}
Coro<std::string> Comma(std::string text) {
  if ((co_await Yield(), text.empty())) co_return "wrong";
  co_return text;
}
Coro<std::string> Throws(std::string text) {
  if (co_await Give(1) == 1) throw std::runtime_error(text);
  co_return "wrong";
}
AsyncGenerator<int> Generate(int n) {
  if (co_await Give(1) == 1) co_yield n;
  while (co_await Give(0) == 1) co_yield 0;
}

TEST(ProbeTest, ConditionsMayAwaitInFunctionsWithoutVariables) {
  sim::SimLoop loop({.strategy = sim::Fifo()});
  loop.Run([]() -> Coro<> {
    EXPECT_EQ(co_await If("0123456789abcdefghij"), "0123456789abcdefghij");
    EXPECT_EQ(co_await IfElse("0123456789abcdefghij"), "0123456789abcdefghij");
    EXPECT_EQ(co_await While("0"), "0xxxxxxxxx");
    EXPECT_EQ(co_await Switch("0123456789abcdefghij"), "0123456789abcdefghij");
    EXPECT_EQ(co_await Comma("0123456789abcdefghij"), "0123456789abcdefghij");
    const Outcome<std::string> thrown = co_await Settle(Throws("0123456789abcdefghij"));
    EXPECT_FALSE(thrown.ok());
    auto numbers = Generate(7);
    EXPECT_EQ(co_await numbers.Next(), 7);
    EXPECT_EQ(co_await numbers.Next(), std::nullopt);

    // Cancelled both ways.
    for (const Unwind unwind : {Unwind::kThrow, Unwind::kDestroy}) {
      Task<std::string> task = Spawn(If("0123456789abcdefghij"), {.unwind = unwind});
      co_await Yield();
      task.Cancel();
      EXPECT_TRUE((co_await Settle(task)).cancelled());
    }
  });
}

}  // namespace
}  // namespace detent
