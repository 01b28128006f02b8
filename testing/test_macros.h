// SPDX-License-Identifier: Apache-2.0
//
// SIM_TEST, SIM_TEST_F, SIM_TEST_P, LOOP_TEST, LOOP_TEST_F, LOOP_TEST_P: GoogleTest tests whose body is a coroutine.
//
//   SIM_TEST(BankTest, TransfersKeepTheSum) {
//     Bank bank;
//     co_await Gather(bank.Transfer(0, 1, 10), bank.Transfer(1, 0, 5));
//     EXPECT_EQ(bank.Sum(), 200);
//   }
//
// SIM_TEST runs its body under many schedules on a simulated loop (100 unless told otherwise; the first is the order of
// the real loop) and stops at the first that fails: then it prints GoogleTest's own failure, the seed, and the command
// that replays it. What fails a schedule besides assertions: see Explore().
//
// SIM_TEST_F takes a fixture, which is made, set up, torn down and destroyed once for every schedule, inside that
// schedule's loop. SetUpTestSuite() runs once for all, as always. SIM_TEST_P takes one that derives from
// testing::TestWithParam<T>, for INSTANTIATE_TEST_SUITE_P().
//
// LOOP_TEST runs its body as SIM_TEST does, then once on the real loop.
//
// Settings, each as an environment variable that works with any main(), or as a flag with detent's own main
// (//testing:test_main):
//   DETENT_SCHEDULES,   --detent_schedules     how many schedules, 1 to 1000000000
//   DETENT_SEED,        --detent_seed          the seed, 0 to 18446744073709551615
//   DETENT_STRATEGY,    --detent_strategy      portfolio (the default), random, pct:3, pos, surw, round-robin, delay:2,
//                                              fifo, exhaustive
//   DETENT_TIME,        --detent_time          search so long (10m) instead of so many schedules
//   DETENT_JOBS,        --detent_jobs          in so many processes, 1 to 256
//   DETENT_STEPS,       --detent_steps         the limit of steps of a schedule, 1 to 1000000000000
//   DETENT_SLIP,        --detent_slip          how far the clock may slip past work that is ready (sim::Options::slip_max)
//   DETENT_FOOTPRINT,   --detent_footprint     `declared` or `anything` (sim::Options::footprint)
//   DETENT_SHRINK_TIME, --detent_shrink_time   how long to shrink a failing schedule, 5s; 0 leaves it as found
//   DETENT_REPORT,      --detent_report        a file for the whole interleaving of a failing schedule
//   DETENT_LOG,         --detent_log           a file that gets a line for each schedule: test, number, fingerprint, verdict
//   DETENT_REPLAY,      --detent_replay        a tape, or a file with one: runs that one schedule
//
// Shards (bazel test's shard_count, GTEST_TOTAL_SHARDS) divide the schedules with detent's own main, the tests with any
// other; --runs_per_test lets each run search other schedules. What Sometimes<> expects may happen in another shard: a
// shard only says what it did not see.
#ifndef DETENT_TESTING_TEST_MACROS_H_
#define DETENT_TESTING_TEST_MACROS_H_

#include <memory>
#include <utility>

#include "detent/runtime/coro.h"
#include "detent/runtime/outcome.h"
#include "detent/testing/explore.h"
#include "detent/testing/registry.h"
#include "gtest/gtest.h"

namespace detent_testing::internal {

enum class Loops : bool { kSimulatedOnly, kRealAndSimulated };

// What GoogleTest runs: explores a body.
class ExploringTest : public ::testing::Test {
 public:
  ExploringTest(Loops loops, detent::Coro<> (*body)()) : loops_(loops), body_(body) {}

 private:
  void TestBody() override;

  const Loops loops_;
  detent::Coro<> (*const body_)();
};

class ExploringTestFactory final : public ::testing::internal::TestFactoryBase {
 public:
  ExploringTestFactory(Loops loops, detent::Coro<> (*body)()) : loops_(loops), body_(body) {}
  ::testing::Test* CreateTest() override { return new ExploringTest(loops_, body_); }

