// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string_view>
#include <utility>

#include "absl/time/time.h"

namespace detent::internal {
namespace {

// What a call gives that is not interrupted.
template <typename F>
auto Retried(F call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

int ErrorOf(int result) { return result < 0 ? errno : 0; }

IoResult<size_t> Count(ssize_t result) {
  return result < 0 ? IoResult<size_t>::Error(errno) : IoResult<size_t>(static_cast<size_t>(result));
}

FileInfo InfoOf(const struct stat& found) {
  FileInfo info;
  info.size = found.st_size;
  info.is_directory = S_ISDIR(found.st_mode);
  info.mode = static_cast<int>(found.st_mode & 07777);
  info.modified = absl::TimeFromTimespec(found.st_mtim);
  return info;
}

class KernelFile final : public DiskFile {
 public:
  explicit KernelFile(int descriptor) : descriptor_(descriptor) {}
  ~KernelFile() override { Close(); }

  // Linux has closed it also when it says EINTR.
  int Close() override {
    if (descriptor_ < 0) return 0;
    const int error = ErrorOf(close(std::exchange(descriptor_, -1)));
    return error == EINTR ? 0 : error;
  }
  IoResult<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) override {
    return Count(Retried([&] { return pread(descriptor_, buffer, size, static_cast<off_t>(offset)); }));
  }
  IoResult<size_t> WriteAt(uint64_t offset, const char* data, size_t size) override {
    return Count(Retried([&] { return pwrite(descriptor_, data, size, static_cast<off_t>(offset)); }));
  }
  IoResult<size_t> Append(const char* data, size_t size) override;
  int Sync() override {
    return ErrorOf(Retried([&] { return fsync(descriptor_); }));
  }
  int SyncData() override {
    return ErrorOf(Retried([&] { return fdatasync(descriptor_); }));
  }
  int Truncate(uint64_t size) override {
    return ErrorOf(Retried([&] { return ftruncate(descriptor_, static_cast<off_t>(size)); }));
  }
  IoResult<FileInfo> Stat() override {
    struct stat found;
    if (fstat(descriptor_, &found) < 0) return IoResult<FileInfo>::Error(errno);
    return InfoOf(found);
  }

 private:
  int descriptor_;
};

IoResult<size_t> KernelFile::Append(const char* data, size_t size) {
  const iovec piece = {.iov_base = const_cast<char*>(data), .iov_len = size};
  // Not O_APPEND, with which pwrite() would append too.
  const ssize_t written = Retried([&] { return pwritev2(descriptor_, &piece, 1, 0, RWF_APPEND); });
  if (written >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS)) return Count(written);
  const IoResult<FileInfo> info = Stat();  // Before Linux 4.16.
  if (!info.ok()) return IoResult<size_t>::Error(info.error());
  return WriteAt(static_cast<uint64_t>(info.value().size), data, size);
}

class KernelFileSystem final : public FileSystem {
 public:
  IoResult<std::shared_ptr<DiskFile>> Open(const std::string& path, const OpenOptions& options) override {
    int flags = O_CLOEXEC | O_NOCTTY;
    flags |= options.write ? (options.read ? O_RDWR : O_WRONLY) : O_RDONLY;
    if (options.create) flags |= O_CREAT;
    if (options.exclusive) flags |= O_EXCL;
    if (options.truncate) flags |= O_TRUNC;
    const int descriptor = Retried([&] { return open(path.c_str(), flags, static_cast<mode_t>(options.mode)); });
    if (descriptor < 0) return IoResult<std::shared_ptr<DiskFile>>::Error(errno);
    try {
      return std::shared_ptr<DiskFile>(std::make_shared<KernelFile>(descriptor));
    } catch (...) {
      close(descriptor);
      throw;
    }
  }
  IoResult<FileInfo> Stat(const std::string& path) override {
    struct stat found;
    if (stat(path.c_str(), &found) < 0) return IoResult<FileInfo>::Error(errno);
    return InfoOf(found);
  }
  int MakeDirectory(const std::string& path, int mode) override {
    return ErrorOf(mkdir(path.c_str(), static_cast<mode_t>(mode)));
  }
  int Rename(const std::string& path, const std::string& to) override {
    return ErrorOf(rename(path.c_str(), to.c_str()));
  }
  int Remove(const std::string& path) override { return ErrorOf(remove(path.c_str())); }
  IoResult<std::vector<std::string>> List(const std::string& path) override;
  int SyncDirectory(const std::string& path) override {
    const int descriptor = Retried([&] { return open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (descriptor < 0) return errno;
    const int error = ErrorOf(Retried([&] { return fsync(descriptor); }));
    close(descriptor);
    return error;
  }
};

IoResult<std::vector<std::string>> KernelFileSystem::List(const std::string& path) {
  using Result = IoResult<std::vector<std::string>>;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), closedir);
  if (directory == nullptr) return Result::Error(errno);
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* const entry = readdir(directory.get());
    if (entry == nullptr) return errno == 0 ? Result(std::move(names)) : Result::Error(errno);
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
}

}  // namespace

FileSystem& KernelFiles() {
  static auto* const files = new KernelFileSystem;
  return *files;
}

}  // namespace detent::internal
