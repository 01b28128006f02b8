// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/file.h"

#include <algorithm>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/io/internal/file_path.h"
#include "detent/runtime/io/internal/outside.h"

namespace detent {
namespace {

using internal::DiskCall;
using internal::DiskVerb;
using internal::FileOperation;
using internal::FileState;

// Memory that a read gets on the loop's thread, where it is given back.
constexpr int64_t kReserve = 64 * 1024;

uint64_t NotNegative(const char* call, const FileState& state, const char* what, int64_t value) {
  if (value < 0) {
    throw std::invalid_argument(
        absl::StrCat(call, " on ", state.path(), ": the ", what, " is ", value, "; it must be 0 or more"));
  }
  return static_cast<uint64_t>(value);
}

void RequireWritable(const char* call, const FileState& state) {
  if (state.options().write) return;
  throw InvalidStateError(
      absl::StrCat(call, " on ", state.path(), ": it was opened to be read only; open it with {.write = true}"));
}

void CheckOptions(const std::string& path, const OpenOptions& options) {
  const auto fail = [&](const std::string& text) {
    throw std::invalid_argument(absl::StrCat("OpenFile() on ", path, ": ", text));
  };
  if (!options.read && !options.write) fail("the options ask neither to read nor to write; ask for one of them");
  if (options.create && !options.write) fail("the option create needs write");
  if (options.truncate && !options.write) fail("the option truncate needs write");
  if (options.exclusive && !options.create) fail("the option exclusive needs create");
  if (options.mode < 0 || options.mode > 07777) {
    fail(absl::StrCat("the mode is ", options.mode, "; it must be between 0 and 07777 (octal)"));
  }
}

Coro<File> Open(std::string path, OpenOptions options, std::source_location where) {
  internal::LoopCore& core = internal::RequireCore("OpenFile()");
  internal::Disk& disk = core.owner().outside().disk();
  auto call = std::make_unique<DiskCall>(DiskVerb::kOpen, path);
  call->options = options;
  internal::DiskOperation operation(core, disk, std::move(call));
  call = co_await std::move(operation);
  co_return File(internal::Ref<FileState>(new FileState(core, disk, std::move(call), where)));
}

}  // namespace

void File::ThrowEmpty() {
  throw InvalidStateError("this File is empty (default-constructed or moved from); use one from OpenFile()");
}

FileOperation<std::string> File::ReadAt(int64_t offset, int64_t size) {
  FileState& file = state();
  if (!file.options().read) {
    throw InvalidStateError(absl::StrCat("File::ReadAt() on ", file.path(),
                                         ": it was opened to be written only; open it with {.read = true}"));
  }
  auto call = std::make_unique<DiskCall>(DiskVerb::kReadAt);
  call->offset = NotNegative("File::ReadAt()", file, "offset", offset);
  call->size = NotNegative("File::ReadAt()", file, "size", size);
  call->bytes.reserve(static_cast<size_t>(std::min(size, kReserve)));
  return FileOperation<std::string>(file, std::move(call));
}

FileOperation<void> File::WriteAt(int64_t offset, std::string_view bytes) {
  FileState& file = state();
  RequireWritable("File::WriteAt()", file);
  auto call = std::make_unique<DiskCall>(DiskVerb::kWriteAt);
  call->offset = NotNegative("File::WriteAt()", file, "offset", offset);
  call->bytes = bytes;
  return FileOperation<void>(file, std::move(call));
}

FileOperation<void> File::Append(std::string_view bytes) {
  FileState& file = state();
  RequireWritable("File::Append()", file);
  auto call = std::make_unique<DiskCall>(DiskVerb::kAppend);
  call->bytes = bytes;
  return FileOperation<void>(file, std::move(call));
}

FileOperation<void> File::Sync() { return FileOperation<void>(state(), std::make_unique<DiskCall>(DiskVerb::kSync)); }

FileOperation<void> File::SyncData() {
  return FileOperation<void>(state(), std::make_unique<DiskCall>(DiskVerb::kSyncData));
}

FileOperation<void> File::Truncate(int64_t size) {
  FileState& file = state();
  RequireWritable("File::Truncate()", file);
  auto call = std::make_unique<DiskCall>(DiskVerb::kTruncate);
  call->size = NotNegative("File::Truncate()", file, "size", size);
  return FileOperation<void>(file, std::move(call));
}

FileOperation<int64_t> File::Size() {
  return FileOperation<int64_t>(state(), std::make_unique<DiskCall>(DiskVerb::kSize));
}

FileOperation<void> File::Close() { return FileOperation<void>(state(), std::make_unique<DiskCall>(DiskVerb::kClose)); }

Coro<File> OpenFile(std::string_view path, OpenOptions options, std::source_location where) {
  std::string checked = internal::CheckedPath("OpenFile()", path);
  CheckOptions(checked, options);
  return Open(std::move(checked), options, where).At(where);
}

}  // namespace detent