 private:
  const Loops loops_;
  detent::Coro<> (*const body_)();
};

// Whether SetUp() wants the body left out.
bool SkipsBody();

// Test classes mostly live in unnamed namespaces, and so does what is instantiated with them.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

// One schedule: the fixture's whole life.
template <typename TestClass>
detent::Coro<> RunFixture() {
  auto test = std::make_unique<TestClass>();
  detent::Outcome<> outcome = detent::Outcome<>::Value();
  test->DetentSetUp();
  if (!SkipsBody()) {
    outcome = co_await Catch(test->DetentBody());
    co_await CancelOtherTasks();  // They may use the fixture.
  }
  test->DetentTearDown();
  test = nullptr;
  if (!outcome.ok()) co_await Propagate(std::move(outcome));
}

template <typename Fixture, typename TestClass>
bool RegisterTest(const char* suite, const char* name, const char* file, int line, Loops loops) {
  const auto set_up_suite = ::testing::internal::SuiteApiResolver<Fixture>::GetSetUpCaseOrSuite(file, line);
  ::testing::TestInfo* const test = ::testing::internal::MakeAndRegisterTestInfo(
      suite, name, nullptr, nullptr, ::testing::internal::CodeLocation(file, line),
      ::testing::internal::GetTypeId<Fixture>(), set_up_suite,
      ::testing::internal::SuiteApiResolver<Fixture>::GetTearDownCaseOrSuite(file, line),
      new ExploringTestFactory(loops, &RunFixture<TestClass>));
  ExploringTests().push_back(ExploringTestEntry(test, &RunFixture<TestClass>, set_up_suite));
  return true;
}

// What GoogleTest makes for each value of a parameterised test. The fixtures that it explores read the value from where
// GoogleTest puts it for this one.
template <typename TestClass, Loops kLoops>
class ParameterisedExploringTest final : public ExploringTest,
                                         public ::testing::WithParamInterface<typename TestClass::ParamType> {
 public:
  ParameterisedExploringTest() : ExploringTest(kLoops, &RunFixture<TestClass>) {}
};

template <typename Fixture, typename TestClass, Loops kLoops>
bool RegisterParameterisedTest(const char* suite, const char* name, const char* file, int line) {
  const ::testing::internal::CodeLocation place(file, line);
  ::testing::UnitTest::GetInstance()
      ->parameterized_test_registry()
      .GetTestSuitePatternHolder<Fixture>(suite, place)
      ->AddTestPattern(suite, name,
                       new ::testing::internal::TestMetaFactory<ParameterisedExploringTest<TestClass, kLoops>>(), place);
  RememberParameterisedTest(suite, name);
  return true;
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace detent_testing::internal

// A class whose DetentBody() is the body that follows; `registration` is a call that tells GoogleTest of it.
#define DETENT_INTERNAL_TEST_CLASS(suite, name, fixture, registration)                                          \
  static_assert(sizeof(GTEST_STRINGIFY_(suite)) > 1 && sizeof(GTEST_STRINGIFY_(name)) > 1,                      \
                "a test needs a suite and a name");                                                             \
  class GTEST_TEST_CLASS_NAME_(suite, name) : public fixture {                                                  \
   public:                                                                                                      \
    void DetentSetUp() { this->SetUp(); }                                                                       \
    void DetentTearDown() { this->TearDown(); }                                                                 \
    ::detent::Coro<> DetentBody();                                                                              \
                                                                                                                \
   private:                                                                                                     \
    void TestBody() override {}                                                                                 \
    [[maybe_unused]] static const bool detent_is_registered_;                                                   \
  };                                                                                                            \
  const bool GTEST_TEST_CLASS_NAME_(suite, name)::detent_is_registered_ = registration;                         \
  ::detent::Coro<> GTEST_TEST_CLASS_NAME_(suite, name)::DetentBody()

#define DETENT_INTERNAL_TEST(suite, name, fixture, loops)                                                       \
  DETENT_INTERNAL_TEST_CLASS(                                                                                   \
      suite, name, fixture,                                                                                     \
      (::detent_testing::internal::RegisterTest<fixture, GTEST_TEST_CLASS_NAME_(suite, name)>(                  \
          GTEST_STRINGIFY_(suite), GTEST_STRINGIFY_(name), __FILE__, __LINE__,                                  \
          ::detent_testing::internal::Loops::loops)))

#define DETENT_INTERNAL_TEST_P(fixture, name, loops)                                                            \
  DETENT_INTERNAL_TEST_CLASS(                                                                                   \
      fixture, name, fixture,                                                                                   \
      (::detent_testing::internal::RegisterParameterisedTest<                                                   \
          fixture, GTEST_TEST_CLASS_NAME_(fixture, name), ::detent_testing::internal::Loops::loops>(            \
          GTEST_STRINGIFY_(fixture), GTEST_STRINGIFY_(name), __FILE__, __LINE__)))

#define SIM_TEST(suite, name) DETENT_INTERNAL_TEST(suite, name, ::testing::Test, kSimulatedOnly)
#define SIM_TEST_F(fixture, name) DETENT_INTERNAL_TEST(fixture, name, fixture, kSimulatedOnly)
#define SIM_TEST_P(fixture, name) DETENT_INTERNAL_TEST_P(fixture, name, kSimulatedOnly)
#define LOOP_TEST(suite, name) DETENT_INTERNAL_TEST(suite, name, ::testing::Test, kRealAndSimulated)
#define LOOP_TEST_F(fixture, name) DETENT_INTERNAL_TEST(fixture, name, fixture, kRealAndSimulated)
#define LOOP_TEST_P(fixture, name) DETENT_INTERNAL_TEST_P(fixture, name, kRealAndSimulated)

#endif  // DETENT_TESTING_TEST_MACROS_H_
