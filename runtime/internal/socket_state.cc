// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/socket_state.h"

#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/access.h"

namespace detent::internal {
namespace {

bool IsLoss(int error) {
  return error == ECONNRESET || error == ETIMEDOUT || error == EHOSTUNREACH || error == ENETUNREACH;
}

}  // namespace

void SocketState::Close(const char* what) {
  if (core_->loop != nullptr) core_->loop->CheckThread(what);
  NoteUnknownAccess(*core_);
  if (!std::exchange(open_, false)) return;
  CloseSocket();
}

void SocketState::Drop() noexcept {
  try {
    Close("dropping a socket");
  } catch (...) {
    AddReference();  // Better a socket that stays open than one that two threads touch.
    ReportHere("a Connection or Listener was not closed", std::current_exception());
  }
}

ConnectionState::ConnectionState(LoopCore& core, std::unique_ptr<StreamSocket> socket)
    : SocketState(core), socket_(std::move(socket)), scratch_(core.loop->network().scratch()) {
  socket_->SetObserver(this);
}

bool ConnectionState::Fill() {
  input_.Keep();
  const int64_t result = socket_->Read(scratch_, Network::kScratchSize);
  if (result == -EAGAIN) return false;
  if (result > 0) {
    input_.Add(std::string_view(scratch_, static_cast<size_t>(result)));
  } else if (result < 0) {
    broken_ = static_cast<int>(-result);
  } else if (lost_ != 0) {
    broken_ = lost_;
  } else {
    ended_ = true;
  }
  CountEager();
  return true;
}

int64_t ConnectionState::Write(const char* data, size_t size) {
  const int64_t result = socket_->Write(data, size);
  // The kernel tells of a lost connection once. If a writer is told, the reader must not see a proper end.
  if (result < 0 && IsLoss(static_cast<int>(-result))) [[unlikely]] lost_ = static_cast<int>(-result);
  CountEager();
  return result;
}

void ConnectionState::CloseWrite() {
  if (std::exchange(write_closed_, true)) return;
  if (writers_.empty()) socket_->ShutdownWrite();
}

void ConnectionState::QueueEmptied(const WaitList& queue) {
  if (&queue == &writers_ && write_closed_ && IsOpen()) socket_->ShutdownWrite();
}

void ConnectionState::CloseSocket() {
  socket_->Close();
  input_.Clear();
  readers_.WakeAll();
  writers_.WakeAll();
}

void ListenerState::CloseSocket() {
  socket_->Close();
  accepters_.WakeAll();
}

bool SocketWait::Ready(TaskState& task) {
  NoteUnknownAccess(task.core());
  if (&task.core() != &state_->core()) [[unlikely]] {
    Fail(Failure::kOtherLoop);
    return true;
  }
  if (!state_->IsOpen()) [[unlikely]] {
    Fail(Failure::kClosed);
    return true;
  }
  if (Refuses()) [[unlikely]] return true;
  return queue_->empty() && Try();
}

WaitNode* SocketWait::Suspend(TaskState& task) {
  Park(task);
  queue_->Append(this);
  task.RequestRecheck();
  if (yields_turn_) Wake();
  state_->Suspended();
  return this;
}

bool SocketWait::Recheck() {
  NoteUnknownAccess(task()->core());
  if (!state_->IsOpen()) {
    Fail(Failure::kClosedMeanwhile);
    return true;
  }
  if (Try()) return true;
  Park(*task());
  if (yields_turn_) Wake();
  state_->Suspended();
  return false;
}

Ending SocketWait::End(TaskState& task) {
  if (IsParked()) {
    const Ending ending = EndOfWait(task);
    Leave();
    if (ending != Ending::kValue) return ending;
  }
  return failure_ == Failure::kNone ? Ending::kValue : Ending::kError;
}

void SocketWait::Leave() noexcept {
  NoteUnknownAccess(task()->core());
  WaitList::Remove(this);
  if (queue_->empty()) {
    state_->QueueEmptied(*queue_);
  } else {
    queue_->WakeFirst();
  }
}

std::exception_ptr SocketWait::TakeError() {
  switch (failure_) {
    case Failure::kErrno:
      return std::make_exception_ptr(
          std::system_error(errno_, std::generic_category(), absl::StrCat(Verb(), " ", state_->Address())));
    case Failure::kOther:
      return MakeOtherError();
    case Failure::kOtherLoop:
      return std::make_exception_ptr(InvalidStateError(absl::StrCat(
          ErrorPrefix(), "it belongs to another event loop; use it in the loop in which it was made")));
    case Failure::kClosed:
      return std::make_exception_ptr(InvalidStateError(absl::StrCat(ErrorPrefix(), "it was closed before this call")));
    case Failure::kClosedMeanwhile:
      return std::make_exception_ptr(
          InvalidStateError(absl::StrCat(ErrorPrefix(), "it was closed while this call waited")));
    case Failure::kBusy:
      return std::make_exception_ptr(InvalidStateError(absl::StrCat(
          ErrorPrefix(), "another task is reading already; let one task read, or take turns with a Lock")));
    case Failure::kNone:
      break;
  }
  return nullptr;
}

std::string SocketWait::Describe() const { return absl::StrCat(Name(), " on ", state_->Address()); }

std::string SocketWait::ErrorPrefix() const { return absl::StrCat(Name(), "() on ", state_->Address(), ": "); }

}  // namespace detent::internal
