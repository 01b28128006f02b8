// SPDX-License-Identifier: Apache-2.0
//
// ReadFile, WriteFile, ReplaceFile, and what there is to do with names: on a real loop the system's files, on a
// simulated one those of a disk in memory.
//
//   co_await MakeDirectory("data");
//   co_await ReplaceFile("data/settings", "fast = no\n");   // the old or the new, whatever happens
//   for (const std::string& name : co_await ListDirectory("data")) {
//     FileInfo info = co_await StatFile("data/" + name);
//   }
//
// Suspension.    Always.
// Cancellation.  At any point; nothing is left open. What had begun goes on: it has happened or it has not. A cancelled
//                WriteFile() may have emptied the file, or written some of it. After a cancelled ReplaceFile() the file
//                has its old content or its new one, and the temporary file is gone.
// Errors.        std::system_error with the errno, what was tried and the path: "rename /a to /b: No such file or
//                directory". std::invalid_argument for a path that is empty or contains a zero byte.
//                InvalidStateError outside a running loop.
// Ownership.     Texts are copied by the call.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_IO_FILES_H_
#define DETENT_RUNTIME_IO_FILES_H_

#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "detent/runtime/coro.h"
#include "detent/runtime/io/file.h"
#include "detent/runtime/io/internal/file_info.h"

namespace detent {

// All that is in a file, up to its end.
Coro<std::string> ReadFile(std::string_view path, std::source_location where = std::source_location::current());
// Makes the file or empties it, and writes `bytes`. Who reads meanwhile may see a part; for what must survive a crash
// there is ReplaceFile().
Coro<> WriteFile(std::string_view path, std::string_view bytes,
                 std::source_location where = std::source_location::current());
// Puts `bytes` in the place of what the file held, if there was one: who reads, also after a loss of power, sees the
// old or the new, and the new from the end of the call on. Writes a file beside it (its name, ".tmp-" and a number),
// makes that durable, renames it, makes the name durable. After a crash in between that file may be left. Who has the
// old file open keeps it; permissions are those of a new file.
Coro<> ReplaceFile(std::string_view path, std::string_view bytes,
                   std::source_location where = std::source_location::current());

// Its parent must be there. `mode` is less the process's umask.
Coro<> MakeDirectory(std::string_view path, int mode = 0777,
                     std::source_location where = std::source_location::current());
// Gives a file, or a directory, another name, at once for whoever looks; what had that name before is gone, if it is a
// file, or an empty directory for a directory.
Coro<> RenameFile(std::string_view path, std::string_view to,
                  std::source_location where = std::source_location::current());
// A file, or a directory that is empty. Who has the file open keeps it.
Coro<> RemoveFile(std::string_view path, std::source_location where = std::source_location::current());
// The names in a directory, sorted by their bytes, without "." and "..".
Coro<std::vector<std::string>> ListDirectory(std::string_view path,
                                             std::source_location where = std::source_location::current());
Coro<FileInfo> StatFile(std::string_view path, std::source_location where = std::source_location::current());
// Waits until the names in a directory would survive a loss of power.
Coro<> SyncDirectory(std::string_view path, std::source_location where = std::source_location::current());

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_FILES_H_
