// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/handles.h"

#include <source_location>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::Each;
using ::testing::EndsWith;
using ::testing::SizeIs;

Coro<> Nothing() { co_return; }

// Where the tasks that are alive were spawned, but for the one that asks.
std::vector<std::string> PlacesOfOthers() {
  std::vector<std::string> places;
  for (const AnyTask& task : AllTasks()) {
    if (task == CurrentTask()) continue;
    const std::source_location where = task.task_state().spawned_at();
    places.push_back(absl::StrCat(where.file_name(), ":", where.line()));
  }
  return places;
}

class PlacesTest : public detent_testing::TestLoop {
 protected:
  // What `make` spawned, it spawned in line `line` of this file.
  template <typename F>
  void ExpectPlaces(size_t tasks, unsigned line, F make) {
    Run([&]() -> Coro<> {
      auto made = make();
      const std::vector<std::string> places = PlacesOfOthers();
      EXPECT_THAT(places, SizeIs(tasks));
      EXPECT_THAT(places, Each(EndsWith(absl::StrCat("handles_test.cc:", line))));
      co_await std::move(made);
    });
  }
};

TEST_F(PlacesTest, OfATaskThatACombinatorMakesAreTheCallers) {
  const auto n = Nothing;
  ExpectPlaces(1, __LINE__, [&] { return Gather(n()); });
  ExpectPlaces(6, __LINE__, [&] { return Gather(n(), n(), n(), n(), n(), n()); });
  ExpectPlaces(7, __LINE__, [&] { return Gather(n(), n(), n(), n(), n(), n(), n()); });
  ExpectPlaces(11, __LINE__, [&] { return GatherSettled(n(), n(), n(), n(), n(), n(), n(), n(), n(), n(), n()); });
  ExpectPlaces(12, __LINE__, [&] { return Gather(n(), n(), n(), n(), n(), n(), n(), n(), n(), n(), n(), n()); });
  ExpectPlaces(7, __LINE__, [&] { return Race(n(), n(), n(), n(), n(), n(), n()); });
  ExpectPlaces(12, __LINE__, [&] { return Race(n(), n(), n(), n(), n(), n(), n(), n(), n(), n(), n(), n()); });
}

// More than have a form of their own.
TEST_F(PlacesTest, ThirteenArgumentsWorkToo) {
  Run([]() -> Coro<> {
    const auto n = Nothing;
    const auto all = co_await Gather(n(), n(), n(), n(), n(), n(), n(), n(), n(), n(), n(), n(), n());
    EXPECT_EQ(std::tuple_size_v<std::remove_cvref_t<decltype(all)>>, 13u);
    co_await Race(n(), n(), n(), n(), n(), n(), n(), n(), n(), n(), n(), n(), n());
    const auto sum = [](auto... numbers) -> Coro<int> { co_return (numbers + ...); };
    EXPECT_EQ(co_await Spawn(sum, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13), 91);
  });
}

TEST_F(PlacesTest, OfATaskWithArgumentsIsTheCallers) {
  const auto sum = [](auto... numbers) -> Coro<int> { co_return (numbers + ...); };
  ExpectPlaces(1, __LINE__, [&] { return Spawn(sum, 1); });
  ExpectPlaces(1, __LINE__, [&] { return Spawn(sum, 1, 2, 3, 4); });
  ExpectPlaces(1, __LINE__, [&] { return Spawn(sum, 1, 2, 3, 4, 5); });
  ExpectPlaces(1, __LINE__, [&] { return Spawn(sum, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12); });
  ExpectPlaces(1, __LINE__, [&] { return EventLoop::Current().Spawn(sum, 1, 2, 3, 4, 5); });
}

}  // namespace
}  // namespace detent
