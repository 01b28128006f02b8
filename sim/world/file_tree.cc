// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/file_tree.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace detent::sim {
namespace {

template <typename T>
using Result = internal::IoResult<T>;

// As Linux has them.
constexpr int kUmask = 022;
// Nobody is root here: the owner's permissions count.
constexpr int kMayRead = 0400;
constexpr int kMayWrite = 0200;

}  // namespace

class FileTree::OpenedFile final : public internal::DiskFile {
 public:
  OpenedFile(FileTree& tree, NodePtr node) : tree_(&tree), node_(std::move(node)), boot_(tree.boots_) {
    ++tree_->open_files_;
  }
  ~OpenedFile() override { Close(); }

  int Close() override {
    if (tree_ != nullptr) --std::exchange(tree_, nullptr)->open_files_;
    return 0;
  }
  Result<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) override {
    const std::string& bytes = node_->now.bytes;
    if (const int error = IsLost() ? EIO : node_->read_error; error != 0) return Result<size_t>::Error(error);
    if (offset >= bytes.size() || size == 0) return size_t{0};
    const size_t part = tree_->world_.DrawReadPart(std::min<uint64_t>(size, bytes.size() - offset));
    std::memcpy(buffer, bytes.data() + offset, part);
    return part;
  }
  Result<size_t> WriteAt(uint64_t offset, const char* data, size_t size) override;
  Result<size_t> Append(const char* data, size_t size) override { return WriteAt(node_->now.bytes.size(), data, size); }
  int Sync() override { return SyncData(); }
  int SyncData() override {
    if (IsLost()) return EIO;
    if (node_->sync_error != 0) return node_->sync_error;
    tree_->MakeDurable([&](const Change& change) { return change.at == node_ && !node_->is_directory; });
    return 0;
  }
  int Truncate(uint64_t size) override;
  Result<FileInfo> Stat() override {
    FileInfo info;
    info.size = static_cast<int64_t>(node_->now.bytes.size());
    info.is_directory = node_->is_directory;
    info.mode = node_->mode;
    info.modified = node_->modified;
    return info;
  }

  const NodePtr& node() const { return node_; }

 private:
  // It was opened before the power failed.
  bool IsLost() const { return boot_ != tree_->boots_; }

  FileTree* tree_;  // Null once it is closed.
  const NodePtr node_;
  const uint64_t boot_;
};

Result<size_t> FileTree::OpenedFile::WriteAt(uint64_t offset, const char* data, size_t size) {
  if (IsLost()) return Result<size_t>::Error(EIO);
  const uint64_t old_size = node_->now.bytes.size();
  const uint64_t room = old_size + (tree_->capacity_ - std::min(tree_->capacity_, tree_->used_));
  if (size == 0) return size_t{0};
  if (offset >= room) return Result<size_t>::Error(ENOSPC);
  const size_t part = tree_->world_.DrawWritePart(std::min<uint64_t>(size, room - offset));
  Change change;
  change.at = node_;
  change.offset = offset;
  change.bytes.assign(data, part);
  change.is_in_place = offset + part <= old_size;
  tree_->used_ += std::max(old_size, offset + part) - old_size;
  tree_->Do(std::move(change));
  return part;
}

int FileTree::OpenedFile::Truncate(uint64_t size) {
  if (IsLost()) return EIO;
  const uint64_t old_size = node_->now.bytes.size();
  if (size > old_size && size - old_size > tree_->capacity_ - std::min(tree_->capacity_, tree_->used_)) return ENOSPC;
  Change change;
  change.kind = Change::Kind::kTruncate;
  change.at = node_;
  change.offset = size;
  tree_->used_ += size - old_size;  // Modulo: it may shrink.
  tree_->Do(std::move(change));
  return 0;
}

FileTree::FileTree(World& world) : world_(world), root_(std::make_shared<Node>()) {
  root_->is_directory = true;
  root_->mode = 0755;
}

int FileTree::Enter(const Place& place, const NodePtr& node) {
  if ((place.directory->mode & kMayWrite) == 0) return EACCES;
  Change change;
  change.kind = Change::Kind::kEnter;
  change.at = place.directory;
  change.bytes = place.name;
  change.node = node;
  Do(std::move(change));
  return 0;
}

