// SPDX-License-Identifier: Apache-2.0
//
// Disk: what a loop gives for file.h to stand on: it carries calls out away from the loop's thread, so many at a time.
// FileState, DiskWait: what a File is behind its handle, and how a task waits for an operation on files.
//
//   a wait:   in its file's queue ──► waits for room on the disk ──► under way ──► done
//
// An operation always suspends. A call that is under way cannot be taken back. It has all that it needs; its wait may
// leave it, and then nobody hears of it. Of one file there are any number of reads under way, or one other call.
#ifndef DETENT_RUNTIME_IO_INTERNAL_DISK_H_
#define DETENT_RUNTIME_IO_INTERNAL_DISK_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <source_location>
#include <string>
#include <utility>

#include "detent/runtime/internal/frame_pool.h"
#include "detent/runtime/internal/list.h"
#include "detent/runtime/internal/open_socket.h"
#include "detent/runtime/internal/ref.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/internal/wait_list.h"
#include "detent/runtime/internal/wait_node.h"
#include "detent/runtime/io/internal/disk_call.h"

namespace detent::internal {

// Counted: a File may outlive its loop, and each run of a simulated loop has a disk of its own.
class Disk {
 public:
  // As many calls are under way at once; those that come then wait in the order in which they came.
  static constexpr size_t kUnderWayMax = 64;

  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  void AddReference() { ++references_; }
  void DropReference() {
    if (--references_ == 0) delete this;
  }

  // Something that no other name of this disk has ended in.
  virtual std::string NewSuffix() = 0;

  // `wait` is the next to be carried out: begins its call, or lets it wait for room.
  void Enter(DiskWait& wait);
  // A wait leaves that waited for room.
  void LeftCrowd(DiskWait& wait);
  // Carries out what no task waits for: `call->observer` is told, if there is one. Never fails for want of room.
  void Begin(std::unique_ptr<DiskCall> call);
  // Closes a file, and removes it if it is a temporary one, that was opened for nobody.
  void Undo(DiskCall& opened);

 protected:
  Disk() {}
  virtual ~Disk() = default;

  // Carries `call` out away from this step; then comes Done(), in a step of the loop. After Detach() nothing comes.
  virtual void Start(std::unique_ptr<DiskCall> call) = 0;
  void Done(std::unique_ptr<DiskCall> call);
  // It will not be Done().
  void Forget(DiskCall& call);
  // The loop is about to go. REQUIRES: nobody waits.
  void Detach();

 private:
  void Admit();

  uint32_t references_ = 0;
  size_t count_ = 0;
  bool detached_ = false;
  List<DiskCall> under_way_;
  WaitList crowd_;  // Who waits for room.
};

// Counted: a handle, every operation and every call that is under way hold it. Closes its file when it goes.
class FileState final : public WaitObject, public OpenSocket, public Pooled {
 public:
  FileState(LoopCore& core, Disk& disk, std::unique_ptr<DiskCall> opened, std::source_location where);

  void AddReference() { ++references_; }
  void DropReference() {
    if (--references_ == 0) delete this;
  }

  LoopCore& core() const { return *core_; }
  Disk& disk() const { return *disk_; }
  const std::string& path() const { return path_; }
  const OpenOptions& options() const { return options_; }
  const std::shared_ptr<DiskFile>& file() const { return file_; }
  bool IsClosed() const { return closed_; }
  // The errno of the Sync() that failed, or 0.
  int lost() const { return lost_; }
  std::string DescribeSocket() const override { return "a File on " + path_; }

  // For a handle's destructor.
  void Drop() noexcept;

  // The operations, in the order of the calls.
  void Add(DiskWait& wait);
  void StartNext();
  // A wait leaves that had not begun.
  void Left(DiskWait& wait);
  // A call on this file is over, or will not begin.
  void Finished(const DiskCall& call);

 private:
  ~FileState();
  // What nobody will use any more.
  void CloseIfLeft() noexcept;

  LoopCore* core_;
  const Ref<Disk> disk_;
  const std::string path_;
  const OpenOptions options_;
  std::shared_ptr<DiskFile> file_;
  WaitList waiting_;
  uint32_t references_ = 0;
  uint32_t reading_ = 0;
  int lost_ = 0;
  bool changing_ = false;  // Something other than reads is under way.
  bool closed_ = false;    // Close() was called.
};

class DiskWait : public ListedWait {
 public:
  bool Ready(TaskState&) { return false; }
  WaitNode* Suspend(TaskState& task);
  Ending End(TaskState& task);
  std::exception_ptr TakeError() const;

  void Abandon() noexcept final { Leave(); }
  WaitKind Kind() const final;
  const WaitObject* Object() const final { return state_.get(); }
  void Describe(WaitText& text) const final;

 protected:
  // On an open file, or on paths of `disk`, which is that of `core`.
  DiskWait(FileState& state, std::unique_ptr<DiskCall> call) : DiskWait(state.core(), state.disk(), std::move(call)) {
    state_ = Ref<FileState>(&state);
  }
  DiskWait(LoopCore& core, Disk& disk, std::unique_ptr<DiskCall> call)
      : core_(&core), disk_(&disk), call_(std::move(call)), verb_(call_->verb) {}
  DiskWait(DiskWait&&) = default;  // Before it waits.
  ~DiskWait() = default;

  DiskCall& call() const { return *call_; }
  std::unique_ptr<DiskCall> TakeCall() { return std::move(call_); }
  const Ref<Disk>& disk() const { return disk_; }

 private:
  friend class Disk;
  friend class FileState;

  enum class Failure : uint8_t { kNone, kOtherLoop, kOtherProcess, kClosed, kLost };
  enum class Place : uint8_t { kNowhere, kInFile, kInCrowd, kUnderWay };

  // False if it was cancelled, or the run ends: its call is not carried out then.
  bool MayBegin();
  void Fail(Failure failure);
  void Finish(std::unique_ptr<DiskCall> call);
  void Leave() noexcept;
  std::string Call() const;
  std::string ErrorPrefix() const;

  LoopCore* core_;
  Ref<Disk> disk_;
  Ref<FileState> state_;
  std::unique_ptr<DiskCall> call_;  // Null while it is under way.
  DiskCall* under_way_ = nullptr;
  DiskVerb verb_;
  Failure failure_ = Failure::kNone;
  Place place_ = Place::kNowhere;
};

// For file.cc: gives the call back when it is done.
class DiskOperation final : public DiskWait {
 public:
  DiskOperation(LoopCore& core, Disk& disk, std::unique_ptr<DiskCall> call) : DiskWait(core, disk, std::move(call)) {}
  std::unique_ptr<DiskCall> Take() { return TakeCall(); }
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_INTERNAL_DISK_H_
