// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/internal/disk.h"

#include <system_error>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/access.h"

namespace detent::internal {
namespace {

// The name of the call, for who reads of it.
const char* Name(DiskVerb verb) {
  switch (verb) {
    case DiskVerb::kClose:
      return "Close";
    case DiskVerb::kReadAt:
      return "ReadAt";
    case DiskVerb::kWriteAt:
      return "WriteAt";
    case DiskVerb::kAppend:
      return "Append";
    case DiskVerb::kSync:
      return "Sync";
    case DiskVerb::kSyncData:
      return "SyncData";
    case DiskVerb::kTruncate:
      return "Truncate";
    case DiskVerb::kSize:
      return "Size";
    case DiskVerb::kOpen:
      return "OpenFile";
    case DiskVerb::kMakeDirectory:
      return "MakeDirectory";
    case DiskVerb::kRename:
      return "RenameFile";
    case DiskVerb::kRemove:
      return "RemoveFile";
    case DiskVerb::kList:
      return "ListDirectory";
    case DiskVerb::kStat:
      return "StatFile";
    case DiskVerb::kSyncDirectory:
      return "SyncDirectory";
  }
  return "";
}

bool OnlyLooks(DiskVerb verb) { return verb == DiskVerb::kReadAt || verb == DiskVerb::kSize; }

}  // namespace

// --- Disk ---

void Disk::Enter(DiskWait& wait) {
  if (count_ >= kUnderWayMax) {
    wait.place_ = DiskWait::Place::kInCrowd;
    return crowd_.Append(&wait);
  }
  wait.place_ = DiskWait::Place::kUnderWay;
  wait.under_way_ = wait.call_.get();
  wait.call_->wait = &wait;
  wait.call_->state = wait.state_.get();
  if (wait.state_) wait.state_->AddReference();
  Begin(std::move(wait.call_));
}

void Disk::LeftCrowd(DiskWait& wait) {
  WaitList::Remove(&wait);
  if (wait.state_) wait.state_->Finished(*wait.call_);
}

void Disk::Begin(std::unique_ptr<DiskCall> call) {
  if (!detached_) {
    under_way_.Append(call.get());
    ++count_;
  }
  Start(std::move(call));
}

void Disk::Undo(DiskCall& opened) {
  auto close = std::make_unique<DiskCall>(DiskVerb::kClose, opened.path);
  close->file = std::move(opened.file);
  Begin(std::move(close));
  if (opened.is_temporary) Begin(std::make_unique<DiskCall>(DiskVerb::kRemove, opened.path));
}

void Disk::Done(std::unique_ptr<DiskCall> call) {
  const Ref<Disk> keep(this);
  if (!call->IsListed()) return;  // Forgotten.
  DiskWait* const wait = std::exchange(call->wait, nullptr);
  const Ref<FileState> state = Ref<FileState>::Adopted(std::exchange(call->state, nullptr));
  List<DiskCall>::Unlist(call.get());
  --count_;
  if (state) state->Finished(*call);
  if (DiskCallObserver* const observer = std::exchange(call->observer, nullptr)) {
    observer->OnDone(std::move(call));
  } else if (wait != nullptr) {
    wait->Finish(std::move(call));
  } else if (call->verb == DiskVerb::kOpen && call->file != nullptr) {
    Undo(*call);
  }
  Admit();
  if (state) state->StartNext();
}

void Disk::Admit() {
  while (count_ < kUnderWayMax && !crowd_.empty()) {
    DiskWait& wait = static_cast<DiskWait&>(*crowd_.first());
    WaitList::Remove(&wait);
    if (wait.MayBegin()) {
      Enter(wait);
    } else if (wait.state_) {
      wait.state_->Finished(*wait.call_);
      wait.state_->StartNext();
    }
  }
}

void Disk::Forget(DiskCall& call) {
  // Whoever waits does so for ever, and the call may go before him.
  if (DiskWait* const wait = std::exchange(call.wait, nullptr)) wait->place_ = DiskWait::Place::kNowhere;
  if (!call.IsListed()) return;
  List<DiskCall>::Unlist(&call);
  --count_;
  if (DiskCallObserver* const observer = std::exchange(call.observer, nullptr)) observer->OnForgotten();
  if (FileState* const state = std::exchange(call.state, nullptr)) state->DropReference();
}

void Disk::Detach() {
  const Ref<Disk> keep(this);
  detached_ = true;
  while (DiskCall* const call = under_way_.first()) Forget(*call);
}

// --- FileState ---

FileState::FileState(LoopCore& core, Disk& disk, std::unique_ptr<DiskCall> opened, std::source_location where)
    : OpenSocket(where),
      core_(&core),
      disk_(&disk),
      path_(std::move(opened->path)),
      options_(opened->options),
      file_(std::move(opened->file)) {
  core.AddReference();
  core.open_sockets.Append(this);
}

FileState::~FileState() {
  Unlist();
  closed_ = true;
  CloseIfLeft();
  core_->DropReference();
}

void FileState::Drop() noexcept {
  try {
    // In a child that fork() made it is closed like any other, there.
    if (!core_->IsClosed() && !core_->IsDisowned()) core_->CheckThread("dropping a File");
    Unlist();
  } catch (...) {
    AddReference();  // Better a file that stays open than one that two threads touch.
    ReportHere(ExceptionContext("a File was not closed", std::current_exception(), ReportKind::kNotClosed));
  }
}

void FileState::Add(DiskWait& wait) {
  waiting_.Append(&wait);
  wait.place_ = DiskWait::Place::kInFile;
  if (wait.verb_ == DiskVerb::kClose) {
    closed_ = true;
    Unlist();
  }
  StartNext();
}

void FileState::StartNext() {
  const Ref<FileState> keep(this);
  while (!waiting_.empty()) {
    DiskWait& wait = static_cast<DiskWait&>(*waiting_.first());
    const bool only_looks = OnlyLooks(wait.verb_);
    if (changing_ || (reading_ > 0 && !only_looks)) return;
    WaitList::Remove(&wait);
    if (!wait.MayBegin()) continue;
    if (lost_ != 0) {
      wait.Fail(DiskWait::Failure::kLost);
      continue;
    }
    if (only_looks) {
      ++reading_;
    } else {
      changing_ = true;
    }
    wait.call_->file = wait.verb_ == DiskVerb::kClose ? std::move(file_) : file_;
    disk_->Enter(wait);
  }
  CloseIfLeft();
}

void FileState::CloseIfLeft() noexcept {
  if (!closed_ || file_ == nullptr || changing_ || reading_ > 0 || !waiting_.empty()) return;
  try {
    auto call = std::make_unique<DiskCall>(DiskVerb::kClose, path_);
    call->file = std::move(file_);
    disk_->Begin(std::move(call));
  } catch (...) {  // No memory: better here than never.
    file_ = nullptr;
  }
}

void FileState::Left(DiskWait& wait) {
  WaitList::Remove(&wait);
  StartNext();
}

void FileState::Finished(const DiskCall& call) {
  if (OnlyLooks(call.verb)) {
    --reading_;
  } else {
    changing_ = false;
  }
  if ((call.verb == DiskVerb::kSync || call.verb == DiskVerb::kSyncData) && call.error != 0) lost_ = call.error;
}

// --- DiskWait ---

WaitNode* DiskWait::Suspend(TaskState& task) {
  NoteUnknownAccess(task.core());
  Park(task);
  if (&task.core() != core_) {
    Fail(Failure::kOtherLoop);
  } else if (core_->IsDisowned()) {
    Fail(Failure::kOtherProcess);
  } else if (!state_) {
    disk_->Enter(*this);
  } else if (state_->IsClosed()) {
    Fail(Failure::kClosed);
  } else {
    state_->Add(*this);
  }
  return this;
}

Ending DiskWait::End(TaskState& task) {
  const Ending ending = EndOfWait(task);
  if (ending != Ending::kValue) {
    Leave();
    return ending;
  }
  NoteUnknownAccess(task.core());
  return failure_ == Failure::kNone && call_->error == 0 ? Ending::kValue : Ending::kError;
}

void DiskWait::Leave() noexcept {
  NoteUnknownAccess(*core_);
  switch (std::exchange(place_, Place::kNowhere)) {
    case Place::kInFile:
      return state_->Left(*this);
    case Place::kInCrowd:
      disk_->LeftCrowd(*this);
      if (state_) state_->StartNext();
      break;
    case Place::kUnderWay:
      under_way_->wait = nullptr;
      return;
    case Place::kNowhere:
      break;
  }
  if (call_ == nullptr || call_->file == nullptr) return;
  if (verb_ == DiskVerb::kOpen) disk_->Undo(*call_);              // It was done, and nobody has heard of it.
  if (verb_ == DiskVerb::kClose) disk_->Begin(std::move(call_));  // It closes all the same.
}

bool DiskWait::MayBegin() {
  if (!IsCancelled() && !core_->tearing_down) return true;
  place_ = Place::kNowhere;
  return false;
}

void DiskWait::Fail(Failure failure) {
  failure_ = failure;
  place_ = Place::kNowhere;
  Wake();
}

void DiskWait::Finish(std::unique_ptr<DiskCall> call) {
  call_ = std::move(call);
  place_ = Place::kNowhere;
  Wake();
}

WaitKind DiskWait::Kind() const {
  switch (verb_) {
    case DiskVerb::kReadAt:
    case DiskVerb::kSize:
    case DiskVerb::kList:
    case DiskVerb::kStat:
      return WaitKind::kRead;
    default:
      return WaitKind::kWrite;
  }
}

void DiskWait::Describe(WaitText& text) const {
  const DiskCall& call = call_ != nullptr ? *call_ : *under_way_;
  if (state_) text.type = "File";
  text.verb = Name(verb_);
  text.preposition = "on";
  text.object = state_ ? state_->path() : call.path;
}

std::string DiskWait::Call() const { return absl::StrCat(state_ ? "File::" : "", Name(verb_), "()"); }

std::string DiskWait::ErrorPrefix() const {
  return absl::StrCat(Call(), " on ", state_ ? state_->path() : call_->path, ": ");
}

std::exception_ptr DiskWait::TakeError() const {
  switch (failure_) {
    case Failure::kOtherLoop:
      return std::make_exception_ptr(InvalidStateError(
          absl::StrCat(ErrorPrefix(), "it belongs to another event loop; use it in the loop in which it was opened")));
    case Failure::kOtherProcess:
      return std::make_exception_ptr(InvalidStateError(core_->DisownedText(Call())));
    case Failure::kClosed:
      return std::make_exception_ptr(InvalidStateError(absl::StrCat(ErrorPrefix(), "it was closed before this call")));
    case Failure::kLost:
      return std::make_exception_ptr(InvalidStateError(
          absl::StrCat(ErrorPrefix(), "a Sync() or SyncData() before this call failed (",
                       std::generic_category().message(state_->lost()),
                       "), so what was written before may be lost, and a second one would not say so; open the file "
                       "anew, see what it holds, and write again what is missing")));
    case Failure::kNone:
      break;
  }
  const bool writes = verb_ == DiskVerb::kWriteAt || verb_ == DiskVerb::kAppend;
  std::string text = call_->Describe();
  if (state_) absl::StrAppend(&text, state_->path());
  if (writes && call_->done > 0) {
    absl::StrAppend(&text, " (", call_->done, " of ", call_->bytes.size(), " bytes were written)");
  }
  return std::make_exception_ptr(std::system_error(call_->error, std::generic_category(), text));
}

}  // namespace detent::internal
