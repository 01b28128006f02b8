// SPDX-License-Identifier: Apache-2.0
//
// TestLoop: the fixture of tests that run in asyncio's order on virtual time; and the coroutines that tests share.
//
//   class GatherTest : public detent_testing::TestLoop {};
//
//   TEST_F(GatherTest, TheFirstErrorEndsItAtOnce) {
//     Run([&]() -> Coro<> {
//       EXPECT_EQ(co_await EndOf(Gather(After(30, 1), FailAfter(10, "first"), FailAfter(20, "late"))), "first");
//       EXPECT_EQ(Now(), absl::Milliseconds(10));
//     });
//     EXPECT_THAT(reports_, IsEmpty());
//   }
//
// A fixture with verbs of its own subject derives from it and adds them.
#ifndef DETENT_TESTING_TEST_LOOP_H_
#define DETENT_TESTING_TEST_LOOP_H_

#include <exception>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/outcome.h"
#include "detent/runtime/sleep.h"
#include "detent/sim/sim_loop.h"
#include "detent/sim/strategy/fifo.h"
#include "gtest/gtest.h"

namespace detent_testing {

// A simulated loop in the real loop's order, what it reports, and a log for the tasks.
class TestLoop : public ::testing::Test {
 protected:
  TestLoop() : loop_(std::make_unique<detent::sim::SimLoop>(detent::sim::Options{.strategy = detent::sim::Fifo()})) {
    loop_->SetExceptionHandler(
        [this](const detent::ExceptionContext& report) { reports_.push_back(report.ToString()); });
  }

  // Runs `body`, a Coro or a function that gives one, and gives its result.
  template <typename F>
  auto Run(F body, std::source_location where = std::source_location::current()) {
    return loop_->Run(std::move(body), where);
  }
  // Ends the loop with whatever is pending. What that reports is in reports_.
  void DestroyLoop() { loop_ = nullptr; }
  void Note(std::string what) { log_.push_back(std::move(what)); }
  // How long the loop has run.
  static absl::Duration Now() { return detent::EventLoop::Current().Time() - detent::LoopTime(); }

  std::vector<std::string> reports_;
  std::vector<std::string> log_;
  std::unique_ptr<detent::sim::SimLoop> loop_;
};

inline detent::Coro<int> After(int ms, int value) {
  co_await detent::Sleep(absl::Milliseconds(ms));
  co_return value;
}

inline detent::Coro<int> FailAfter(int ms, const char* what) {
  co_await detent::Sleep(absl::Milliseconds(ms));
  throw std::runtime_error(what);
}

// Ends only by a cancellation.
template <typename T = void>
detent::Coro<T> Forever() {
  co_await detent::Sleep(absl::InfiniteDuration());
  throw std::logic_error("an infinite sleep ended");
}

// "value" for no error, "cancelled", "timeout", "[a [b c]]" for groups, "int 42", or the text of another error.
inline std::string DescribeEnd(const std::exception_ptr& error) {
  try {
    if (error != nullptr) std::rethrow_exception(error);
  } catch (const detent::CancelledError&) {
    return "cancelled";
  } catch (const detent::TimeoutError&) {
    return "timeout";
  } catch (const detent::ExceptionGroup& group) {
    std::string text;
    for (const std::exception_ptr& e : group.Exceptions()) text += (text.empty() ? "" : " ") + DescribeEnd(e);
    return "[" + text + "]";
  } catch (const std::exception& e) {
    return e.what();
  } catch (int number) {
    return "int " + std::to_string(number);
  }
  return "value";
}

// How `awaitable` ends, in the words of DescribeEnd().
template <typename A>
detent::Coro<std::string> EndOf(A awaitable) {
  const auto outcome = co_await detent::Settle(std::move(awaitable));
  co_return DescribeEnd(outcome.exception());
}

}  // namespace detent_testing

#endif  // DETENT_TESTING_TEST_LOOP_H_
