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
#include "detent/sim/world/disk_change.h"
#include "detent/sim/world/disk_place.h"
#include "detent/sim/world/power_loss.h"

namespace detent::sim {

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
  void set_profile(DiskProfile profile) { profile_ = profile; }
  // The power fails: what is not durable is there or not, as `choose` says. Files that are open lead nowhere.
  void LosePower(LossChooser choose);
  // Nothing is left.
  void Wipe();
  // A sync fails, and what it should have made durable never will be, although it can be read.
  void DropUnsynced(const internal::DiskFile& file);
  static DiskNode& NodeOf(const internal::DiskFile& file);
  DiskNode& root() { return *root_; }
  // From now on syncing the file at `path` fails so.
  int FailSync(const std::string& path, int error);

  size_t open_files() const { return open_files_; }
  size_t log_size() const { return log_.size(); }
  DiskImage Now() const;
  // What is durable, and the first `kept` changes of the log.
  DiskImage Image(size_t kept) const;

 private:
  class OpenedFile;
  using Node = DiskNode;
  using NodePtr = DiskNodePtr;
  using Contents = DiskContents;
  using Change = DiskChange;

  using Place = DiskPlace;

  Place Find(const std::string& path) const { return FindPlace(root_, path); }
  int Enter(const Place& place, const NodePtr& node);
  int MayReplace(const Place& from, const Place& to) const;
  void Do(Change change);
  template <typename F>
  void MakeDurable(F is_meant);
  // All that the node has, and what is below it, is what is durable there.
  static void Revert(Node& node);
  static bool IsBelow(const Node& node, const Node& directory);

  World& world_;
  DiskProfile profile_ = DiskProfile::kOrdered;
  uint64_t capacity_ = uint64_t{1} << 40;
  uint64_t used_ = 0;
  size_t open_files_ = 0;
  uint64_t boots_ = 0;          // How often the power came back.
  mutable uint64_t looks_ = 0;  // How many Image()s there were.
  std::vector<Change> log_;
  NodePtr root_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_FILE_TREE_H_