Result<std::shared_ptr<internal::DiskFile>> FileTree::Open(const std::string& path, const OpenOptions& options) {
  using Opened = Result<std::shared_ptr<internal::DiskFile>>;
  Place place = Find(path);
  if (place.error != 0) return Opened::Error(place.error);
  if (place.node == nullptr) {
    if (!options.create) return Opened::Error(ENOENT);
    if (place.must_be_directory) return Opened::Error(EISDIR);
    place.node = std::make_shared<Node>();
    place.node->mode = options.mode & ~kUmask;
    place.node->modified = world_.Time();
    if (const int error = Enter(place, place.node); error != 0) return Opened::Error(error);
    return std::shared_ptr<internal::DiskFile>(std::make_shared<OpenedFile>(*this, place.node));
  }
  if (options.exclusive) return Opened::Error(EEXIST);
  if (place.node->is_directory && (options.write || options.create)) return Opened::Error(EISDIR);
  const int needs = (options.read ? kMayRead : 0) | (options.write ? kMayWrite : 0);
  if ((place.node->mode & needs) != needs) return Opened::Error(EACCES);
  auto file = std::make_shared<OpenedFile>(*this, place.node);
  if (options.truncate) (void)file->Truncate(0);
  return std::shared_ptr<internal::DiskFile>(std::move(file));
}

Result<FileInfo> FileTree::Stat(const std::string& path) {
  const Place place = Find(path);
  if (place.error != 0) return Result<FileInfo>::Error(place.error);
  if (place.node == nullptr) return Result<FileInfo>::Error(ENOENT);
  OpenedFile opened(*this, place.node);
  return opened.Stat();
}

int FileTree::MakeDirectory(const std::string& path, int mode) {
  const Place place = Find(path);
  if (place.error != 0) return place.error;
  if (place.node != nullptr) return EEXIST;
  auto node = std::make_shared<Node>();
  node->is_directory = true;
  node->mode = mode & ~kUmask;
  node->modified = world_.Time();
  return Enter(place, node);
}

bool FileTree::IsBelow(const Node& node, const Node& directory) {
  if (&node == &directory) return true;
  for (const auto& [name, below] : directory.now.names) {
    if (below->is_directory && IsBelow(node, *below)) return true;
  }
  return false;
}

int FileTree::MayReplace(const Place& from, const Place& to) const {
  if (to.must_be_directory && !from.node->is_directory) return ENOTDIR;
  if (((from.directory->mode & to.directory->mode) & kMayWrite) == 0) return EACCES;
  if (to.node == nullptr || to.node == from.node) return 0;
  if (to.node->is_directory && !from.node->is_directory) return EISDIR;
  if (!to.node->is_directory && from.node->is_directory) return ENOTDIR;
  return to.node->now.names.empty() ? 0 : ENOTEMPTY;
}

int FileTree::Rename(const std::string& path, const std::string& to_path) {
  const Place from = Find(path);
  if (from.error != 0) return from.error;
  const Place to = Find(to_path);
  if (to.error != 0) return to.error;
  if (from.node == nullptr) return ENOENT;
  if (from.name.empty() || to.name.empty()) return EBUSY;
  if (IsBelow(*to.directory, *from.node)) return EINVAL;
  if (const int error = MayReplace(from, to); error != 0) return error;
  if (to.node == from.node) return 0;
  Change change;
  change.kind = Change::Kind::kMove;
  change.at = from.directory;
  change.bytes = from.name;
  change.to = to.directory;
  change.to_name = to.name;
  change.node = from.node;
  change.replaced = to.node;
  Do(std::move(change));
  return 0;
}

int FileTree::Remove(const std::string& path) {
  const Place place = Find(path);
  if (place.error != 0) return place.error;
  if (place.node == nullptr) return ENOENT;
  if (place.name.empty()) return EBUSY;
  if (!place.node->now.names.empty()) return ENOTEMPTY;
  if ((place.directory->mode & kMayWrite) == 0) return EACCES;
  Change change;
  change.kind = Change::Kind::kLeave;
  change.at = place.directory;
  change.bytes = place.name;
  Do(std::move(change));
  return 0;
}

Result<std::vector<std::string>> FileTree::List(const std::string& path) {
  using Listed = Result<std::vector<std::string>>;
  const Place place = Find(path);
  if (place.error != 0) return Listed::Error(place.error);
  if (place.node == nullptr) return Listed::Error(ENOENT);
  if (!place.node->is_directory) return Listed::Error(ENOTDIR);
  if ((place.node->mode & kMayRead) == 0) return Listed::Error(EACCES);
  std::vector<std::string> names;
  for (const auto& [name, node] : place.node->now.names) names.push_back(name);
  return names;
}

