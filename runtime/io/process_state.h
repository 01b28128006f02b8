// SPDX-License-Identifier: Apache-2.0
//
// ProcessState, ExitWait: what a Process is behind its handle, and how a task waits for its end. Internal.
//
// Suspension.    ExitWait until the program ends.
// Cancellation.  Changes nothing.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_IO_PROCESS_STATE_H_
#define DETENT_RUNTIME_IO_PROCESS_STATE_H_

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <string>

#include "detent/runtime/internal/awaiting.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/parked_wait.h"
#include "detent/runtime/internal/ref.h"
#include "detent/runtime/internal/wait_list.h"
#include "detent/runtime/io/connection.h"
#include "detent/runtime/io/internal/programs.h"

namespace detent::internal {

class ExitWait;

// Its name is the program's. Kept by the handle, and by a Communicate() that is under way.
class ProcessState final : public NamedObject, private ChildObserver {
 public:
  enum StreamNumber { kIn, kOut, kErr };

  ProcessState(LoopCore& core, const std::string& program, StartedChild started, std::source_location where);
  ~ProcessState() { Drop(); }

  // The handle goes: the child and its pipes too.
  void Drop() noexcept;

  const std::optional<ExitStatus>& status() const { return status_; }
  int pid() const { return pid_; }
  bool has_session() const { return has_session_; }
  void set_has_session(bool has) { has_session_ = has; }
  // InvalidStateError if it is no pipe.
  Connection& Stream(StreamNumber which);
  bool IsPipe(StreamNumber which) const { return static_cast<bool>(streams_[which]); }
  void SendSignal(int signal, bool to_group);

  // What Communicate() has to write, has written and has read.
  class Talk {
   public:
    std::optional<std::string> input;
    size_t written = 0;
    size_t written_last = 0;  // By the write that is under way.
    std::string out;
    std::string err;
  };
  Talk talk;

 private:
  friend class ParkedWait<ProcessState>;
  friend class ExitWait;

  void OnExit(ExitStatus status) override;

  const Ref<LoopCore> core_;      // A Process may outlive its loop.
  std::unique_ptr<Child> child_;  // Null once it was dropped.
  Connection streams_[3];
  WaitList waiters_;
  std::optional<ExitStatus> status_;
  const int pid_;
  bool has_session_ = false;
};

class [[nodiscard("does nothing until awaited: write co_await")]] ExitWait : public ParkedWait<ProcessState>,
                                                                             public OwnAwaiter<ExitWait> {
 public:
  explicit ExitWait(ProcessState& process) : ParkedWait(process) {}

  bool Ready(TaskState& task) const;
  Ending End(TaskState& task);
  ExitStatus Take() const { return status_; }
  std::exception_ptr TakeError() const;

  void Abandon() noexcept final;
  WaitKind Kind() const final { return WaitKind::kExit; }
  void Describe(WaitText& text) const final { DescribeCall(text, "Process", "Wait"); }

 private:
  mutable ExitStatus status_;
  mutable bool is_refused_ = false;  // It was dropped before, or belongs to another process.
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_PROCESS_STATE_H_
