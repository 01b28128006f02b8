// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/process_worker.h"

#include <cstdio>
#include <exception>
#include <utility>

#include "detent/runtime/io/internal/job_frames.h"
#include "detent/runtime/outcome.h"

namespace detent {
namespace {

using internal::JobFrame;
using internal::JobHead;

class Answer {
 public:
  Answer(JobFrame kind, std::string the_text)
      : head(JobHead(kind, the_text.size()).Bytes()), text(std::move(the_text)) {}

  std::string head;
  std::string text;
};

Answer Failed(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return Answer(JobFrame::kError, e.what());
  } catch (...) {
    return Answer(JobFrame::kError, "an exception that is no std::exception");
  }
}

Answer Compute(const ProcessJob& fn, std::string_view job) {
  try {
    return Answer(JobFrame::kResult, fn(job));
  } catch (...) {
    return Failed(std::current_exception());
  }
}

Coro<Answer> ComputeSlowly(const SlowProcessJob& fn, std::string job) {
  Outcome<std::string> outcome = co_await Settle(fn(std::move(job)));
  co_return outcome.ok() ? Answer(JobFrame::kResult, std::move(outcome).value()) : Failed(outcome.exception());
}

Coro<std::string> Immediately(ProcessJob fn, std::string job) { co_return fn(job); }

bool WriteAll(std::string_view bytes) { return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size(); }

Coro<> Serve(Connection& in, Connection& out, SlowProcessJob fn) {
  while (true) {
    std::string head_bytes = co_await in.Read(JobHead::kSize);
    if (head_bytes.empty()) co_return;
    if (head_bytes.size() < JobHead::kSize) head_bytes += co_await in.ReadExactly(JobHead::kSize - head_bytes.size());
    std::string job = co_await in.ReadExactly(JobHead(head_bytes).size);
    const Answer answer = co_await ComputeSlowly(fn, std::move(job));
    const std::string_view pieces[] = {answer.head, answer.text};
    co_await out.Write(pieces);
  }
}

int RefuseInput() {
  std::fputs("RunProcessWorker(): the input is not what a ProcessPool sends; let a pool start this program\n", stderr);
  return 1;
}

}  // namespace

int RunProcessWorker(const ProcessJob& fn) {
  std::string job;
  while (true) {
    char head_bytes[JobHead::kSize];
    const size_t size = std::fread(head_bytes, 1, sizeof(head_bytes), stdin);
    if (size == 0) return 0;
    if (size < sizeof(head_bytes)) return RefuseInput();
    const JobHead head(std::string_view(head_bytes, sizeof(head_bytes)));
    if (head.kind != JobFrame::kJob || head.size > job.max_size()) return RefuseInput();
    job.resize(head.size);
    if (std::fread(job.data(), 1, job.size(), stdin) != job.size()) return RefuseInput();
    const Answer answer = Compute(fn, job);
    if (!WriteAll(answer.head) || !WriteAll(answer.text) || std::fflush(stdout) != 0) return 0;  // Nobody waits for it.
  }
}

Coro<> ServeProcessJobs(Connection& in, Connection& out, SlowProcessJob fn, std::source_location where) {
  return Serve(in, out, std::move(fn)).At(where);
}

Coro<> ServeProcessJobs(Connection& in, Connection& out, ProcessJob fn, std::source_location where) {
  SlowProcessJob slow = [fn = std::move(fn)](std::string job) -> Coro<std::string> {
    return Immediately(fn, std::move(job));
  };
  return Serve(in, out, std::move(slow)).At(where);
}

}  // namespace detent
