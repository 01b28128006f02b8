// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/process.h"

#include <cerrno>
#include <exception>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/io/internal/outside.h"
#include "detent/runtime/io/internal/signal_numbers.h"
#include "detent/runtime/outcome.h"
#include "detent/runtime/task_group.h"
#include "detent/runtime/timeout.h"

namespace detent {
namespace {

using internal::ProcessState;
using StatePtr = std::shared_ptr<ProcessState>;

constexpr size_t kChunk = 64 * 1024;

// A program that wants no more input is no error of who gives it.
bool IsClosedPipe(std::exception_ptr error) {
  try {
    std::rethrow_exception(std::move(error));
  } catch (const std::system_error& e) {
    return e.code().value() == EPIPE || e.code().value() == ECONNRESET;
  } catch (...) {
    return false;
  }
}

Coro<> Feed(StatePtr process) {
  Connection& in = process->Stream(ProcessState::kIn);
  ProcessState::Talk& talk = process->talk;
  talk.written += std::exchange(talk.written_last, 0);
  const std::string_view rest = std::string_view(*talk.input).substr(talk.written);
  if (!rest.empty()) {
    Outcome<> outcome = co_await Settle(in.Write(rest, &talk.written_last));
    talk.written += std::exchange(talk.written_last, 0);
    if (!outcome.ok() && !IsClosedPipe(outcome.exception())) co_await Propagate(std::move(outcome));
  }
  in.Close();
}

Coro<> Collect(StatePtr process, ProcessState::StreamNumber which, std::string* into) {
  Connection& stream = process->Stream(which);
  while (true) {
    const std::string some = co_await stream.Read(kChunk);
    if (some.empty()) co_return;
    *into += some;
  }
}

Coro<> Talk(StatePtr process, bool feeds) {
  co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
    if (feeds) group.Spawn(Feed(process));
    if (process->IsPipe(ProcessState::kOut)) group.Spawn(Collect(process, ProcessState::kOut, &process->talk.out));
    if (process->IsPipe(ProcessState::kErr)) group.Spawn(Collect(process, ProcessState::kErr, &process->talk.err));
    co_return;
  });
}

Coro<ProcessOutput> TalkToEnd(StatePtr process, bool feeds) {
  co_await Talk(process, feeds);
  const ExitStatus status = co_await internal::ExitWait(*process);
  co_return ProcessOutput(std::move(process->talk.out), std::move(process->talk.err), status);
}

Coro<> Stop(Process& process) {
  process.Terminate();
  const Outcome<> outcome =
      co_await Settle(WithTimeout(kTerminatePatience, [&](Timeout&) -> Coro<> { (void)co_await process.Wait(); }));
  if (outcome.ok()) co_return;
  process.Kill();
  (void)co_await process.Wait();
}

Coro<ProcessOutput> RunToEnd(Command command, std::string input) {
  Process process = co_await StartProcess(std::move(command));
  Outcome<ProcessOutput> outcome = co_await Catch(process.Communicate(std::move(input)));
  if (!outcome.ok()) co_await Stop(process);
  if (!outcome.ok()) co_await Propagate(std::move(outcome));
  co_return std::move(outcome).value();
}

[[noreturn]] void ThrowNotStarted(const Command& command, const internal::StartedChild& started) {
  const internal::ProgramSpec& spec = command.spec();
  std::string text = absl::StrCat("start ", spec.arguments[0]);
  if (started.failed == internal::StartedChild::Failed::kDirectory) {
    absl::StrAppend(&text, " (the directory ", spec.directory, ")");
  } else if (!spec.directory.empty()) {
    absl::StrAppend(&text, " in ", spec.directory);
  }
  throw std::system_error(started.error, std::generic_category(), text);
}

Coro<Process> Start(Command command, ProcessOptions options, std::source_location where) {
  internal::LoopCore& core = internal::RequireCore("StartProcess()");
  if (options.in == ProcessStream::kOutput || options.out == ProcessStream::kOutput) {
    throw std::invalid_argument(
        "StartProcess(): ProcessStream::kOutput is for the errors; choose another for `in` and `out`");
  }
  internal::ProgramSpec spec = command.spec();
  spec.in = options.in;
  spec.out = options.out;
  spec.err = options.err;
  spec.new_session = options.new_session;
  internal::StartedChild started = core.owner().outside().programs().Start(spec);
  if (started.child == nullptr) ThrowNotStarted(command, started);
  auto state = std::make_shared<ProcessState>(core, spec.arguments[0], std::move(started), where);
  state->set_has_session(options.new_session);
  co_return Process(std::move(state));
}

}  // namespace

Coro<Process> StartProcess(Command command, ProcessOptions options, std::source_location where) {
  return Start(std::move(command), options, where).At(where);
}

Coro<ProcessOutput> RunProcess(Command command, std::string input, std::source_location where) {
  return RunToEnd(std::move(command), std::move(input)).At(where);
}

Coro<ProcessOutput> Process::Communicate(std::string input, std::source_location where) {
  ProcessState& process = state();
  const bool has_pipe = process.IsPipe(ProcessState::kIn);
  if (process.talk.input.has_value()) {
    if (!input.empty()) {
      throw InvalidStateError(
          "Process::Communicate(): it has its input already, from a call that was cancelled; call it without");
    }
  } else {
    if (!has_pipe && !input.empty()) {
      throw InvalidStateError(
          "Process::Communicate(): there is input, but the program's is no pipe; ask for one in ProcessOptions");
    }
    process.talk.input = std::move(input);
  }
  const bool feeds = has_pipe && process.Stream(ProcessState::kIn).state()->IsOpen();
  return TalkToEnd(state_, feeds).At(where);
}

void Process::Terminate() { SendSignal(internal::kTerminateSignal); }
void Process::Kill() { SendSignal(internal::kKillSignal); }

void Process::SendSignal(int signal) {
  internal::RequireSignal(signal);
  state().SendSignal(signal, /*to_group=*/false);
}

void Process::KillGroup() {
  if (!state().has_session()) {
    throw InvalidStateError(
        "Process::KillGroup(): the program shares our own group; start it with ProcessOptions::new_session");
  }
  state().SendSignal(internal::kKillSignal, /*to_group=*/true);
}

void Process::ThrowEmpty() {
  throw InvalidStateError("this Process is empty: it was default-constructed or moved from; StartProcess() gives one");
}

}  // namespace detent
