// SPDX-License-Identifier: Apache-2.0
//
// FileSystem, DiskFile: the system calls on files, each of which may block and may do a part only. The kernel's are in
// runtime/epoll/files.h, those of a disk in memory in sim/world/file_tree.h; what is made of them is disk_call.h.
#ifndef DETENT_RUNTIME_IO_INTERNAL_FILE_SYSTEM_H_
#define DETENT_RUNTIME_IO_INTERNAL_FILE_SYSTEM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "detent/runtime/io/internal/file_info.h"
#include "detent/runtime/io/internal/io_result.h"
#include "detent/runtime/io/internal/open_options.h"

namespace detent::internal {

// An open file. An int is 0 or an errno.
class DiskFile {
 public:
  DiskFile(const DiskFile&) = delete;
  DiskFile& operator=(const DiskFile&) = delete;
  virtual ~DiskFile() = default;  // Closes it.

  // Says how that went. Twice is harmless.
  virtual int Close() = 0;
  // How many bytes; of a read, 0 at the end of the file.
  virtual IoResult<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) = 0;
  virtual IoResult<size_t> WriteAt(uint64_t offset, const char* data, size_t size) = 0;
  virtual IoResult<size_t> Append(const char* data, size_t size) = 0;
  virtual int Sync() = 0;
  virtual int SyncData() = 0;
  virtual int Truncate(uint64_t size) = 0;
  virtual IoResult<FileInfo> Stat() = 0;

 protected:
  DiskFile() {}
};

class FileSystem {
 public:
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;
  virtual ~FileSystem() = default;

  virtual IoResult<std::shared_ptr<DiskFile>> Open(const std::string& path, const OpenOptions& options) = 0;
  virtual IoResult<FileInfo> Stat(const std::string& path) = 0;
  virtual int MakeDirectory(const std::string& path, int mode) = 0;
  virtual int Rename(const std::string& path, const std::string& to) = 0;
  // A file, or a directory that is empty.
  virtual int Remove(const std::string& path) = 0;
  // The names in a directory, in any order, without `.` and `..`.
  virtual IoResult<std::vector<std::string>> List(const std::string& path) = 0;
  virtual int SyncDirectory(const std::string& path) = 0;

 protected:
  FileSystem() {}
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_INTERNAL_FILE_SYSTEM_H_
