// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/process_pool.h"

#include <exception>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/io/internal/job_frames.h"
#include "detent/runtime/io/process.h"
#include "detent/runtime/outcome.h"
#include "detent/runtime/race.h"
#include "detent/runtime/semaphore.h"
#include "detent/runtime/sleep.h"
#include "detent/runtime/timeout.h"

namespace detent {
namespace internal {

class ProcessPoolState {
 public:
  ProcessPoolState(Command the_command, ProcessPoolOptions options)
      : command(std::move(the_command)), result_max(options.result_max), free(options.workers_max, "workers") {}

  // A worker that has no job and runs; none if there is none.
  Process TakeIdle() {
    while (!idle.empty()) {
      Process worker = std::move(idle.back());
      idle.pop_back();
      if (!worker.Status().has_value()) return worker;
    }
    return Process();
  }

  const Command command;
  const size_t result_max;
  Semaphore free;
  std::vector<Process> idle;
  size_t busy = 0;
  bool is_gone = false;
};

}  // namespace internal

namespace {

using internal::JobFrame;
using internal::JobHead;
using internal::ProcessPoolState;

// What a worker has written when it ends has been read so much later.
constexpr absl::Duration kLastWords = absl::Milliseconds(100);

// How a worker ended whose pipes have; one that only closed them is killed.
Coro<std::string> EndOfWorker(Process& worker) {
  Outcome<> end =
      co_await Settle(WithTimeout(kTerminatePatience, [&](Timeout&) -> Coro<> { (void)co_await worker.Wait(); }));
  if (!end.ok()) worker.Kill();
  const ExitStatus status = co_await worker.Wait();
  co_return status.ToString();
}

// False if the worker has ended before it had the whole job.
Coro<bool> Send(Process& worker, const std::string& job) {
  const std::string head = JobHead(JobFrame::kJob, job.size()).Bytes();
  const std::string_view pieces[] = {head, job};
  try {
    co_await worker.In().Write(pieces);
    co_return true;
  } catch (const std::system_error&) {
    co_return false;
  }
}

// Nothing at the end of the stream.
Coro<std::optional<std::string>> ReadAnswer(Process& worker, uint64_t size) {
  try {
    co_return co_await worker.Out().ReadExactly(size);
  } catch (const std::system_error&) {
  } catch (const IncompleteReadError&) {
  }
  co_return std::nullopt;
}

// A child of the worker's own may hold its pipes, so that the stream does not end with it.
Coro<std::optional<std::string>> NothingAfterTheEnd(Process& worker) {
  (void)co_await worker.Wait();
  co_await Sleep(kLastWords);
  co_return std::nullopt;
}

// Nothing if the worker ends before.
Coro<std::optional<std::string>> Receive(Process& worker, uint64_t size) {
  return Race(ReadAnswer(worker, size), NothingAfterTheEnd(worker));
}

// ProcessWorkerError unless it is that of an answer.
void CheckHead(const JobHead& head, const ProcessPoolState& state) {
  const std::string name = state.command.ToString();
  if (head.kind != JobFrame::kResult && head.kind != JobFrame::kError) {
    throw ProcessWorkerError(absl::StrCat("ProcessPool::Run(): what ", name,
                                          " answered is no answer; let it call RunProcessWorker(), and print nothing"));
  }
  if (head.size > state.result_max) {
    throw ProcessWorkerError(absl::StrCat("ProcessPool::Run(): ", name, " has a result of ", head.size,
                                          " bytes, and result_max is ", state.result_max));
  }
}

Coro<std::string> RunJob(std::shared_ptr<ProcessPoolState> state, std::string job) {
  const auto permit = co_await state->free.Hold();
  if (state->is_gone) {
    throw InvalidStateError(
        "ProcessPool::Run(): the pool was destroyed before a worker was free; let it live until its jobs have ended");
  }
  ++state->busy;
  const absl::Cleanup is_free = [&state] { --state->busy; };
  Process worker = state->TakeIdle();
  bool sent = worker && co_await Send(worker, job);
  if (!sent) {  // None was free, or the one that was has ended meanwhile.
    worker = co_await StartProcess(state->command, {.err = ProcessStream::kInherit});
    sent = co_await Send(worker, job);
  }
  std::optional<std::string> head_bytes;
  if (sent) head_bytes = co_await Receive(worker, JobHead::kSize);
  std::optional<std::string> text;
  if (head_bytes.has_value()) {
    CheckHead(JobHead(*head_bytes), *state);
    text = co_await Receive(worker, JobHead(*head_bytes).size);
  }
  if (!text.has_value()) {
    const std::string end = co_await EndOfWorker(worker);
    throw ProcessWorkerError(absl::StrCat("ProcessPool::Run(): the worker ", state->command.ToString(),
                                          " did not answer: ", end,
                                          "; the job may have been done, and the next one gets another worker"));
  }
  if (!state->is_gone) state->idle.push_back(std::move(worker));
  if (JobHead(*head_bytes).kind == JobFrame::kError) throw ProcessJobError(*text);
  co_return *std::move(text);
}

}  // namespace

ProcessPool::ProcessPool(Command worker, ProcessPoolOptions options)
    : state_([&] {
        if (options.workers_max < 1) {
          throw std::invalid_argument(absl::StrCat("ProcessPool(): workers_max is ", options.workers_max,
                                                   "; without a worker no job would ever begin: give 1 or more"));
        }
        return std::make_shared<ProcessPoolState>(std::move(worker), options);
      }()) {}

ProcessPool::~ProcessPool() {
  state_->is_gone = true;
  state_->idle.clear();
}

Coro<std::string> ProcessPool::Run(std::string job, std::source_location where) {
  return RunJob(state_, std::move(job)).At(where);
}

size_t ProcessPool::WorkerCount() const { return state_->idle.size() + state_->busy; }

size_t ProcessPool::BusyCount() const { return state_->busy; }

}  // namespace detent
