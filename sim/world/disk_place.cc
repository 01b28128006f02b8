// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/disk_place.h"

#include <cerrno>
#include <cstddef>
#include <vector>

#include "absl/strings/str_split.h"

namespace detent::sim {
namespace {

// As Linux has them.
constexpr size_t kNameMax = 255;
constexpr size_t kPathMax = 4095;
constexpr int kMayLookUp = 0100;

}  // namespace

DiskPlace FindPlace(const DiskNodePtr& root, const std::string& path) {
  DiskPlace place;
  place.directory = place.node = root;
  if (path.size() > kPathMax) place.error = ENAMETOOLONG;
  std::vector<DiskNodePtr> above;  // For `..`.
  const std::vector<std::string> names = absl::StrSplit(path, '/', absl::SkipEmpty());
  place.must_be_directory = path.back() == '/';
  for (const std::string& name : names) {
    if (place.error != 0) return place;
    if (place.node == nullptr) {
      place.error = ENOENT;
    } else if (!place.node->is_directory) {
      place.error = ENOTDIR;
    } else if ((place.node->mode & kMayLookUp) == 0) {
      place.error = EACCES;
    } else if (name.size() > kNameMax) {
      place.error = ENAMETOOLONG;
    } else if (name == "..") {
      if (!above.empty()) {
        place.node = above.back();
        above.pop_back();
      }
      place.name.clear();
    } else if (name != ".") {
      above.push_back(place.node);
      place.directory = place.node;
      place.name = name;
      const auto found = place.directory->now.names.find(name);
      place.node = found == place.directory->now.names.end() ? nullptr : found->second;
    }
  }
  if (place.error == 0 && place.must_be_directory && place.node != nullptr && !place.node->is_directory) {
    place.error = ENOTDIR;
  }
  return place;
}

}  // namespace detent::sim
