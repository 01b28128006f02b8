// SPDX-License-Identifier: Apache-2.0
//
// DiskPlace: where a path leads on a simulated disk. Internal.
#ifndef DETENT_SIM_WORLD_DISK_PLACE_H_
#define DETENT_SIM_WORLD_DISK_PLACE_H_

#include <string>

#include "detent/sim/world/disk_change.h"

namespace detent::sim {

// The directory in which a path is, and its last name, which is "" for the root.
class DiskPlace {
 public:
  int error = 0;
  DiskNodePtr directory;
  std::string name;
  DiskNodePtr node;  // Null if there is none of that name.
  bool must_be_directory = false;
};

DiskPlace FindPlace(const DiskNodePtr& root, const std::string& path);

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_DISK_PLACE_H_
