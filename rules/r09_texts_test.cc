// SPDX-License-Identifier: Apache-2.0
//
// Rule R9, where a call passes through others: the text names what the user wrote, and where it stands.
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/text_of.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::TextInTask;
using detent_testing::TextOf;
using ::testing::EndsWith;
using ::testing::StartsWith;

Coro<> Nothing() { co_return; }

std::vector<Coro<>> Coros() {
  std::vector<Coro<>> coros;
  for (int i = 0; i < 2; ++i) coros.push_back(Nothing());
  return coros;
}

// CPython: "no running event loop", whoever needs one.
TEST(TextsTest, CombinatorsOutsideALoopNameThemselves) {
  const std::pair<std::string, std::vector<std::function<void()>>> calls[] = {
      {"Gather()",
       {[] { (void)Gather(Nothing(), Nothing()); }, [] { (void)Gather(Coros()); },
        [] { (void)Gather(Sleep(absl::Seconds(1))); }, [] { (void)Gather(std::vector<Task<>>()); }}},
      {"GatherSettled()",
       {[] { (void)GatherSettled(Nothing(), Nothing()); }, [] { (void)GatherSettled(Coros()); },
        [] { (void)GatherSettled(Sleep(absl::Seconds(1))); }, [] { (void)GatherSettled(std::vector<Task<>>()); }}},
      {"Race()",
       {[] { (void)Race(Nothing(), Nothing()); }, [] { (void)Race(Coros()); },
        [] { (void)Race(Nothing(), Sleep(absl::Seconds(1))); }}},
      {"Wait()",
       {[] { (void)Wait(ReturnWhen::kAllCompleted, Nothing()); },
        [] { (void)Wait(Coros(), ReturnWhen::kAllCompleted); }}},
      {"AsCompleted()", {[] { (void)AsCompleted(Coros()); }, [] { (void)AsCompleted(std::vector<Task<>>()); }}},
      {"Shield()", {[] { (void)Shield(Nothing()); }, [] { (void)Shield(Sleep(absl::Seconds(1))); }}},
      {"Spawn()", {[] { Spawn(Nothing()); }, [] { Spawn(Nothing); }, [] { Spawn(Sleep(absl::Seconds(1))); }}},
      {"MakeFuture()", {[] { (void)MakeFuture<>(); }}},
  };
  for (const auto& [name, forms] : calls) {
    for (const std::function<void()>& form : forms) {
      EXPECT_EQ(TextOf<InvalidStateError>(form),
                name +
                    ": no event loop runs on this thread; call it from code that runs inside EventLoop::Run() or "
                    "detent::Run()");
    }
  }
}

// CPython: "Set of Tasks/Futures is empty." of wait().
TEST(TextsTest, AnEmptyRaceIsARace) {
  const std::string text = "Race(): the set of tasks is empty; there is nothing that could ever complete";
  EXPECT_EQ(TextOf<std::invalid_argument>([] { (void)Race(std::vector<Task<>>()); }), text);
  EXPECT_EQ(TextOf<std::invalid_argument>([] { (void)Race(std::vector<Coro<>>()); }), text);
}

// CPython's current_task() gives None there, and None has no cancel().
TEST(TextsTest, CurrentTaskWhereNoneRunsIsSaidToBeEmptyThere) {
  const std::string rest =
      "the handle is empty: assign it a Future or a Task before using it; CurrentTask() gives an empty one where no "
      "task runs, as here, ";
  std::string in_callback;
  sim::SimLoop loop;
  loop.CallSoon([&] { in_callback = TextOf<InvalidStateError>([] { CurrentTask().Cancel(); }); });
  loop.Run(Nothing());
  EXPECT_EQ(in_callback, rest + "in a callback");
  EXPECT_EQ(TextOf<InvalidStateError>([] { (void)CurrentTask().Name(); }), rest + "outside a loop");
}

