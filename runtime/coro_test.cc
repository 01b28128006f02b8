// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/coro.h"

#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Log = std::vector<std::string>;

class CoroTest : public detent_testing::TestLoop {};

Coro<int> One() { co_return 1; }

TEST_F(CoroTest, CallingRunsNothingAndAwaitingIsACall) {
  Run([&]() -> Coro<> {
    auto body = [&]() -> Coro<int> {
      Note("body");
      co_return 1;
    };
    EventLoop::Current().CallSoon([&] { Note("another step"); });
    Coro<int> coro = body();
    EXPECT_THAT(log_, IsEmpty());
    EXPECT_EQ(co_await std::move(coro), 1);
    EXPECT_THAT(log_, ElementsAre("body"));
  });
}

// Counts the ends of what it was moved to, and looks at the Coro for which it is an argument.
class LooksBack {
 public:
  LooksBack(Coro<>& coro, Log& log) : coro_(&coro), log_(log) {}
  LooksBack(LooksBack&& other) noexcept : coro_(std::exchange(other.coro_, nullptr)), log_(other.log_) {}
  ~LooksBack() {
    if (coro_ == nullptr) return;
    log_.push_back(*coro_ ? "gone, but the Coro is full" : "gone");
    coro_->Close();
  }

 private:
  Coro<>* coro_;
  Log& log_;
};

Coro<> Keep(LooksBack argument) {
  (void)argument;
  co_return;
}

// Regression: whoever closed it meanwhile destroyed it a second time.
TEST_F(CoroTest, ACoroThatIsDroppedIsEmptyBeforeAnybodyCanLook) {
  Coro<> coro;
  loop_->SetExceptionHandler([&](const ExceptionContext&) {
    Note(coro ? "reported, but the Coro is full" : "reported");
    coro.Close();
  });
  Run([&]() -> Coro<> {
    coro = Keep(LooksBack(coro, log_));
    coro = Coro<>();
    co_return;
  });
  EXPECT_THAT(log_, ElementsAre("reported", "gone"));
}

TEST_F(CoroTest, ACoroIsAwaitedOnce) {
  Run([&]() -> Coro<> {
    Coro<int> coro = One();
    EXPECT_TRUE(coro);
    EXPECT_EQ(co_await std::move(coro), 1);
    EXPECT_FALSE(coro);
    EXPECT_THROW(co_await std::move(coro), InvalidStateError);
    EXPECT_THROW(Spawn(std::move(coro)), InvalidStateError);
    EXPECT_THROW(co_await Coro<int>(), InvalidStateError);
  });
}

TEST_F(CoroTest, ADroppedCoroIsReported) {
  Run([&]() -> Coro<> {
    {
      Coro<int> dropped = One();
    }
    Coro<int> overwritten = One();
    overwritten = One();
    overwritten.Close();  // Deliberately.
    co_return;
  });
  ASSERT_EQ(reports_.size(), 2u);
  for (const std::string& report : reports_) {
    EXPECT_THAT(report, HasSubstr("was never awaited"));
    EXPECT_THAT(report, HasSubstr("coro_test.cc"));
  }
}

Coro<std::string&> Choose(bool first, std::string& a, std::string& b) {
  co_await Yield();
  co_return first ? a : b;
}

TEST_F(CoroTest, AReferenceComesThroughAsItIs) {
  Run([&]() -> Coro<> {
    std::string a = "a", b = "b";
    std::string& chosen = co_await Choose(false, a, b);
    EXPECT_EQ(&chosen, &b);
    (co_await Choose(true, a, b)) += "!";
    EXPECT_EQ(a, "a!");
  });
}

Coro<std::unique_ptr<int>> MakeBox(int n) { co_return std::make_unique<int>(n); }

TEST_F(CoroTest, MoveOnlyResultsAndParametersMoveThrough) {
  Run([&]() -> Coro<> {
    auto pass = [](std::unique_ptr<int> box) -> Coro<std::unique_ptr<int>> {
      co_await Yield();
      co_return box;
    };
    std::unique_ptr<int> box = co_await pass(co_await MakeBox(7));
    EXPECT_EQ(*box, 7);
  });
}

// Pooled had a placement operator new(size_t, void*), which a coroutine with one pointer as its parameter
// took for its allocator: the frame was written over whatever the pointer pointed to.
Coro<uintptr_t> AddressOf(void* memory) {
  co_await Yield();
  co_return reinterpret_cast<uintptr_t>(memory);
}
Coro<int> Sum(const std::array<int, 64>* numbers) {
  int sum = 0;
  for (const int n : *numbers) sum += n;
  co_return sum;
}

TEST_F(CoroTest, ACoroutineWithASinglePointerParameterLeavesThePointeeAlone) {
  std::array<int, 64> numbers;
  numbers.fill(1);
  Run([&]() -> Coro<> {
    EXPECT_EQ(co_await AddressOf(numbers.data()), reinterpret_cast<uintptr_t>(numbers.data()));
    EXPECT_EQ(co_await Sum(&numbers), 64);
  });
  EXPECT_THAT(numbers, ::testing::Each(1));
}

