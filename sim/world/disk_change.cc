// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/disk_change.h"

#include <string_view>

#include "absl/strings/str_cat.h"

namespace detent::sim {
namespace {

// The path of `node`, which begins with `path`; empty if it is not below `directory`.
std::string PathOf(const DiskNode& node, const DiskNode& directory, const std::string& path) {
  if (&node == &directory) return path.empty() ? "/" : path;
  for (const auto& [name, below] : directory.now.names) {
    if (below->is_directory || below.get() == &node) {
      if (std::string found = PathOf(node, *below, absl::StrCat(path, "/", name)); !found.empty()) return found;
    }
  }
  return "";
}

std::string NameOf(const DiskNode& node, const DiskNode& root) {
  std::string path = PathOf(node, root, "");
  if (!path.empty()) return path;
  return node.is_directory ? "a directory that was removed" : "a file without a name";
}

std::string PathIn(const DiskNode& directory, std::string_view name, const DiskNode& root) {
  const std::string path = NameOf(directory, root);
  return absl::StrCat(path == "/" ? "" : path, "/", std::string(name));
}

}  // namespace

uint64_t SizeOf(const DiskNode& node) {
  uint64_t size = node.now.bytes.size();
  for (const auto& [name, below] : node.now.names) size += SizeOf(*below);
  return size;
}

void TurnBit(DiskNode& file, uint64_t offset) {
  for (std::string* const bytes : {&file.now.bytes, &file.durable.bytes}) {
    if (offset < bytes->size()) (*bytes)[offset] = static_cast<char>((*bytes)[offset] ^ 1);
  }
}

void MendReads(DiskNode& directory) {
  directory.read_error = 0;
  for (const auto& [name, below] : directory.now.names) MendReads(*below);
}

std::string Describe(const DiskChange& change, const DiskNode& root) {
  switch (change.kind) {
    case DiskChange::Kind::kWrite:
      return absl::StrCat("the write of ", change.bytes.size(), change.bytes.size() == 1 ? " byte at " : " bytes at ",
                          change.offset, " to ", NameOf(*change.at, root));
    case DiskChange::Kind::kTruncate:
      return absl::StrCat("the truncation to ", change.offset, " of ", NameOf(*change.at, root));
    case DiskChange::Kind::kEnter:
      return absl::StrCat("the name ", PathIn(*change.at, change.bytes, root));
    case DiskChange::Kind::kLeave:
      return absl::StrCat("the removal of ", PathIn(*change.at, change.bytes, root));
    case DiskChange::Kind::kMove:
      return absl::StrCat("the rename of ", PathIn(*change.at, change.bytes, root), " to ",
                          PathIn(*change.to, change.to_name, root));
  }
  return "a change";
}

std::string WhyItIsNotDurable(const DiskChange& change, const DiskNode& root) {
  if (change.IsOfBytes()) return "the file was not synced after it";
  return absl::StrCat("the directory ", NameOf(*change.at, root), " was not synced after it");
}

}  // namespace detent::sim