TEST(TextsTest, AFutureWhoseLoopIsGoneSaysSoWhateverIsAskedOfIt) {
  Future<int> orphan;
  {
    sim::SimLoop loop;
    loop.Run([&]() -> Coro<> {
      orphan = MakeFuture<int>();
      co_return;
    });
  }
  const std::string never = ": its event loop is gone, so that it will never be done; ";
  const std::string read = " of a future" + never + "read it only if it is Done()";
  EXPECT_EQ(TextOf<InvalidStateError>([&] { (void)orphan.Result(); }), "Result()" + read);
  EXPECT_EQ(TextOf<InvalidStateError>([&] { (void)orphan.Exception(); }), "Exception()" + read);
  const std::string wait = " on a future" + never + "await what was made in the loop that runs";
  EXPECT_EQ(TextInTask<InvalidStateError>([&]() -> Coro<> { (void)co_await orphan; }), "co_await" + wait);
  EXPECT_EQ(TextInTask<InvalidStateError>([&]() -> Coro<> { (void)co_await Gather(orphan); }), "Gather()" + wait);
  EXPECT_EQ(TextInTask<InvalidStateError>([&]() -> Coro<> { (void)co_await GatherSettled(orphan); }),
            "GatherSettled()" + wait);
  EXPECT_EQ(TextInTask<InvalidStateError>([&]() -> Coro<> { (void)co_await Race(orphan, orphan); }), "Race()" + wait);
  EXPECT_EQ(TextInTask<InvalidStateError>([&]() -> Coro<> { (void)co_await Wait(ReturnWhen::kAllCompleted, orphan); }),
            "Wait()" + wait);
  EXPECT_EQ(TextInTask<InvalidStateError>([&]() -> Coro<> {
              (void)AsCompleted(std::vector<Future<int>>{orphan});
              co_return;
            }),
            "AsCompleted()" + wait);
  EXPECT_EQ(TextInTask<InvalidStateError>([&]() -> Coro<> { (void)co_await Shield(orphan); }), "Shield()" + wait);
  EXPECT_EQ(TextInTask<InvalidStateError>([&]() -> Coro<> { (void)co_await WaitFor(orphan, absl::Seconds(1)); }),
            "co_await" + wait);
  EXPECT_FALSE(orphan.Cancel());
}

// CPython: "unhandled errors in a TaskGroup (1 sub-exception)", of whomever it is.
TEST(TextsTest, AGroupSaysWhetherItsTasksOrItsBodyFailed) {
  auto fail = [](const char* text) -> Coro<> {
    throw std::runtime_error(text);
    co_return;
  };
  auto fail_late = [](const char* text) -> Coro<> {
    (void)co_await Catch(Sleep(absl::Hours(1)));
    throw std::runtime_error(text);
  };
  auto text_of = [](std::function<Coro<>(TaskGroup&)> body) {
    return TextInTask<ExceptionGroup>([&]() -> Coro<> { co_await TaskGroup::Run(body); });
  };
  EXPECT_EQ(text_of([&](TaskGroup&) { return fail("b"); }), "the body of a group failed: b");
  EXPECT_EQ(text_of([&](TaskGroup& group) {
              group.Spawn(fail, "a");
              return fail_late("b");
            }),
            "1 task of a group and its body failed: a; b");
  EXPECT_EQ(text_of([&](TaskGroup& group) {
              group.Spawn(fail, "a");
              group.Spawn(fail_late, "c");
              return fail_late("b");
            }),
            "2 tasks of a group and its body failed: a; c; b");
  EXPECT_EQ(text_of([&](TaskGroup& group) {
              group.Spawn(fail, "a");
              return Nothing();
            }),
            "1 task of a group failed: a");
  EXPECT_THAT(text_of([&](TaskGroup& group) {
                group.Spawn(fail, "a");
                group.Spawn(fail, "b");
                return Nothing();
              }),
              StartsWith("2 tasks of a group failed: "));
  EXPECT_THAT(text_of([&](TaskGroup& group) -> Coro<> {
                co_await TaskGroup::Run([&](TaskGroup&) { return fail("inner"); });
                (void)group;
              }),
              EndsWith("the body of a group failed: the body of a group failed: inner"));
}

}  // namespace
}  // namespace detent
