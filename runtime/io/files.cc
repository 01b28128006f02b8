// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/files.h"

#include <cerrno>
#include <limits>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/io/internal/disk.h"
#include "detent/runtime/io/internal/file_path.h"
#include "detent/runtime/io/internal/outside.h"
#include "detent/runtime/outcome.h"

namespace detent {
namespace internal {
namespace {

using CallPointer = std::unique_ptr<DiskCall>;

LoopCore& RequireCoreFor(DiskVerb verb) {
  switch (verb) {
    case DiskVerb::kMakeDirectory:
      return RequireCore("MakeDirectory()");
    case DiskVerb::kRename:
      return RequireCore("RenameFile()");
    case DiskVerb::kRemove:
      return RequireCore("RemoveFile()");
    case DiskVerb::kList:
      return RequireCore("ListDirectory()");
    case DiskVerb::kStat:
      return RequireCore("StatFile()");
    case DiskVerb::kSyncDirectory:
      return RequireCore("SyncDirectory()");
    default:
      return RequireCore("ReplaceFile()");
  }
}

// Gives the call back when it has been carried out.
Coro<CallPointer> Ask(CallPointer call) {
  LoopCore& core = RequireCoreFor(call->verb);
  DiskOperation operation(core, core.owner().outside().disk(), std::move(call));
  co_return co_await std::move(operation);
}

CallPointer MakeCall(DiskVerb verb, const char* what, std::string_view path) {
  auto call = std::make_unique<DiskCall>(verb);
  call->path = CheckedPath(what, path);
  return call;
}

Coro<> Carry(CallPointer call) { (void)co_await Ask(std::move(call)); }

Coro<std::vector<std::string>> ListNames(CallPointer call) {
  call = co_await Ask(std::move(call));
  co_return std::move(call->names);
}

Coro<FileInfo> Stat(CallPointer call) {
  call = co_await Ask(std::move(call));
  co_return call->info;
}

Coro<std::string> Read(std::string path) {
  File file = co_await OpenFile(path);
  std::string bytes = co_await file.ReadAt(0, std::numeric_limits<int64_t>::max());
  co_await file.Close();
  co_return std::move(bytes);
}

Coro<> Write(std::string path, std::string bytes) {
  File file = co_await OpenFile(path, {.read = false, .write = true, .create = true, .truncate = true});
  co_await file.WriteAt(0, bytes);
  co_await file.Close();
}

// A file beside another, gone at the end of the scope unless it was renamed: nobody waits for that.
class TemporaryFile {
 public:
  TemporaryFile() {}
  TemporaryFile(TemporaryFile&& other) noexcept : disk_(std::move(other.disk_)), path_(std::move(other.path_)) {
    file = std::move(other.file);
  }
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  ~TemporaryFile() {
    if (!disk_) return;
    try {
      disk_->Begin(std::make_unique<DiskCall>(DiskVerb::kRemove, path_));
    } catch (...) {  // No memory: it stays.
    }
  }

  // Fails with EEXIST if there is one of that name.
  static Coro<TemporaryFile> Make(std::string path) {
    LoopCore& core = RequireCore("ReplaceFile()");
    Disk& disk = core.owner().outside().disk();
    auto call = std::make_unique<DiskCall>(DiskVerb::kOpen, path);
    call->options = {.read = false, .write = true, .create = true, .exclusive = true};
    call->is_temporary = true;
    call = co_await Ask(std::move(call));
    TemporaryFile made;
    made.disk_ = Ref<Disk>(&disk);
    made.path_ = std::move(path);
    made.file = File(Ref<FileState>(new FileState(core, disk, std::move(call), std::source_location::current())));
    co_return std::move(made);
  }

  const std::string& path() const { return path_; }
  void WasRenamed() { disk_ = Ref<Disk>(); }

  File file;

 private:
  Ref<Disk> disk_;  // Null if there is nothing to remove.
  std::string path_;
};

Coro<TemporaryFile> MakeTemporaryFile(std::string path) {
  while (true) {
    LoopCore& core = RequireCore("ReplaceFile()");
    std::string name = absl::StrCat(path, ".tmp-", core.owner().outside().disk().NewSuffix());
    try {
      co_return co_await TemporaryFile::Make(std::move(name));
    } catch (const std::system_error& error) {
      if (error.code().value() != EEXIST) throw;  // Else it was left by a process that crashed.
    }
  }
}

Coro<> Replace(std::string path, std::string bytes) {
  TemporaryFile temporary = co_await MakeTemporaryFile(path);
  co_await temporary.file.WriteAt(0, bytes);
  co_await temporary.file.Sync();
  co_await temporary.file.Close();
  co_await RenameFile(temporary.path(), path);
  temporary.WasRenamed();
  co_await SyncDirectory(DirectoryOf(path));
}

}  // namespace
}  // namespace internal

using internal::DiskVerb;

Coro<std::string> ReadFile(std::string_view path, std::source_location where) {
  return internal::Read(internal::CheckedPath("ReadFile()", path)).At(where);
}

Coro<> WriteFile(std::string_view path, std::string_view bytes, std::source_location where) {
  return internal::Write(internal::CheckedPath("WriteFile()", path), std::string(bytes)).At(where);
}

Coro<> ReplaceFile(std::string_view path, std::string_view bytes, std::source_location where) {
  return internal::Replace(internal::CheckedPath("ReplaceFile()", path), std::string(bytes)).At(where);
}

Coro<> MakeDirectory(std::string_view path, int mode, std::source_location where) {
  internal::CallPointer call = internal::MakeCall(DiskVerb::kMakeDirectory, "MakeDirectory()", path);
  if (mode < 0 || mode > 07777) {
    throw std::invalid_argument(absl::StrCat("MakeDirectory() on ", call->path, ": the mode is ", mode,
                                             "; it must be between 0 and 07777 (octal)"));
  }
  call->options.mode = mode;
  return internal::Carry(std::move(call)).At(where);
}

Coro<> RenameFile(std::string_view path, std::string_view to, std::source_location where) {
  internal::CallPointer call = internal::MakeCall(DiskVerb::kRename, "RenameFile()", path);
  call->to = internal::CheckedPath("RenameFile()", to);
  return internal::Carry(std::move(call)).At(where);
}

Coro<> RemoveFile(std::string_view path, std::source_location where) {
  return internal::Carry(internal::MakeCall(DiskVerb::kRemove, "RemoveFile()", path)).At(where);
}

Coro<std::vector<std::string>> ListDirectory(std::string_view path, std::source_location where) {
  return internal::ListNames(internal::MakeCall(DiskVerb::kList, "ListDirectory()", path)).At(where);
}

Coro<FileInfo> StatFile(std::string_view path, std::source_location where) {
  return internal::Stat(internal::MakeCall(DiskVerb::kStat, "StatFile()", path)).At(where);
}

Coro<> SyncDirectory(std::string_view path, std::source_location where) {
  return internal::Carry(internal::MakeCall(DiskVerb::kSyncDirectory, "SyncDirectory()", path)).At(where);
}

}  // namespace detent
