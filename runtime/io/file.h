// SPDX-License-Identifier: Apache-2.0
//
// File: a file that is open, from OpenFile(): bytes at offsets.
//
//   File log = co_await OpenFile("wal.log", {.write = true, .create = true});
//   co_await log.Append("record\n");
//   co_await log.SyncData();                               // survives a loss of power from here on
//   std::string start = co_await log.ReadAt(0, 16);        // fewer only at the end of the file
//   co_await log.Close();
//
// Done means that the system has it: what an awaited write wrote, every reader sees, and it survives the process. Only
// a Sync() makes it survive the machine; and a file that was made has its name for good after SyncDirectory().
//
// Order.         The operations of one File happen in the order of the calls; reads that follow one another may happen
//                at once. Of two Files, also on one path, nothing is promised.
// Suspension.    Always: the calls of the system run on threads of their own, or on a simulated disk. Of one loop 64
//                are under way at once; others wait their turn.
// Cancellation.  At any point. An operation that has not begun does not happen. One that has begun goes on: a write
//                that was cancelled may have written all, some or nothing, a Truncate() or Sync() has happened or has
//                not, and what is called next comes after it. It has a copy of its bytes: nothing of the caller's is
//                touched. A cancelled Close() closes all the same. A cancelled OpenFile() leaves nothing open, but may
//                have made or emptied the file.
// Errors.        std::system_error with the errno, what was tried and the path ("write to /a: No space left on
//                device"); of a write that failed on the way, how much was written. A Sync() or SyncData() that failed
//                makes every later call throw InvalidStateError: the system forgets what it could not write, and the
//                next one would succeed. So does every call after Close(). std::invalid_argument for what can never
//                be.
// Ownership.     Move-only; a File that is dropped is closed, after what was called before and without blocking. What
//                is written is copied by the call.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_IO_FILE_H_
#define DETENT_RUNTIME_IO_FILE_H_

#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "detent/runtime/coro.h"
#include "detent/runtime/io/internal/disk.h"
#include "detent/runtime/io/internal/open_options.h"

namespace detent {

namespace internal {
template <typename T>
class FileOperation;
}  // namespace internal

class File {
 public:
  File() {}
  File(File&& other) noexcept : state_(std::move(other.state_)) {}
  File& operator=(File&& other) noexcept {
    if (this != &other) {
      Drop();
      state_ = std::move(other.state_);
    }
    return *this;
  }
  ~File() { Drop(); }

  // False if it was default-constructed or moved from. A closed one is still a File.
  explicit operator bool() const { return static_cast<bool>(state_); }

  // `size` bytes from `offset` on; fewer, or none, only where the file ends before.
  internal::FileOperation<std::string> ReadAt(int64_t offset, int64_t size);
  // Writes all of `bytes`; a gap before `offset` is read as zeros.
  internal::FileOperation<void> WriteAt(int64_t offset, std::string_view bytes);
  // Writes all of `bytes` where the file ends then, whoever else appends.
  internal::FileOperation<void> Append(std::string_view bytes);
  // Waits until what was written, and the size, would survive a loss of power; Sync() also such things as the time of
  // the last change.
  internal::FileOperation<void> Sync();
  internal::FileOperation<void> SyncData();
  // Cuts the file to `size` bytes, or fills it up with zeros.
  internal::FileOperation<void> Truncate(int64_t size);
  // In bytes.
  internal::FileOperation<int64_t> Size();
  // After the operations that were called before; those that come later fail. Closes also if it fails or is cancelled.
  internal::FileOperation<void> Close();

  // As it was given to OpenFile().
  const std::string& Path() const { return state().path(); }

  // --- For the library ---

  explicit File(internal::Ref<internal::FileState> state) : state_(std::move(state)) {}

 private:
  internal::FileState& state() const {
    if (!state_) [[unlikely]]
      ThrowEmpty();
    return *state_;
  }
  [[noreturn]] static void ThrowEmpty();
  void Drop() noexcept {
    if (state_) state_->Drop();
  }

  internal::Ref<internal::FileState> state_;
};

// Opens the file at `path`; a relative one is looked up from the process's working directory. Fails with ENOENT if
// there is none and it may not be made, with EISDIR for a directory.
Coro<File> OpenFile(std::string_view path, OpenOptions options = OpenOptions(),
                    std::source_location where = std::source_location::current());

// --------------------------------------------------------------------------------------------------------------------

namespace internal {

template <typename T>
class [[nodiscard("does nothing until awaited: write co_await")]] FileOperation final : public DiskWait {
 public:
  FileOperation(FileState& state, std::unique_ptr<DiskCall> call) : DiskWait(state, std::move(call)) {}

  T Take() {
    if constexpr (std::is_same_v<T, std::string>) return std::move(call().bytes);
    if constexpr (std::is_same_v<T, int64_t>) return static_cast<int64_t>(call().done);
  }
};

}  // namespace internal
}  // namespace detent

#endif  // DETENT_RUNTIME_IO_FILE_H_
