// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/report/interleaving.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_replace.h"
#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/report/trace_recorder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/report/bank_test.h"

namespace detent_testing {

namespace {

using detent::sim::ChoiceKind;
using ::testing::HasSubstr;
using ::testing::Not;

class Choice {
 public:
  Choice(uint64_t at, uint32_t of, uint32_t chosen, ChoiceKind what = ChoiceKind::kSchedule)
      : position(at), n(of), value(chosen), kind(what) {}
  uint64_t position;
  uint32_t n;
  uint32_t value;
  ChoiceKind kind;
};

// Makes them, and the calmest everywhere else.
class MakeChoices {
 public:
  explicit MakeChoices(const std::vector<Choice>& choices) : choices_(&choices) {}
  std::unique_ptr<detent::sim::Strategy> Make() const { return std::make_unique<Made>(*choices_); }

 private:
  class Made final : public detent::sim::Strategy {
   public:
    explicit Made(const std::vector<Choice>& choices) : choices_(choices) {}
    uint32_t Choose(const detent::sim::ChoicePoint& point) override {
      const uint64_t position = position_++;
      for (const Choice& choice : choices_) {
        if (choice.position != position) continue;
        EXPECT_EQ(point.kind(), choice.kind);
        EXPECT_EQ(point.n(), choice.n);
        return choice.value;
      }
      return 0;
    }

   private:
    const std::vector<Choice> choices_;
    uint64_t position_ = 0;
  };