int FileTree::SyncDirectory(const std::string& path) {
  const Place place = Find(path);
  if (place.error != 0) return place.error;
  if (place.node == nullptr) return ENOENT;
  if (!place.node->is_directory) return ENOTDIR;
  if ((place.node->mode & kMayRead) == 0) return EACCES;
  // What moved from one directory to another is durable in both, or a name would be in none.
  std::vector<NodePtr> directories = {place.node};
  const auto is_one = [&](const NodePtr& node) {
    return node != nullptr && std::find(directories.begin(), directories.end(), node) != directories.end();
  };
  for (size_t before = 0; before != directories.size();) {
    before = directories.size();
    for (const Change& change : log_) {
      if (change.kind != Change::Kind::kMove || is_one(change.at) == is_one(change.to)) continue;
      directories.push_back(is_one(change.at) ? change.to : change.at);
    }
  }
  if (profile_ != DiskProfile::kPosix) {
    // The bytes of what replaces a file come before its name.
    std::vector<NodePtr> files;
    for (const Change& change : log_) {
      if (change.replaced != nullptr && is_one(change.at)) files.push_back(change.node);
    }
    MakeDurable([&](const Change& change) {
      return change.IsOfBytes() && std::find(files.begin(), files.end(), change.at) != files.end();
    });
  }
  MakeDurable([&](const Change& change) { return !change.IsOfBytes() && is_one(change.at); });
  return 0;
}

void FileTree::Do(Change change) {
  Apply(change, [](Node& node) -> Contents& { return node.now; });
  change.at->modified = world_.Time();
  if (change.to != nullptr) change.to->modified = world_.Time();
  const bool frees = change.kind == Change::Kind::kLeave || change.kind == Change::Kind::kMove;
  log_.push_back(std::move(change));
  if (frees) used_ = SizeOf(*root_);
  world_.Changed();
}

template <typename F>
void FileTree::MakeDurable(F is_meant) {
  std::vector<Change> left;
  for (Change& change : log_) {
    if (is_meant(change)) {
      Apply(change, [](Node& node) -> Contents& { return node.durable; });
    } else {
      left.push_back(std::move(change));
    }
  }
  log_ = std::move(left);
  world_.Changed();
}

void FileTree::Revert(Node& node) {
  node.now = node.durable;
  for (const auto& [name, below] : node.now.names) Revert(*below);
}

void FileTree::LosePower(LossChooser choose) {
  for (const Change& change : KeptOf(log_, profile_, *root_, choose))
    Apply(change, [](Node& node) -> Contents& { return node.durable; });
  ++boots_;
  log_.clear();
  Revert(*root_);
  used_ = SizeOf(*root_);
}

void FileTree::Wipe() {
  ++boots_;
  log_.clear();
  root_->now = root_->durable = Contents();
  used_ = 0;
}

DiskImage FileTree::Now() const {
  DiskImage image;
  AddToImage(*root_, "/", [](const Node& node) -> const Contents& { return node.now; }, image);
  return image;
}

DiskImage FileTree::Image(size_t kept) const {
  ++looks_;
  const auto contents = [this](const Node& node) -> Contents& {
    if (std::exchange(node.look, looks_) != looks_) node.looked_at = node.durable;
    return node.looked_at;
  };
  for (size_t i = 0; i < std::min(kept, log_.size()); ++i) Apply(log_[i], contents);
  DiskImage image;
  AddToImage(*root_, "/", contents, image);
  return image;
}

void FileTree::InstallDirectory(const std::string& path) {
  NodePtr directory = root_;
  for (const std::string& name : std::vector<std::string>(absl::StrSplit(path, '/', absl::SkipEmpty()))) {
    NodePtr& below = directory->now.names[name];
    if (below == nullptr) {
      below = std::make_shared<Node>();
      below->is_directory = true;
      below->mode = 0755;
      below->modified = world_.Time();
    }
    directory->durable.names[name] = below;
    directory = below;
  }
}

void FileTree::Install(const std::string& path, std::string_view bytes) {
  const size_t slash = path.rfind('/');
  if (slash != std::string::npos) InstallDirectory(path.substr(0, slash));
  const Place place = Find(path);
  NodePtr& node = place.directory->now.names[place.name];
  if (node == nullptr) {
    node = std::make_shared<Node>();
    node->mode = 0644;
  }
  node->modified = world_.Time();
  node->now.bytes = node->durable.bytes = bytes;
  place.directory->durable.names[place.name] = node;
  std::erase_if(log_, [&](const Change& change) { return change.at == node; });
  used_ = SizeOf(*root_);
}

DiskNode& FileTree::NodeOf(const internal::DiskFile& file) { return *static_cast<const OpenedFile&>(file).node(); }

void FileTree::DropUnsynced(const internal::DiskFile& file) {
  const Node* const node = &NodeOf(file);
  std::erase_if(log_, [node](const Change& change) { return change.at.get() == node; });
}

int FileTree::FailSync(const std::string& path, int error) {
  const Place place = Find(path);
  if (place.node == nullptr) return place.error == 0 ? ENOENT : place.error;
  place.node->sync_error = error;
  return 0;
}

}  // namespace detent::sim
