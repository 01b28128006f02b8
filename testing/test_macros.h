// SPDX-License-Identifier: Apache-2.0
//
// SIM_TEST, SIM_TEST_F, SIM_TEST_P, TYPED_SIM_TEST, LOOP_TEST, LOOP_TEST_F, LOOP_TEST_P, TYPED_LOOP_TEST: GoogleTest
// tests whose body is a coroutine.
//
//   SIM_TEST(BankTest, TransfersKeepTheSum) {
//     Bank bank;
//     co_await Gather(bank.Transfer(0, 1, 10), bank.Transfer(1, 0, 5));
//     EXPECT_EQ(bank.Sum(), 200);
//   }
//
// SIM_TEST runs its body under many schedules on a simulated loop (100 unless told otherwise; the first is the order of
// the real loop) and stops at the first that fails: then it prints GoogleTest's own failure, the seed, and the command
// that replays it. If none does it says how many of them were different. What fails a schedule besides assertions: see
// Explore().
//
// SIM_TEST_F takes a fixture, which is made, set up, torn down and destroyed once for every schedule, inside that
// schedule's loop. SetUpTestSuite() runs once for all, as always. SIM_TEST_P takes one that derives from
// testing::TestWithParam<T>, for INSTANTIATE_TEST_SUITE_P(). TYPED_SIM_TEST takes a fixture template that
// TYPED_TEST_SUITE() has given its types; in the body TypeParam is the type, and the fixture's members need a `this->`.
//
// LOOP_TEST runs its body as SIM_TEST does, then once on the real loop. With {.fifo_only = true} the simulated run is
// one, in the real loop's order: for a test of that very order.
//
// A test may say how it wants to be explored; test_settings.h has what it can say:
//
//   SIM_TEST(BankTest, SurvivesATimeOut, {.schedules = 1000, .slip_max = absl::Seconds(1)}) { ... }
//
// Settings from outside count before that: as environment variables with any main(), as flags with detent's own
// (//testing:test_main), whose --help lists them; so does docs/exploring.md.
//
//   DETENT_SCHEDULES=100000 ./bank_test
//   ./bank_test --detent_time=10m --detent_jobs=4
//
// Shards (bazel test's shard_count, GTEST_TOTAL_SHARDS) divide the schedules with detent's own main, the tests with any
// other; --runs_per_test lets each run search other schedules. What Sometimes<> expects may happen in another shard: a
// shard only says what it did not see.
#ifndef DETENT_TESTING_TEST_MACROS_H_
#define DETENT_TESTING_TEST_MACROS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "detent/runtime/coro.h"
#include "detent/runtime/outcome.h"
#include "detent/testing/explore.h"
#include "detent/testing/exploring_tests.h"
#include "detent/testing/test_body.h"
#include "detent/testing/test_settings.h"
#include "gtest/gtest.h"

namespace detent_testing::internal {

enum class Loops : bool { kSimulatedOnly, kRealAndSimulated };

// What GoogleTest runs: explores a body.
class ExploringTest : public ::testing::Test {
 public:
  ExploringTest(Loops loops, detent::Coro<> (*body)(), TestSettings (*settings)())
      : loops_(loops), body_(body), settings_(settings) {}

 private:
  void TestBody() override;

  const Loops loops_;
  detent::Coro<> (*const body_)();
  TestSettings (*const settings_)();
};

class ExploringTestFactory final : public ::testing::internal::TestFactoryBase {
 public:
  ExploringTestFactory(Loops loops, detent::Coro<> (*body)(), TestSettings (*settings)())
      : loops_(loops), body_(body), settings_(settings) {}
  ::testing::Test* CreateTest() override { return new ExploringTest(loops_, body_, settings_); }

 private:
  const Loops loops_;
  detent::Coro<> (*const body_)();
  TestSettings (*const settings_)();
};

// The last argument of a test's macro, if there is one.
inline TestSettings SettingsOf(const TestSettings& settings = {}) { return settings; }

// Whether SetUp() wants the body left out.
bool SkipsBody();

// Test classes mostly live in unnamed namespaces, and so does what is instantiated with them.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

// A fixture, which is torn down also when the coroutine in which it is never ends.
template <typename TestClass>
class FixtureLife {
 public:
  FixtureLife() : test_(std::make_unique<TestClass>()) {}
  FixtureLife(const FixtureLife&) = delete;
  FixtureLife& operator=(const FixtureLife&) = delete;
  ~FixtureLife() {
    try {
      TearDown();
    } catch (...) {  // Something else has failed before.
    }
  }
  TestClass& SetUp() {
    test_->DetentSetUp();
    is_set_up_ = true;
    return *test_;
  }
  void TearDown() {
    if (std::exchange(is_set_up_, false)) test_->DetentTearDown();
    test_ = nullptr;
  }

