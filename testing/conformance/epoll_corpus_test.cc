// SPDX-License-Identifier: Apache-2.0
//
// The corpus on the real loop, in real time: both loops do the same things in the same order.
//
// Real timers are late, each by a little more or less. So only those programs take part whose order does not depend on
// it: on the simulated loop they do the same in the same order when every timer is late by up to kLatenessMax of the
// program's milliseconds, each by an amount of its own. What time it is counts for nothing. A run that differs is
// repeated more slowly if its timers came later than that (a busy machine), and fails the test if they did not.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/sim/sim.h"
#include "detent/testing/conformance/corpus.h"
#include "detent/testing/conformance/interpreter.h"
#include "detent/testing/conformance/program.h"

namespace detent_testing::conformance {
namespace {

constexpr const char* kFiles[] = {"handmade.txt", "regressions.txt", "outcomes.txt", "random.txt", "streams.txt"};
constexpr absl::Duration kLatenessMax = absl::Milliseconds(2);
constexpr int kLateRuns = 40;    // A pair of deadlines that may change places is overlooked once in 2^40.
constexpr int kThreads = 48;     // They sleep nearly all the time.
constexpr int kAttemptsMax = 7;  // The last at 64 times the first one's time.
constexpr absl::Duration kFirstMillisecond = absl::Milliseconds(2);

// A line of a trace: when, and the rest.
struct Line {
  int64_t ms = 0;
  std::string_view rest;
};

std::vector<Line> LinesOf(std::string_view trace) {
  std::vector<Line> lines;
  for (size_t begin = 0; begin < trace.size();) {
    const size_t end = trace.find('\n', begin);
    const std::string_view text = trace.substr(begin, end - begin);
    Line& line = lines.emplace_back();
    std::from_chars(text.data() + text.find('=') + 1, text.data() + text.size(), line.ms);
    line.rest = text.substr(text.find(' ') + 1);
    begin = end + 1;
  }
  return lines;
}

// The first line that differs but for its time; the number of lines if none does.
size_t FirstDifference(const std::vector<Line>& want, const std::vector<Line>& got) {
  const auto same = [](const Line& a, const Line& b) { return a.rest == b.rest; };
  const auto [a, b] = std::mismatch(want.begin(), want.end(), got.begin(), got.end(), same);
  return a == want.end() && b == got.end() ? want.size() : static_cast<size_t>(a - want.begin());
}

bool SameOrder(std::string_view want, std::string_view got) {
  const std::vector<Line> lines = LinesOf(want);
  return FirstDifference(lines, LinesOf(got)) == lines.size();
}

bool DependsOnLateness(const Program& program, const std::string& want) {
  for (int seed = 0; seed < kLateRuns; ++seed) {
    auto loop = std::make_unique<detent::sim::SimLoop>(
        detent::sim::Options{.seed = static_cast<uint64_t>(seed), .strategy = detent::sim::Fifo()});
    if (!SameOrder(want, RunProgram(program, std::move(loop), Clock{.lateness_max = kLatenessMax}))) return true;
  }
  return false;
}

// Runs `program` on a real loop until it was not too late. Empty if it did what it does on CPython.
std::string Differs(const Program& program, const std::string& trace, std::atomic<int>& repeated) {
  const std::vector<Line> want = LinesOf(trace);
  std::string difference;
  absl::Duration millisecond = kFirstMillisecond;
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt, millisecond *= 2) {
    if (attempt > 0) ++repeated;
    const std::string run =
        RunProgram(program, std::make_unique<detent::EpollLoop>(), Clock{.millisecond = millisecond});
    const std::vector<Line> got = LinesOf(run);
    const size_t at = FirstDifference(want, got);
    if (at == want.size()) return "";
    const Line end{.ms = 0, .rest = "(the end)"};
    const Line& wanted = at < want.size() ? want[at] : end;
    const Line& found = at < got.size() ? got[at] : end;
    difference = absl::StrCat("line ", at + 1, ", after ", attempt + 1, " runs:\n  CPython:   t=", wanted.ms, " ")
                     .append(wanted.rest)
                     .append(absl::StrCat("\n  EpollLoop: t=", found.ms, " "))
                     .append(found.rest);
    bool late = false;
    for (size_t i = 0; i <= at && i < want.size() && i < got.size(); ++i) late |= got[i].ms > want[i].ms;
    if (!late) return difference;  // By less than one of kLatenessMax's two milliseconds, as both are rounded down.
  }
  return difference;
}

TEST(EpollCorpusTest, ProgramsWithoutCoincidingDeadlinesDoTheSameInTheSameOrder) {
  struct Case {
    std::string name;
    Program program;
    std::string trace;
    std::string difference;
  };
  std::vector<Case> cases;
  size_t timed = 0;
  size_t with_streams = 0;
  for (const char* file : kFiles) {
    for (CorpusEntry& entry : ReadCorpus(std::string("testing/conformance/corpus/").append(file))) {
      Program program = ParseProgram(entry.program);
      if (DependsOnLateness(program, entry.trace)) continue;
      const std::vector<Line> lines = LinesOf(entry.trace);
      timed += std::any_of(lines.begin(), lines.end(),
                           [&](const Line& line) { return line.ms > 0 && line.ms < program.watchdog.ms; });
      with_streams += std::any_of(program.objects.begin(), program.objects.end(),
                                  [](const ObjectSpec& object) { return object.kind == ObjectKind::kStream; });
      cases.push_back({std::move(entry.name), std::move(program), std::move(entry.trace), ""});
    }
  }
  // With timers of their own; the others have the watchdog's.
  EXPECT_GE(timed, 50u);
  EXPECT_GE(with_streams, 30u);

  std::atomic<size_t> next = 0;
  std::atomic<int> repeated = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (size_t k = next++; k < cases.size(); k = next++) {
        cases[k].difference = Differs(cases[k].program, cases[k].trace, repeated);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Case& c : cases) EXPECT_EQ(c.difference, "") << "program " << c.name;
  RecordProperty("programs", static_cast<int>(cases.size()));
  std::printf("%zu programs, %zu of them with timers of their own; %d runs were repeated\n", cases.size(), timed,
              repeated.load());
}

}  // namespace
}  // namespace detent_testing::conformance
