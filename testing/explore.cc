// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/explore.h"

#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/outcome.h"
#include "detent/runtime/wait.h"
#include "detent/sim/fifo.h"
#include "detent/sim/fingerprint.h"
#include "detent/sim/replay.h"
#include "detent/sim/sim_loop.h"

namespace detent_testing {
namespace internal {
namespace {

void AppendLine(std::string& text, const std::string& line) {
  if (!text.empty()) text.push_back('\n');
  text += line;
}

// Runs `run` and notes the exception that leaves it.
template <typename F>
bool NoteException(std::string& failure, const char* what, F run) {
  try {
    run();
    return true;
  } catch (const detent::sim::DeadlockError& e) {
    AppendLine(failure, e.what());
  } catch (const detent::sim::LimitError& e) {
    AppendLine(failure, e.what());
  } catch (...) {
    AppendLine(failure, absl::StrCat(what, detent::internal::DescribeException(std::current_exception())));
  }
  return false;
}

class NoHooks final : public Hooks {};

uint64_t SeedOfSchedule(uint64_t seed, uint64_t schedule) {
  detent::sim::Fingerprint mixed;
  mixed.Add(seed);
  mixed.Add(schedule);
  return mixed.value();
}

}  // namespace

std::string RunToTheEnd(detent::EventLoop& loop, const Body& body, const std::function<void()>& destroy) {
  std::string failure;
  loop.SetExceptionHandler(
      [&](const detent::ExceptionContext& context) { AppendLine(failure, context.ToString()); });
  const bool ended = NoteException(failure, "the body threw: ", [&] { loop.Run([&] { return body(); }); });
  // A body that was stuck is unwound by this; it then cancels the other tasks, the one that waits here among them.
  for (int i = 0; i < (ended ? 1 : 2); ++i) {
    std::string while_cancelling;
    NoteException(while_cancelling, "while the tasks that were left were cancelled: ", [&] { loop.CancelAllTasks(); });
    if (ended && !while_cancelling.empty()) AppendLine(failure, while_cancelling);
  }
  destroy();
  return failure;
}

detent::Coro<> CancelOtherTasks() {
  std::vector<detent::AnyTask> others;
  for (const detent::AnyTask& task : detent::AllTasks()) {
    if (task == detent::CurrentTask()) continue;
    task.Cancel();
    others.push_back(task);
  }
  if (others.empty()) co_return;
  (void)co_await detent::Wait(others, detent::ReturnWhen::kAllCompleted);
}

Report ExploreWithHooks(const Options& options, const Body& body, Hooks& hooks) {
  detent::sim::Options sim_options;
  sim_options.strategy = options.replay == nullptr ? detent::sim::StrategyOption(detent::sim::Fifo())
                                                   : detent::sim::StrategyOption(detent::sim::Replay(*options.replay));
  sim_options.steps_max = options.steps_max;
  sim_options.time_max = options.time_max;
  detent::sim::SimLoop loop(sim_options);
  const uint64_t schedules = options.replay == nullptr ? options.schedules : 1;

  Report report;
  for (uint64_t i = 0; i < schedules; ++i) {
    const uint64_t seed = options.replay == nullptr ? SeedOfSchedule(options.seed, i) : options.replay->seed();
    if (i == 1) {
      loop.Reset(seed, options.strategy);
    } else {
      loop.Reset(seed);
    }
    std::string divergence;
    report.failure = RunToTheEnd(loop, body, [&] {
      report.tape = loop.tape();
      divergence = loop.divergence();
      loop.Reset(seed);
    });
    report.schedules = i + 1;
    report.ok = report.failure.empty() && !hooks.AssertionFailed();
    if (options.replay != nullptr) {
      report.text = "replayed from a tape";
      if (!divergence.empty()) {
        absl::StrAppend(&report.text, ", which does not fit any more: ", divergence,
                        "; from there on the calmest choices were made. The code has changed since the tape was made");
      } else if (report.tape.fingerprint() != options.replay->fingerprint()) {
        absl::StrAppend(&report.text, "; the run made the same choices but did other things than the recorded one: the "
                                      "code has changed, or something decides that is not on the tape");
      }
    } else {
      report.text = absl::StrCat("schedule ", i + 1, " of ", schedules, ", seed ", options.seed);
    }
    if (!report.ok || hooks.StopEarly()) break;
  }
  report.original = report.tape;
  if (!report.failure.empty()) report.text = absl::StrCat(report.failure, "\n", report.text);
  return report;
}

}  // namespace internal

Report Explore(const Options& options, const Body& body) {
  internal::NoHooks hooks;
  return internal::ExploreWithHooks(options, body, hooks);
}

}  // namespace detent_testing
