// SPDX-License-Identifier: Apache-2.0
#include "detent/examples/transcript.h"

#include <algorithm>
#include <cstdio>

#include "detent/runtime/epoll_loop.h"
#include "detent/runtime/task.h"
#include "detent/runtime/wait.h"
#include "detent/sim/fifo.h"
#include "detent/sim/sim_loop.h"
#include "gtest/gtest.h"

namespace detent_examples {
namespace {

// Tries on the real loop, and schedules on the simulated one.
constexpr int kAttemptsMax = 10;
constexpr uint64_t kSchedules = 100;

thread_local internal::Recorder* current_recorder = nullptr;

// A raw string that begins and ends with a line break, as one writes it.
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

std::vector<std::string> Sorted(std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

// What the loop tells nobody in particular is a failure, unless the program installs a handler of its own.
void RunProgram(detent::EventLoop& loop, const std::function<void(detent::EventLoop&)>& program) {
  loop.SetExceptionHandler(
      [](const detent::ExceptionContext& context) { ADD_FAILURE() << "reported: " << context.ToString(); });
  program(loop);
}

}  // namespace

size_t Transcript::Count(std::string_view start) const {
  return static_cast<size_t>(std::count_if(lines_.begin(), lines_.end(), [&](std::string_view line) {
    return line.starts_with(start);
  }));
}

bool Transcript::Before(std::string_view first, std::string_view then) const {
  const auto found = std::find(lines_.begin(), lines_.end(), first);
  const auto other = std::find(lines_.begin(), lines_.end(), then);
  return found < other && other != lines_.end();
}

void ExpectTranscriptOfLoop(const std::function<void(detent::EventLoop&)>& program, std::string_view text,
                            Elsewhere elsewhere, std::source_location where) {
  for (uint64_t seed = 0; seed < kSchedules && !testing::Test::HasFailure(); ++seed) {
    internal::Recorder recorder;
    detent::sim::Options options;
    options.seed = seed;
    if (seed == 0) options.strategy = detent::sim::Fifo();
    auto loop = std::make_unique<detent::sim::SimLoop>(options);
    RunProgram(*loop, program);
    // The loop's end may print too, but whether the run was in asyncio's order is known only while it lives.
    const detent::sim::Tape tape = loop->tape();
    loop = nullptr;
    const detent::sim::SimLoop calm;
    internal::Compare(recorder.Take(), text, elsewhere, calm, 1, where);
  }
}

namespace internal {

void PrintLine(std::string line) {
  if (current_recorder != nullptr) {
    current_recorder->Add(std::move(line));
  } else {
    std::puts(line.c_str());
  }
}

}  // namespace internal
}  // namespace detent_examples