Coro<int> Throw(int depth) {
  if (depth == 0) throw std::out_of_range("deep");
  co_await Yield();
  co_return co_await Throw(depth - 1);
}

TEST_F(CoroTest, AnExceptionLeavesTheWholeChain) {
  Run([&]() -> Coro<> {
    try {
      (void)co_await Throw(10);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::out_of_range& e) {
      EXPECT_STREQ(e.what(), "deep");
    }
    EXPECT_EQ(co_await One(), 1);  // The task is none the worse.
  });
}

TEST_F(CoroTest, AnExceptionOfAnyTypeComesThrough) {
  Run([&]() -> Coro<> {
    auto raise = []() -> Coro<> {
      co_await Yield();
      throw 42;
    };
    try {
      co_await raise();
      ADD_FAILURE() << "nothing was thrown";
    } catch (int n) {
      EXPECT_EQ(n, 42);
    }
    auto cancelled = []() -> Coro<> {
      co_await Yield();
      throw CancelledError();
    };
    EXPECT_THROW(co_await cancelled(), CancelledError);
    Task<> task = Spawn(cancelled());
    EXPECT_TRUE((co_await Settle(task)).cancelled());
  });
}

Coro<int64_t> Depth(int64_t n) {
  if (n == 0) co_return 0;
  co_return 1 + co_await Depth(n - 1);
}

TEST_F(CoroTest, AChainMayBeDeeperThanTheStackAllows) { EXPECT_EQ(Run(Depth(100000)), 100000); }

TEST_F(CoroTest, ALoopThatAwaitsReadyThingsDoesNotGrowTheStack) {
  EXPECT_EQ(Run([]() -> Coro<int> {
              int sum = 0;
              for (int i = 0; i < 200000; ++i) sum += co_await One();
              co_return sum;
            }),
            200000);
}

// Notes when it is destroyed.
class Noting {
 public:
  Noting(Log& log, std::string name) : log_(&log), name_(std::move(name)) {}
  Noting(Noting&& other) noexcept : log_(std::exchange(other.log_, nullptr)), name_(std::move(other.name_)) {}
  ~Noting() {
    if (log_ != nullptr) log_->push_back(name_);
  }

 private:
  Log* log_;
  std::string name_;
};

TEST_F(CoroTest, ParametersLiveUntilTheResultIsTaken) {
  Run([&]() -> Coro<> {
    auto body = [&](Noting) -> Coro<> {
      Noting local(log_, "local");
      co_await Yield();
      Note("end");
    };
    Noting parameter(log_, "parameter");
    co_await body(std::move(parameter));
    Note("after");
  });
  EXPECT_THAT(log_, ElementsAre("end", "local", "parameter", "after"));
}

TEST_F(CoroTest, ADroppedCoroDestroysItsParameters) {
  auto body = [&](Noting) -> Coro<> {
    Note("ran");
    co_return;
  };
  Coro<> coro = body(Noting(log_, "parameter"));
  coro.Close();
  EXPECT_THAT(log_, ElementsAre("parameter"));
}

// A cancellation is thrown at the innermost await; everyone on the way may clean up.
TEST_F(CoroTest, ACancellationUnwindsTheWholeChain) {
  Run([&]() -> Coro<> {
    auto inner = [&]() -> Coro<> {
      Noting noting(log_, "inner");
      co_await Sleep(absl::Hours(1));
    };
    auto outer = [&]() -> Coro<> {
      Noting noting(log_, "outer");
      try {
        co_await inner();
      } catch (const CancelledError&) {
        Note("caught");
        throw;
      }
    };
    Task<> task = Spawn(outer());
    co_await Yield();
    task.Cancel();
    EXPECT_TRUE((co_await Settle(task)).cancelled());
  });
  EXPECT_THAT(log_, ElementsAre("inner", "caught", "outer"));
}

// The frames of a chain are destroyed with their loop wherever it stands.
TEST_F(CoroTest, ALoopThatEndsDestroysASuspendedChain) {
  Run([&]() -> Coro<> {
    auto inner = [](Log& log) -> Coro<> {
      Noting noting(log, "inner");
      co_await Sleep(absl::Hours(1));
    };
    auto outer = [](Log& log, auto next) -> Coro<> {
      Noting noting(log, "outer");
      co_await next(log);
    };
    Spawn(outer(log_, inner));
    co_await Yield();
  });
  DestroyLoop();
  EXPECT_THAT(log_, ElementsAre("inner", "outer"));
}

class ThrowsAtTheEnd {
 public:
  ThrowsAtTheEnd() {}
  ~ThrowsAtTheEnd() noexcept(false) { throw std::runtime_error("in a destructor"); }
};

// Regression: the value that had been returned was leaked.
TEST_F(CoroTest, AnErrorAfterTheReturnDisplacesTheValue) {
  auto alive = std::make_shared<int>();
  Run([&]() -> Coro<> {
    auto body = [&]() -> Coro<std::shared_ptr<int>> {
      ThrowsAtTheEnd local;
      co_return alive;
    };
    const auto outcome = co_await Settle(body());
    EXPECT_EQ(internal::DescribeException(outcome.exception()), "in a destructor");
  });
  EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
}  // namespace detent
