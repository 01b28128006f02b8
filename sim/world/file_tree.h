// SPDX-License-Identifier: Apache-2.0
//
// FileTree: files and directories in memory, with what of them would survive a loss of power. Internal; users see it
// through disk.h.
//
// What a program does to it is seen at once, and stands in a log until a barrier. Sync() takes the changes of a file's
// bytes out of the log, SyncDirectory() those of a directory's names: they are durable then. So after a loss of power
// there is what is durable, and as much of the log as the disk had got to: an Image().
#ifndef DETENT_SIM_WORLD_FILE_TREE_H_
#define DETENT_SIM_WORLD_FILE_TREE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "detent/runtime/io/internal/file_system.h"

namespace detent::sim {

// What a disk holds: the bytes by the path; the path of a directory ends in "/".
using DiskImage = std::map<std::string, std::string>;

class FileTree final : public internal::FileSystem {
 public:
  // What the tree asks of the world.
  class World {
   public:
    virtual absl::Time Time() = 0;
    // How many of so many bytes a call of the system reads or writes.
    virtual size_t DrawReadPart(size_t size) = 0;
    virtual size_t DrawWritePart(size_t size) = 0;
    // Something was changed, or a barrier passed.
    virtual void Changed() = 0;

   protected:
    ~World() = default;
  };

  explicit FileTree(World& world);

  internal::IoResult<std::shared_ptr<internal::DiskFile>> Open(const std::string& path,
                                                               const OpenOptions& options) override;
  internal::IoResult<FileInfo> Stat(const std::string& path) override;
  int MakeDirectory(const std::string& path, int mode) override;
  int Rename(const std::string& path, const std::string& to) override;
  int Remove(const std::string& path) override;
  internal::IoResult<std::vector<std::string>> List(const std::string& path) override;
  int SyncDirectory(const std::string& path) override;

  // As if it had always been there: durable, with the directories above it.
  void Install(const std::string& path, std::string_view bytes);
  void InstallDirectory(const std::string& path);
  void set_capacity(uint64_t bytes) { capacity_ = bytes; }
  // From now on syncing the file at `path` fails so.
  int FailSync(const std::string& path, int error);

  size_t open_files() const { return open_files_; }
  size_t log_size() const { return log_.size(); }
  DiskImage Now() const;
  // What is durable, and the first `kept` changes of the log.
  DiskImage Image(size_t kept) const;

 private:
  class Node;
  class OpenedFile;
  using NodePtr = std::shared_ptr<Node>;

  class Contents {
   public:
    std::string bytes;
    std::map<std::string, NodePtr> names;
  };
  class Node {
   public:
    bool is_directory = false;
    int mode = 0;
    int sync_error = 0;
    absl::Time modified;
    Contents now;
    Contents durable;
    mutable Contents looked_at;  // Image()'s own.
    mutable uint64_t look = 0;   // In which Image() that was.
  };
  // A change of bytes has a node; one of names has directories.
  class Change {
   public:
    enum class Kind : uint8_t { kWrite, kTruncate, kEnter, kLeave, kMove };

    Kind kind = Kind::kWrite;
    NodePtr at;  // The file, or the directory.
    uint64_t offset = 0;
    std::string bytes;  // Or the name.
    NodePtr to;         // The directory to which it moves.
    std::string to_name;
    NodePtr node;  // What has the name.
  };
  // The directory in which a path is, and its last name, which is "" for the root.
  class Place {
   public:
    int error = 0;
    NodePtr directory;
    std::string name;
    NodePtr node;  // Null if there is none of that name.
    bool must_be_directory = false;
  };

  Place Find(const std::string& path) const;
  int Enter(const Place& place, const NodePtr& node);
  int MayReplace(const Place& from, const Place& to) const;
  void Do(Change change);
  // On what `contents(node)` gives.
  template <typename F>
  static void Apply(const Change& change, F contents);
  template <typename F>
  void MakeDurable(F is_meant);
  static bool IsBelow(const Node& node, const Node& directory);
  static uint64_t SizeOf(const Node& node);
  template <typename F>
  static void Describe(const Node& directory, const std::string& path, F contents, DiskImage& image);

  World& world_;
  uint64_t capacity_ = uint64_t{1} << 40;
  uint64_t used_ = 0;
  size_t open_files_ = 0;
  mutable uint64_t looks_ = 0;  // How many Image()s there were.
  std::vector<Change> log_;
  NodePtr root_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_FILE_TREE_H_
