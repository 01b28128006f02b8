// SPDX-License-Identifier: Apache-2.0
//
// DiskCall: one operation on files, on its way between a loop and whoever carries it out. It owns all that it needs, so
// that it can go on when nobody waits for it any more.
#ifndef DETENT_RUNTIME_IO_INTERNAL_DISK_CALL_H_
#define DETENT_RUNTIME_IO_INTERNAL_DISK_CALL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detent/runtime/internal/frame_pool.h"
#include "detent/runtime/internal/list.h"
#include "detent/runtime/io/internal/file_info.h"
#include "detent/runtime/io/internal/file_system.h"
#include "detent/runtime/io/internal/open_options.h"

namespace detent::internal {

class DiskCall;
class DiskWait;
class FileState;

enum class DiskVerb : uint8_t {
  // On an open file.
  kClose,
  kReadAt,
  kWriteAt,
  kAppend,
  kSync,
  kSyncData,
  kTruncate,
  kSize,
  // On a path.
  kOpen,
  kMakeDirectory,
  kRename,
  kRemove,
  kList,
  kStat,
  kSyncDirectory,
};

// Who is told of a call that no task waits for.
class DiskCallObserver {
 public:
  // In a step of the loop.
  virtual void OnDone(std::unique_ptr<DiskCall> call) = 0;
  // Instead: the loop is about to go.
  virtual void OnForgotten() = 0;

 protected:
  ~DiskCallObserver() = default;
};

class DiskCall : public ListLink<DiskCall>, public Pooled {
 public:
  explicit DiskCall(DiskVerb the_verb) : ListLink(nullptr), verb(the_verb) {}
  DiskCall(DiskVerb the_verb, std::string_view the_path) : DiskCall(the_verb) { path = the_path; }

  // For a person: `write to /a/b`, `rename /a to /b`.
  std::string Describe() const;

  // What is asked.
  DiskVerb verb;
  bool is_temporary = false;  // Of kOpen: if nobody takes the file, it is removed again.
  OpenOptions options;        // Of kOpen; `mode` of kMakeDirectory too.
  std::string path;           // Of an open file for the texts only.
  std::string to;             // Of kRename.
  std::shared_ptr<DiskFile> file;
  uint64_t offset = 0;
  uint64_t size = 0;  // How much to read; what to truncate to.
  std::string bytes;  // What to write; what was read.

  // What came of it. Of kOpen, `file` too.
  int error = 0;
  uint64_t done = 0;  // How many bytes were read or written; the size.
  FileInfo info;
  std::vector<std::string> names;  // Sorted.

  // The loop's own: whoever carries the call out does not touch these.
  DiskWait* wait = nullptr;    // Null if nobody waits any more.
  FileState* state = nullptr;  // Counted; null if it is on no open file.
  DiskCallObserver* observer = nullptr;
};

// Does what `call` asks, with as many calls of `system` as that takes. On any thread; may block. What fails, also for
// want of memory, is in call.error.
void CarryOut(DiskCall& call, FileSystem& system) noexcept;

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_INTERNAL_DISK_CALL_H_
