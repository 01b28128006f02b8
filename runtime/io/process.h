// SPDX-License-Identifier: Apache-2.0
//
// StartProcess, RunProcess: child processes.
//
//   ProcessOutput listed = co_await RunProcess(Command("git", "status", "--short"));
//   if (listed.status.ok()) Use(listed.out);
//
//   Process sort = co_await StartProcess(Command("sort"));
//   co_await sort.In().Write("b\na\n");
//   sort.In().Close();
//   std::string first = co_await sort.Out().ReadLine();
//   ExitStatus status = co_await sort.Wait();
//
// A child starts with the default action of every signal, none blocked, and no descriptor but its three streams.
//
// Order.         Wait() ends when the program does, whoever still has its pipes: a grandchild, say. What it wrote
//                before can still be read. Communicate() ends when both outputs have ended too.
// Suspension.    Starting does not suspend: it takes as long as the system takes to load the program. Wait() until the
//                program ends, Communicate() until that and the end of its outputs.
// Cancellation.  Of Wait() and Communicate(): the program goes on, what was read is kept for the next Communicate(). Of
//                RunProcess(): SIGTERM, SIGKILL after kTerminatePatience or a second cancellation, and it throws when
//                the program has ended.
// Errors.        std::system_error if it cannot be started, with the errno: no such program (ENOENT), not executable
//                (EACCES), no such directory. A stream that is no pipe: InvalidStateError. A pipe that the program has
//                closed: EPIPE, which Communicate() passes over. A status that somebody else took: ExitStatus::known(),
//                and a report.
// Ownership.     A Process that is dropped closes its pipes, and is killed and reaped if it still runs. Move-only.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_IO_PROCESS_H_
#define DETENT_RUNTIME_IO_PROCESS_H_

#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/io/command.h"
#include "detent/runtime/io/connection.h"
#include "detent/runtime/io/internal/exit_status.h"
#include "detent/runtime/io/process_state.h"

namespace detent {

struct ProcessOptions {
  ProcessStream in = ProcessStream::kPipe;
  ProcessStream out = ProcessStream::kPipe;
  ProcessStream err = ProcessStream::kPipe;
  // A session of its own, so that KillGroup() reaches what it starts, and a Ctrl-C in the terminal does not reach it.
  bool new_session = false;
};

// What a program has written, and how it ended.
class ProcessOutput {
 public:
  ProcessOutput() {}
  ProcessOutput(std::string its_out, std::string its_err, ExitStatus its_status)
      : out(std::move(its_out)), err(std::move(its_err)), status(its_status) {}

  std::string out;
  std::string err;
  ExitStatus status;
};

class Process {
 public:
  Process() {}
  Process(Process&& other) noexcept : state_(std::move(other.state_)) {}
  Process& operator=(Process&& other) noexcept {
    if (this != &other) {
      Drop();
      state_ = std::move(other.state_);
    }
    return *this;
  }
  ~Process() { Drop(); }

  // False if it was default-constructed or moved from.
  explicit operator bool() const { return state_ != nullptr; }

  // Its standard streams, as far as they are pipes. Close In() to tell the program that there is no more.
  Connection& In() { return state().Stream(internal::ProcessState::kIn); }
  Connection& Out() { return state().Stream(internal::ProcessState::kOut); }
  Connection& Err() { return state().Stream(internal::ProcessState::kErr); }

  // How it ended. Any number of tasks may wait, and again.
  internal::ExitWait Wait();
  // The same, or nothing while it runs.
  std::optional<ExitStatus> Status() const { return state().status(); }

  // Writes `input` to the program and closes its input, collects its outputs, and waits for its end. After one that was
  // cancelled it is called again without input, and goes on: nothing is lost.
  Coro<ProcessOutput> Communicate(std::string input = {}, std::source_location where = std::source_location::current());

  // SIGTERM, SIGKILL, or any signal; nothing if the program has ended. std::invalid_argument if there is no such
  // signal.
  void Terminate();
  void Kill();
  void SendSignal(int signal);
  // SIGKILL to the session of the program, while the program itself runs. InvalidStateError without `new_session`.
  void KillGroup();

  int Pid() const { return state().pid(); }

  // --- For the library ---

  explicit Process(std::shared_ptr<internal::ProcessState> state) : state_(std::move(state)) {}

 private:
  internal::ProcessState& state() const {
    if (state_ == nullptr) [[unlikely]]
      ThrowEmpty();
    return *state_;
  }
  [[noreturn]] static void ThrowEmpty();
  void Drop() noexcept {
    if (state_ != nullptr) std::exchange(state_, nullptr)->Drop();
  }

  std::shared_ptr<internal::ProcessState> state_;
};

Coro<Process> StartProcess(Command command, ProcessOptions options = ProcessOptions(),
                           std::source_location where = std::source_location::current());

// How long a program may take to end after SIGTERM.
inline constexpr absl::Duration kTerminatePatience = absl::Seconds(5);

// Starts a program, gives it `input`, and collects what it writes until it has ended.
Coro<ProcessOutput> RunProcess(Command command, std::string input = {},
                               std::source_location where = std::source_location::current());

inline internal::ExitWait Process::Wait() { return internal::ExitWait(state()); }

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_PROCESS_H_
