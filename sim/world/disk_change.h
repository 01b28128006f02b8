// SPDX-License-Identifier: Apache-2.0
//
// DiskChange: what a program did to a simulated disk that a loss of power may take back; and what a file or a directory
// is there. Internal.
#ifndef DETENT_SIM_WORLD_DISK_CHANGE_H_
#define DETENT_SIM_WORLD_DISK_CHANGE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace detent::sim {

// What a disk holds: the bytes by the path; the path of a directory ends in "/".
using DiskImage = std::map<std::string, std::string>;

class DiskNode;
using DiskNodePtr = std::shared_ptr<DiskNode>;

class DiskContents {
 public:
  std::string bytes;
  std::map<std::string, DiskNodePtr> names;
};

// A file or a directory.
class DiskNode {
 public:
  bool is_directory = false;
  int mode = 0;
  int sync_error = 0;
  int read_error = 0;
  absl::Time modified;
  DiskContents now;                // What a program sees.
  DiskContents durable;            // What is there after a loss of power, before what of the log the disk had got to.
  mutable DiskContents looked_at;  // FileTree::Image()'s own.
  mutable uint64_t look = 0;       // In which Image() that was.
};

// A change of bytes has a node; one of names has directories.
class DiskChange {
 public:
  enum class Kind : uint8_t { kWrite, kTruncate, kEnter, kLeave, kMove };

  bool IsOfBytes() const { return kind == Kind::kWrite || kind == Kind::kTruncate; }
  // Then no other may be taken out from before it, or directories could stand in each other.
  bool MovesDirectory() const { return kind == Kind::kMove && node->is_directory; }

  Kind kind = Kind::kWrite;
  DiskNodePtr at;  // The file, or the directory.
  uint64_t offset = 0;
  std::string bytes;         // Or the name.
  bool is_in_place = false;  // Of kWrite: there were bytes in all of its place.
  DiskNodePtr to;            // The directory to which it moves.
  std::string to_name;
  DiskNodePtr node;      // What has the name.
  DiskNodePtr replaced;  // Of kMove: what had the other name.
};

// On what `contents(node)` gives.
template <typename F>
void Apply(const DiskChange& change, F contents) {
  DiskContents& at = contents(*change.at);
  switch (change.kind) {
    case DiskChange::Kind::kWrite:
      if (at.bytes.size() < change.offset + change.bytes.size()) at.bytes.resize(change.offset + change.bytes.size());
      at.bytes.replace(change.offset, change.bytes.size(), change.bytes);
      return;
    case DiskChange::Kind::kTruncate:
      return at.bytes.resize(change.offset);
    case DiskChange::Kind::kEnter:
      at.names[change.bytes] = change.node;
      return;
    case DiskChange::Kind::kLeave:
      at.names.erase(change.bytes);
      return;
    case DiskChange::Kind::kMove:
      at.names.erase(change.bytes);
      contents(*change.to).names[change.to_name] = change.node;
      return;
  }
}

// All that is below `directory`, whose path is `path`, by what `contents(node)` gives.
template <typename F>
void AddToImage(const DiskNode& directory, const std::string& path, F contents, DiskImage& image) {
  for (const auto& [name, node] : contents(directory).names) {
    const std::string at = path + name;
    if (!node->is_directory) {
      image[at] = contents(*node).bytes;
      continue;
    }
    image[at + "/"];
    AddToImage(*node, at + "/", contents, image);
  }
}
// How many bytes there are now. What has no name takes no room, also if it is open still.
uint64_t SizeOf(const DiskNode& node);

// A bit of the byte there has turned, if there is one.
void TurnBit(DiskNode& file, uint64_t offset);
// What is at `directory` and below can be read again.
void MendReads(DiskNode& directory);

// For a person, in a tree that begins at `root`: `the write of 4096 bytes at 8192 to /wal.log`; and why a loss of power
// may take it: `the file was not synced since`, `the directory /data was not synced since`.
std::string Describe(const DiskChange& change, const DiskNode& root);
std::string WhyItIsNotDurable(const DiskChange& change, const DiskNode& root);

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_DISK_CHANGE_H_
