// SPDX-License-Identifier: Apache-2.0
#include "detent/examples/transcript.h"

#include <algorithm>
#include <memory>

#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/runtime/task.h"
#include "detent/runtime/wait.h"
#include "detent/sim/sim_loop.h"
#include "detent/sim/strategy/fifo.h"
#include "detent/sim/strategy/random_walk.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_examples {
namespace {

// Tries on the real loop, and schedules on the simulated one.
constexpr int kAttemptsMax = 10;
constexpr uint64_t kSchedules = 100;

thread_local Recorder* current_recorder = nullptr;

// The text of a raw string that begins and ends with a line break.
std::vector<std::string> LinesOf(std::string_view text) {
  if (!text.empty() && text.front() == '\n') text.remove_prefix(1);
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// Runs `program` with `loop`, destroys the loop, and gives what was printed up to then.
Transcript RunAndClose(std::unique_ptr<detent::EventLoop> loop, const std::function<void(detent::EventLoop&)>& program,
                       internal::Order* order) {
  Recorder recorder;
  // What the loop can tell nobody else is a failure here, unless the program has a handler of its own.
  loop->SetExceptionHandler(
      [](const detent::ExceptionContext& context) { ADD_FAILURE() << "reported: " << context.ToString(); });
  program(*loop);
  *order = internal::OrderOf(*loop);
  loop = nullptr;
  return recorder.Take();
}

}  // namespace

size_t Transcript::Count(std::string_view start) const {
  return static_cast<size_t>(
      std::count_if(lines_.begin(), lines_.end(), [&](std::string_view line) { return line.starts_with(start); }));
}

bool Transcript::Before(std::string_view first, std::string_view then) const {
  const auto upper = std::find(lines_.begin(), lines_.end(), first);
  const auto lower = std::find(lines_.begin(), lines_.end(), then);
  return upper < lower && lower != lines_.end();
}

Recorder::Recorder() : outer_(std::exchange(current_recorder, this)) {}
Recorder::~Recorder() { current_recorder = outer_; }

bool IsSimulated() { return dynamic_cast<detent::sim::SimLoop*>(&detent::EventLoop::Current()) != nullptr; }

namespace internal {

void PrintLine(std::string line) {
  if (current_recorder != nullptr) current_recorder->Add(std::move(line));
}

detent::Coro<> EndOtherTasks() {
  std::vector<detent::AnyTask> others;
  for (const detent::AnyTask& task : detent::AllTasks()) {
    if (task == detent::CurrentTask()) continue;
    task.Cancel();
    others.push_back(task);
  }
  if (!others.empty()) (void)co_await detent::Wait(std::move(others), detent::ReturnWhen::kAllCompleted);
}

Order OrderOf(const detent::EventLoop& loop) {
  const auto* simulated = dynamic_cast<const detent::sim::SimLoop*>(&loop);
  if (simulated == nullptr) return Order::kReal;
  // A tape keeps the choices that were not the calmest; without any the run was in asyncio's order.
  return simulated->tape().entries().empty() ? Order::kFifo : Order::kOther;
}

bool Compare(const Transcript& printed, std::string_view text, Elsewhere elsewhere, Order order, int attempt,
             std::source_location where) {
  const std::vector<std::string> expected = LinesOf(text);
  testing::StringMatchResultListener difference;
  const bool same_lines =
      testing::ExplainMatchResult(testing::UnorderedElementsAreArray(expected), printed.lines(), &difference);
  bool equal = same_lines || elsewhere == Elsewhere::kAnyLines;
  if (order != Order::kOther) {
    equal = printed.lines() == expected;
    if (!equal && order == Order::kReal && attempt < kAttemptsMax) return false;
  }
  if (!equal) {
    std::ostringstream message;
    message << (order == Order::kReal   ? "the real loop"
                : order == Order::kFifo ? "the simulated loop, in asyncio's order,"
                                        : "the simulated loop, in another order than asyncio's,")
            << " printed other lines than expected:\n";
    for (const std::string& line : printed.lines()) message << "  " << line << '\n';
    if (same_lines) {
      message << "the same lines, but in another order";
    } else {
      message << difference.str();
    }
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line())) << message.str();
  }
  return true;
}

void CompareOnBothLoops(const std::function<void(detent::EventLoop&)>& program, std::string_view text,
                        Elsewhere elsewhere, std::source_location where) {
  Order order;
  for (int attempt = 1;; ++attempt) {
    const Transcript printed = RunAndClose(std::make_unique<detent::EpollLoop>(), program, &order);
    if (Compare(printed, text, elsewhere, order, attempt, where)) break;
  }
  for (uint64_t seed = 0; seed < kSchedules && !testing::Test::HasFailure(); ++seed) {
    detent::sim::Options options;
    options.seed = seed;
    options.strategy = seed == 0 ? detent::sim::StrategyOption(detent::sim::Fifo())
                                 : detent::sim::StrategyOption(detent::sim::RandomWalk());
    const Transcript printed = RunAndClose(std::make_unique<detent::sim::SimLoop>(options), program, &order);
    Compare(printed, text, elsewhere, order, /*attempt=*/1, where);
  }
}

}  // namespace internal
}  // namespace detent_examples
