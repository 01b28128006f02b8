// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/process_state.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/access.h"

namespace detent::internal {
namespace {

constexpr const char* kStreamNames[] = {"In", "Out", "Err"};

Connection Connected(LoopCore& core, std::unique_ptr<StreamSocket> socket, std::source_location where) {
  if (socket == nullptr) return Connection();
  return Connection(Ref<ConnectionState>(new ConnectionState(core, std::move(socket), where)));
}

}  // namespace

ProcessState::ProcessState(LoopCore& core, const std::string& program, StartedChild started, std::source_location where)
    : NamedObject(program), core_(&core), child_(std::move(started.child)), pid_(child_->pid()) {
  streams_[kIn] = Connected(core, std::move(started.in), where);
  streams_[kOut] = Connected(core, std::move(started.out), where);
  streams_[kErr] = Connected(core, std::move(started.err), where);
  child_->SetObserver(this);
}

void ProcessState::Drop() noexcept {
  if (child_ == nullptr) return;
  NoteUnknownAccess(*core_);
  child_ = nullptr;
  for (Connection& stream : streams_) {
    if (stream) stream.state()->Drop();
  }
  waiters_.OrphanAll();
}

Connection& ProcessState::Stream(StreamNumber which) {
  if (!streams_[which]) {
    throw InvalidStateError(absl::StrCat("Process::", kStreamNames[which], "() of ", Called("Process"),
                                         ": this stream is no pipe; ask for one in ProcessOptions"));
  }
  return streams_[which];
}

void ProcessState::SendSignal(int signal, bool to_group) {
  if (!core_->IsClosed()) core_->CheckThread("Process::SendSignal()");
  NoteUnknownAccess(*core_);
  if (!status_.has_value()) child_->SendSignal(signal, to_group);
}

void ProcessState::OnExit(ExitStatus status) {
  status_ = status;
  if (!status.known()) {
    core_->Report(ExceptionContext(absl::StrCat("the exit status of ", Called("Process"), ", process ", pid_,
                                                ", is unknown: somebody else has asked the system for it; wait for no "
                                                "child that is not your own, and do not ignore SIGCHLD"),
                                   nullptr));
  }
  waiters_.WakeAll();
}

bool ExitWait::Ready(TaskState& task) const {
  NoteAccess(task.core(), object(), AccessMode::kRead);
  is_refused_ = object().child_ == nullptr || object().core_->IsDisowned();
  if (is_refused_) return true;
  if (!object().status_.has_value()) return false;
  status_ = *object().status_;
  return true;
}

Ending ExitWait::End(TaskState& task) {
  if (!IsParked()) return is_refused_ ? Ending::kError : Ending::kValue;
  if (!IsOrphan() && object().status_.has_value()) status_ = *object().status_;
  Abandon();
  return EndOfWait(task);
}

std::exception_ptr ExitWait::TakeError() const {
  if (!is_refused_) return OrphanError();
  const LoopCore& core = *object().core_;
  if (core.IsDisowned()) return std::make_exception_ptr(InvalidStateError(core.DisownedText("Process::Wait()")));
  return std::make_exception_ptr(InvalidStateError(absl::StrCat("Process::Wait() on ", object().Called("Process"),
                                                                ": it was dropped, and with it the program; keep "
                                                                "the Process until it has ended")));
}

void ExitWait::Abandon() noexcept {
  if (!IsOrphan()) object().waiters_.Remove(this);
}

}  // namespace detent::internal
