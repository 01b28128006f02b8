// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/internal/disk_call.h"

#include <algorithm>
#include <cerrno>
#include <new>

#include "absl/strings/str_cat.h"

namespace detent::internal {
namespace {

// What is read at once grows from the one to the other: a size that was asked for says little of what there is.
constexpr uint64_t kFirstRead = 64 * 1024;
constexpr uint64_t kReadMax = 16 * 1024 * 1024;

const char* Verb(DiskVerb verb) {
  switch (verb) {
    case DiskVerb::kClose:
      return "close";
    case DiskVerb::kReadAt:
      return "read from";
    case DiskVerb::kWriteAt:
      return "write to";
    case DiskVerb::kAppend:
      return "append to";
    case DiskVerb::kSync:
      return "sync";
    case DiskVerb::kSyncData:
      return "sync the data of";
    case DiskVerb::kTruncate:
      return "truncate";
    case DiskVerb::kSize:
      return "ask the size of";
    case DiskVerb::kOpen:
      return "open";
    case DiskVerb::kMakeDirectory:
      return "make the directory";
    case DiskVerb::kRename:
      return "rename";
    case DiskVerb::kRemove:
      return "remove";
    case DiskVerb::kList:
      return "list";
    case DiskVerb::kStat:
      return "look at";
    case DiskVerb::kSyncDirectory:
      return "sync the directory";
  }
  return "use";
}

void Read(DiskCall& call) {
  uint64_t part = kFirstRead;
  while (call.done < call.size) {
    const uint64_t wanted = std::min(call.size - call.done, part);
    if (call.bytes.size() < call.done + wanted) call.bytes.resize(call.done + wanted);
    const IoResult<size_t> result = call.file->ReadAt(call.offset + call.done, call.bytes.data() + call.done, wanted);
    call.error = result.error();
    if (!result.ok() || result.value() == 0) break;
    call.done += result.value();
    part = std::min(part * 2, kReadMax);
  }
  call.bytes.resize(call.done);
}

void Write(DiskCall& call) {
  while (call.done < call.bytes.size()) {
    const char* const rest = call.bytes.data() + call.done;
    const size_t size = call.bytes.size() - call.done;
    const IoResult<size_t> result = call.verb == DiskVerb::kAppend
                                        ? call.file->Append(rest, size)
                                        : call.file->WriteAt(call.offset + call.done, rest, size);
    call.error = result.ok() && result.value() == 0 ? EIO : result.error();
    if (call.error != 0) return;
    call.done += result.value();
  }
}

void Open(DiskCall& call, FileSystem& system) {
  IoResult<std::shared_ptr<DiskFile>> opened = system.Open(call.path, call.options);
  call.error = opened.error();
  if (!opened.ok()) return;
  // One that is opened to be read opens well enough.
  const IoResult<FileInfo> info = opened.value()->Stat();
  call.error = info.ok() && info.value().is_directory ? EISDIR : info.error();
  if (call.error == 0) call.file = std::move(opened).value();
}

void Stat(DiskCall& call, IoResult<FileInfo> result) {
  call.error = result.error();
  if (!result.ok()) return;
  call.info = result.value();
  call.done = static_cast<uint64_t>(call.info.size);
}

void List(DiskCall& call, FileSystem& system) {
  IoResult<std::vector<std::string>> result = system.List(call.path);
  call.error = result.error();
  if (!result.ok()) return;
  call.names = std::move(result).value();
  std::sort(call.names.begin(), call.names.end());
}

void CarryOutOrThrow(DiskCall& call, FileSystem& system) {
  switch (call.verb) {
    case DiskVerb::kClose:
      call.error = call.file->Close();
      return call.file.reset();
    case DiskVerb::kReadAt:
      return Read(call);
    case DiskVerb::kWriteAt:
    case DiskVerb::kAppend:
      return Write(call);
    case DiskVerb::kSync:
      call.error = call.file->Sync();
      return;
    case DiskVerb::kSyncData:
      call.error = call.file->SyncData();
      return;
    case DiskVerb::kTruncate:
      call.error = call.file->Truncate(call.size);
      return;
    case DiskVerb::kSize:
      return Stat(call, call.file->Stat());
    case DiskVerb::kOpen:
      return Open(call, system);
    case DiskVerb::kMakeDirectory:
      call.error = system.MakeDirectory(call.path, call.options.mode);
      return;
    case DiskVerb::kRename:
      call.error = system.Rename(call.path, call.to);
      return;
    case DiskVerb::kRemove:
      call.error = system.Remove(call.path);
      return;
    case DiskVerb::kList:
      return List(call, system);
    case DiskVerb::kStat:
      return Stat(call, system.Stat(call.path));
    case DiskVerb::kSyncDirectory:
      call.error = system.SyncDirectory(call.path);
      return;
  }
}

}  // namespace

std::string DiskCall::Describe() const {
  return absl::StrCat(Verb(verb), " ", path, verb == DiskVerb::kRename ? absl::StrCat(" to ", to) : "");
}

void CarryOut(DiskCall& call, FileSystem& system) noexcept {
  try {
    CarryOutOrThrow(call, system);
  } catch (const std::bad_alloc&) {
    call.error = ENOMEM;
  }
}

}  // namespace detent::internal