 private:
  std::unique_ptr<TestClass> test_;
  bool is_set_up_ = false;
};

// One schedule: the fixture's whole life.
template <typename TestClass>
detent::Coro<> RunFixture() {
  FixtureLife<TestClass> fixture;
  TestClass& test = fixture.SetUp();
  detent::Outcome<> outcome = detent::Outcome<>::Value();
  const auto make_body = [&test] { return test.DetentBody(); };
  if (!SkipsBody()) outcome = co_await RunTestBody(make_body);  // What it leaves may use the fixture.
  fixture.TearDown();
  if (!outcome.ok()) co_await Propagate(std::move(outcome));
}

template <typename Fixture, typename TestClass>
bool RegisterTest(const char* suite, const char* name, const char* file, int line, Loops loops,
                  const char* type = nullptr) {
  const auto set_up_suite = ::testing::internal::SuiteApiResolver<Fixture>::GetSetUpCaseOrSuite(file, line);
  ::testing::TestInfo* const test = ::testing::internal::MakeAndRegisterTestInfo(
      suite, name, type, nullptr, ::testing::internal::CodeLocation(file, line),
      ::testing::internal::GetTypeId<Fixture>(), set_up_suite,
      ::testing::internal::SuiteApiResolver<Fixture>::GetTearDownCaseOrSuite(file, line),
      new ExploringTestFactory(loops, &RunFixture<TestClass>, &TestClass::DetentSettings));
  ExploringTests().push_back(
      ExploringTestEntry(test, &RunFixture<TestClass>, &TestClass::DetentSettings, set_up_suite));
  return true;
}

// For each of the types that TYPED_TEST_SUITE() gave `Fixture`, called as GoogleTest calls those of a TYPED_TEST.
template <template <typename> class Fixture, template <typename> class TestClass, typename Types>
bool RegisterTypedTest(const char* suite, const char* name, const char* file, int line, Loops loops,
                       const std::vector<std::string>& type_names, size_t index = 0) {
  using Type = typename Types::Head;
  const std::string suite_of_type = std::string(suite) + "/" + type_names[index];
  RegisterTest<Fixture<Type>, TestClass<Type>>(suite_of_type.c_str(), name, file, line, loops,
                                               ::testing::internal::GetTypeName<Type>().c_str());
  if constexpr (!std::is_same_v<typename Types::Tail, ::testing::internal::None>) {
    RegisterTypedTest<Fixture, TestClass, typename Types::Tail>(suite, name, file, line, loops, type_names, index + 1);
  }
  return true;
}

// What GoogleTest makes for each value of a parameterised test. The fixtures that it explores read the value from where
// GoogleTest puts it for this one.
template <typename TestClass, Loops kLoops>
class ParameterisedExploringTest final : public ExploringTest,
                                         public ::testing::WithParamInterface<typename TestClass::ParamType> {
 public:
  ParameterisedExploringTest() : ExploringTest(kLoops, &RunFixture<TestClass>, &TestClass::DetentSettings) {}
};

template <typename Fixture, typename TestClass, Loops kLoops>
bool RegisterParameterisedTest(const char* suite, const char* name, const char* file, int line) {
  const ::testing::internal::CodeLocation place(file, line);
  ::testing::UnitTest::GetInstance()
      ->parameterized_test_registry()
      .GetTestSuitePatternHolder<Fixture>(suite, place)
      ->AddTestPattern(suite, name,
                       new ::testing::internal::TestMetaFactory<ParameterisedExploringTest<TestClass, kLoops>>(),
                       place);
  RememberParameterisedTest(suite, name);
  return true;
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace detent_testing::internal

// A class whose DetentBody() is the body that follows; `registration` is a call that tells GoogleTest of it. What
// stands behind are the test's settings, whose commas part them for the preprocessor.
#define DETENT_INTERNAL_TEST_CLASS(suite, name, fixture, registration, ...)                \
  static_assert(sizeof(GTEST_STRINGIFY_(suite)) > 1 && sizeof(GTEST_STRINGIFY_(name)) > 1, \
                "a test needs a suite and a name");                                        \
  class GTEST_TEST_CLASS_NAME_(suite, name) : public fixture {                             \
   public:                                                                                 \
    void DetentSetUp() { this->SetUp(); }                                                  \
    void DetentTearDown() { this->TearDown(); }                                            \
    ::detent::Coro<> DetentBody();                                                         \
    static ::detent_testing::TestSettings DetentSettings() {                               \
      return ::detent_testing::internal::SettingsOf(__VA_ARGS__);                          \
    }                                                                                      \
                                                                                           \
   private:                                                                                \
    void TestBody() override {}                                                            \
    [[maybe_unused]] static const bool detent_is_registered_;                              \
  };                                                                                       \
  const bool GTEST_TEST_CLASS_NAME_(suite, name)::detent_is_registered_ = registration;    \
  ::detent::Coro<> GTEST_TEST_CLASS_NAME_(suite, name)::DetentBody()

#define DETENT_INTERNAL_TEST(suite, name, fixture, loops, ...)                                                        \
  DETENT_INTERNAL_TEST_CLASS(suite, name, fixture,                                                                    \
                             (::detent_testing::internal::RegisterTest<fixture, GTEST_TEST_CLASS_NAME_(suite, name)>( \
                                 GTEST_STRINGIFY_(suite), GTEST_STRINGIFY_(name), __FILE__, __LINE__,                 \
                                 ::detent_testing::internal::Loops::loops)),                                          \
                             __VA_ARGS__)

#define DETENT_INTERNAL_TEST_P(fixture, name, loops, ...)                                                    \
  DETENT_INTERNAL_TEST_CLASS(                                                                                \
      fixture, name, fixture,                                                                                \
      (::detent_testing::internal::RegisterParameterisedTest<fixture, GTEST_TEST_CLASS_NAME_(fixture, name), \
                                                             ::detent_testing::internal::Loops::loops>(      \
          GTEST_STRINGIFY_(fixture), GTEST_STRINGIFY_(name), __FILE__, __LINE__)),                           \
      __VA_ARGS__)

#define DETENT_INTERNAL_TYPED_TEST(suite, name, loops, ...)                                               \
  static_assert(sizeof(GTEST_STRINGIFY_(name)) > 1, "a test needs a name");                               \
  template <typename TypeParam_>                                                                          \
  class GTEST_TEST_CLASS_NAME_(suite, name) : public suite<TypeParam_> {                                  \
   public:                                                                                                \
    using TypeParam = TypeParam_;                                                                         \
    using TestFixture = suite<TypeParam_>;                                                                \
    void DetentSetUp() { this->SetUp(); }                                                                 \
    void DetentTearDown() { this->TearDown(); }                                                           \
    ::detent::Coro<> DetentBody();                                                                        \
    static ::detent_testing::TestSettings DetentSettings() {                                              \
      return ::detent_testing::internal::SettingsOf(__VA_ARGS__);                                         \
    }                                                                                                     \
                                                                                                          \
   private:                                                                                               \
    void TestBody() override {}                                                                           \
  };                                                                                                      \
  [[maybe_unused]] static const bool detent_##suite##_##name##_is_registered_ =                           \
      ::detent_testing::internal::RegisterTypedTest<suite, GTEST_TEST_CLASS_NAME_(suite, name),           \
                                                    GTEST_TYPE_PARAMS_(suite)>(                           \
          GTEST_STRINGIFY_(suite), GTEST_STRINGIFY_(name), __FILE__, __LINE__,                            \
          ::detent_testing::internal::Loops::loops,                                                       \
          ::testing::internal::GenerateNames<GTEST_NAME_GENERATOR_(suite), GTEST_TYPE_PARAMS_(suite)>()); \
  template <typename TypeParam_>                                                                          \
  ::detent::Coro<> GTEST_TEST_CLASS_NAME_(suite, name)<TypeParam_>::DetentBody()

#define SIM_TEST(suite, name, ...) DETENT_INTERNAL_TEST(suite, name, ::testing::Test, kSimulatedOnly, __VA_ARGS__)
#define SIM_TEST_F(fixture, name, ...) DETENT_INTERNAL_TEST(fixture, name, fixture, kSimulatedOnly, __VA_ARGS__)
#define SIM_TEST_P(fixture, name, ...) DETENT_INTERNAL_TEST_P(fixture, name, kSimulatedOnly, __VA_ARGS__)
#define LOOP_TEST(suite, name, ...) DETENT_INTERNAL_TEST(suite, name, ::testing::Test, kRealAndSimulated, __VA_ARGS__)
#define LOOP_TEST_F(fixture, name, ...) DETENT_INTERNAL_TEST(fixture, name, fixture, kRealAndSimulated, __VA_ARGS__)
#define LOOP_TEST_P(fixture, name, ...) DETENT_INTERNAL_TEST_P(fixture, name, kRealAndSimulated, __VA_ARGS__)
#define TYPED_SIM_TEST(suite, name, ...) DETENT_INTERNAL_TYPED_TEST(suite, name, kSimulatedOnly, __VA_ARGS__)
#define TYPED_LOOP_TEST(suite, name, ...) DETENT_INTERNAL_TYPED_TEST(suite, name, kRealAndSimulated, __VA_ARGS__)

#endif  // DETENT_TESTING_TEST_MACROS_H_