  const std::vector<Choice>* choices_;
};

// What `body` does under these choices, the others being the calmest.
Trace Record(detent::Coro<> (*body)(), const std::vector<Choice>& choices, const TraceOptions& options = {}) {
  detent::sim::SimLoop loop({.strategy = MakeChoices(choices), .slip_max = absl::Seconds(10)});
  TraceRecorder recorder(options);
  loop.SetObserver(&recorder);
  try {
    RunIn(loop, body);
  } catch (const std::exception&) {
  }
  loop.SetObserver(nullptr);
  loop.Reset(0);
  return recorder.Take();
}

std::string Render(detent::Coro<> (*body)(), const std::vector<Choice>& choices, const RenderOptions& options = {}) {
  return "\n" + RenderInterleaving(Record(body, choices), options);
}

size_t Lines(const std::string& text) { return static_cast<size_t>(std::count(text.begin(), text.end(), '\n')); }

TEST(InterleavingTest, ARaceIsSeenAtAGlance) {
  EXPECT_EQ(Render(LostUpdate, {Choice(4, 2, 1)}), R"(
each row is one step: the await from which its task goes on; > marks the choices that matter
  time  step  place      | task-1             | alice                        | bob
     0     1  bank.cc:5  | starts             |                              |
           2  bank.cc:19 |                    | starts                       |
           3  bank.cc:20 |                    |                              | starts
           4  bank.cc:8  |                    | reading "balance" = 100      |
           5  bank.cc:13 |                    |                              | Yield
> here bob runs instead of alice
>          6  bank.cc:8  |                    |                              | reading "balance" = 100
           7  bank.cc:9  |                    |                              | writing "balance" = 80, ends
           8  bank.cc:9  |                    | writing "balance" = 90, ends |
           9  bank.cc:21 | alice ended, fails |                              |
! task-1 fails: an update was lost
)");
}

TEST(InterleavingTest, ALongStretchOfOneTaskIsFolded) {
  EXPECT_EQ(Render([] { return Spin(40); }, {}), R"(
each row is one step: the await from which its task goes on
  time  step  place      | task-1
     0     1  bank.cc:5  | starts
                         | … 38 more steps
          40  bank.cc:27 | Yield
          41  bank.cc:27 | Yield, ends
)");
}

TEST(InterleavingTest, WhatIsFarFromTheChoicesThatMatterIsLeftOut) {
  const std::string text = Render([] { return Crowd(3); }, {Choice(30, 3, 1)}, {.lines_max = 20});
  EXPECT_EQ(text, R"(
each row is one step: the await from which its task goes on; > marks the choices that matter
  time  step  place      | task-1            | task-2      | task-3         | task-4
     0     1  bank.cc:5  | starts            |             |                |
           2  bank.cc:32 |                   | starts      |                |
           3  bank.cc:32 |                   |             | starts         |
  … 26 steps of task-2, task-3, task-4
          30  bank.cc:27 |                   |             | Yield          |
          31  bank.cc:27 |                   |             |                | Yield
> here task-3 runs instead of task-2
>         32  bank.cc:27 |                   |             | Yield          |
                         |                   |             | … 8 more steps |
          41  bank.cc:27 |                   |             | Yield          |
  … 21 steps of task-2, task-3, task-4
          63  bank.cc:27 |                   | Yield, ends |                |
          64  bank.cc:27 |                   |             |                | Yield, ends
          66  bank.cc:33 | Gather of 3, ends |             |                |
)");
}

TEST(InterleavingTest, OfManyTasksThoseThatMatterHaveAColumn) {
  EXPECT_EQ(Render([] { return Crowd(30); }, {Choice(60, 30, 7)}, {.lines_max = 16}), R"(
each row is one step: the await from which its task goes on; > marks the choices that matter
  time  step  place      | task-1             | task-2 | task-9          | task-31
     0     1  bank.cc:5  | starts             |        |                 |
           2  bank.cc:32 |                    | starts |                 |
  … 58 steps of task-2, task-3, task-4 and 27 others
          61  bank.cc:27 |                    |        |                 | Yield
> here task-9 runs instead of task-2
>         62  bank.cc:27 |                    |        | Yield           |
                         |                    |        | … 16 more steps |
  … 552 steps of task-2, task-3, task-4 and 27 others
         631  bank.cc:27 |                    |        |                 | Yield, ends
         633  bank.cc:33 | Gather of 30, ends |        |                 |
)");
}

TEST(InterleavingTest, TimeSlipsChoicesAndFaultsAreShown) {
  EXPECT_EQ(Render(Timeouts, {Choice(2, 5, 3, ChoiceKind::kProgram), Choice(3, 2, 1, ChoiceKind::kFault),
                              Choice(4, 2, 1, ChoiceKind::kTime)}),
            R"(
each row is one step: the await from which its task goes on; > marks the choices that matter
  time  step  place      | task-1                 | nap                  | busy        | callbacks
     0     1  bank.cc:5  | starts                 |                      |             |
           2  bank.cc:37 |                        | starts               |             |
           3  bank.cc:38 |                        |                      | starts      |
> here Choose(5) = 3, in busy
> here Fault "disk full" strikes, in busy
> here time slips to 1s although there is work to do
    1s     4  bank.cc:27 |                        |                      | Yield       |
           6  bank.cc:27 |                        |                      | Yield       |
           7  bank.cc:37 |                        | Sleep until 1s, ends |             |
           8  bank.cc:27 |                        |                      | Yield, ends |
           9  bank.cc:44 | nap ended              |                      |             |
    2s    10  bank.cc:43 |                        |                      |             | callback of task-1
  3.5s    12  bank.cc:45 | Sleep until 3.5s, ends |                      |             |
)");
}

TEST(InterleavingTest, ADeadlockShowsWhatEachTaskIsLeftWaitingFor) {
  EXPECT_EQ(Render(Transfers, {}), R"(
each row is one step: the await from which its task goes on
  time  step  place      | task-1                    | alice                     | bob
     0     1  bank.cc:5  | starts                    |                           |
              bank.cc:59 | waits: Gather of 2        |                           |
           2  bank.cc:57 |                           | starts                    |
           3  bank.cc:58 |                           |                           | starts
           4  bank.cc:50 |                           | Yield                     |
              bank.cc:51 |                           | waits: Acquire "b"        |
           5  bank.cc:50 |                           |                           | Yield
              bank.cc:51 |                           |                           | waits: Acquire "a"
)");
}

TEST(InterleavingTest, WhereATaskGotStuckLongAgoIsShown) {
  EXPECT_EQ(Render(StuckLongAgo, {}, {.lines_max = 16}), R"(
each row is one step: the await from which its task goes on
  time  step  place      | task-1                     | stuck                      | ping        | task-4
     0     1  bank.cc:5  | starts                     |                            |             |
              bank.cc:66 | waits: Gather of 2         |                            |             |
           2  bank.cc:64 |                            | starts                     |             |
              bank.cc:64 |                            | waits: Event::Wait on "go" |             |
           3  bank.cc:65 |                            |                            | starts      |
           4  bank.cc:66 |                            |                            |             | starts
           5  bank.cc:27 |                            |                            | Yield       |
  … 55 steps of ping, task-4
          61  bank.cc:27 |                            |                            | Yield       |
          62  bank.cc:27 |                            |                            |             | Yield
          63  bank.cc:27 |                            |                            | Yield, ends |
          64  bank.cc:27 |                            |                            |             | Yield, ends
)");
}

TEST(InterleavingTest, AllLinesAreAllOfIt) {
  EXPECT_EQ(Render(Timeouts, {}, {.lines_max = kAllLines}), R"(
each row is one step: the await from which its task goes on
  time  step  place      | task-1                | nap                   | busy          | callbacks
     0     1  bank.cc:5  | starts                |                       |               |
           2  bank.cc:37 |                       | starts                |               |
           3  bank.cc:38 |                       |                       | starts        |
                         |                       |                       | Choose(5) = 0 |
           4  bank.cc:27 |                       |                       | Yield         |
           5  bank.cc:27 |                       |                       | Yield         |
           6  bank.cc:27 |                       |                       | Yield, ends   |
    1s     7  bank.cc:37 |                       | a wake-up from Sleep  |               |
           8  bank.cc:37 |                       | Sleep until 1s, ends  |               |
           9  bank.cc:44 | nap ended             |                       |               |
    2s    10  bank.cc:43 |                       |                       |               | callback of task-1
  3.5s    11  bank.cc:45 | a wake-up from Sleep  |                       |               |
          12  bank.cc:45 | Sleep, ends           |                       |               |
          13             |                       |                       |               | callback
)");
}

TEST(InterleavingTest, ANarrowTableKeepsTheTasksThatMatter) {
  EXPECT_EQ(Render(LostUpdate, {Choice(4, 2, 1)}, {.width = 60}), R"(
each row is one step: the await from which its task goes on…
  time  step  place      | bob             | others
     0     1  bank.cc:5  |                 | task-1: starts
           2  bank.cc:19 |                 | alice: starts
           3  bank.cc:20 | starts          |
           4  bank.cc:8  |                 | alice: reading "balance" = 100
           5  bank.cc:13 | Yield           |
> here bob runs instead of alice
>          6  bank.cc:8  | reading "balance" = 100
           7  bank.cc:9  | writing "balance" = 80, ends
           8  bank.cc:9  |                 | alice: writing "balance" = 90, ends
           9  bank.cc:21 |                 | task-1: alice ended, fails
! task-1 fails: an update was lost
)");
}

TEST(InterleavingTest, AFailureStandsWhereItHappened) {
  detent::sim::SimLoop loop({.strategy = detent::sim::Fifo()});
  TraceRecorder recorder;
  loop.SetObserver(&recorder);
  failing_assertion = [&] { recorder.AddFailure("bank.cc:81: Failure\nthe sum is 190"); };
  RunIn(loop, &FailsAnAssertion);
  EXPECT_EQ("\n" + RenderInterleaving(recorder.Take(), {}), R"(
each row is one step: the await from which its task goes on
  time  step  place      | task-1
     0     1  bank.cc:5  | starts
           2  bank.cc:70 | Yield
! in task-1: bank.cc:81: Failure the sum is 190
           3  bank.cc:72 | Yield, ends
)");
}

// What the recorder forgot of a long run is a gap; a choice that matters is not forgotten.
TEST(InterleavingTest, ALongRunHasGaps) {
  EXPECT_EQ("\n" + RenderInterleaving(Record([] { return Crowd(2); }, {Choice(15, 2, 1)}, {.events_max = 10}),
                                      {.lines_max = kAllLines}),
            R"(
each row is one step: the await from which its task goes on; > marks the choices that matter
  time  step  place      | task-1                     | task-2 | task-3      | callbacks
     0     1  bank.cc:5  | starts                     |        |             |
           2  bank.cc:32 |                            | starts |             |
           3  bank.cc:32 |                            |        | starts      |
           4  bank.cc:27 |                            | Yield  |             |
           5  bank.cc:27 |                            |        | Yield       |
  … 11 steps
> here task-2 runs instead of task-3
>         17  bank.cc:27 |                            | Yield  |             |
  … 24 steps
          42  bank.cc:27 |                            |        | Yield       |
          43  bank.cc:27 |                            |        | Yield, ends |
          44  bank.cc:33 | a wake-up from Gather of 2 |        |             |
          45  bank.cc:33 | Gather of 2, ends          |        |             |
          46             |                            |        |             | callback
)");
}

TEST(InterleavingTest, NothingIsNoTable) { EXPECT_EQ(RenderInterleaving(Trace(), {}), ""); }

TEST(InterleavingTest, TasksOfOneNameAreNumbered) {
  EXPECT_EQ(Render(SameNames, {}), R"(
each row is one step: the await from which its task goes on
  time  step  place      | task-1             | worker #2   | worker #3
     0     1  bank.cc:5  | starts             |             |
           2  bank.cc:76 |                    | starts      |
           3  bank.cc:77 |                    |             | starts
           4  bank.cc:27 |                    | Yield, ends |
           5  bank.cc:27 |                    |             | Yield, ends
           6  bank.cc:78 | worker ended, ends |             |
)");
}

// A run that was not shrunk: every second choice is one that matters.
TEST(InterleavingTest, OfTooManyChoicesThatMatterTheLastAreShown) {
  std::vector<Choice> choices;
  for (uint64_t i = 5; i < 42; ++i) choices.push_back(Choice(i, 3, 1));
  const Trace trace = Record([] { return Crowd(3); }, choices);
  const std::string text = RenderInterleaving(trace, {.lines_max = 20});
  EXPECT_EQ(Lines(text), 20u);
  EXPECT_THAT(text, HasSubstr("that matter stand in rows that are left out\n"));
  // Where they just fit, they are shown without words.
  EXPECT_THAT(RenderInterleaving(trace, {.lines_max = 50}), Not(HasSubstr("here")));
  EXPECT_THAT(RenderInterleaving(trace, {.lines_max = 100}), HasSubstr("here"));
}

TEST(InterleavingTest, ColourIsAroundWholeLines) {
  const std::string text = Render(LostUpdate, {Choice(4, 2, 1)}, {.colour = true});
  EXPECT_THAT(text,
              HasSubstr("\n\033[1;33m> here bob runs instead of alice\033[0m\n\033[1;33m>          6  bank.cc:8 "));
  EXPECT_THAT(text, HasSubstr("\n\033[1;31m! task-1 fails: an update was lost\033[0m\n"));
  EXPECT_THAT(text, HasSubstr("\n           4  bank.cc:8 "));
  const std::string plain = absl::StrReplaceAll(
      text, {{"\033[1;33m", ""}, {"\033[1;31m", ""}, {"\033[1m", ""}, {"\033[2m", ""}, {"\033[0m", ""}});
  EXPECT_EQ(plain, Render(LostUpdate, {Choice(4, 2, 1)}));
}

}  // namespace
}  // namespace detent_testing
