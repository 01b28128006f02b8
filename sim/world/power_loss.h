// SPDX-License-Identifier: Apache-2.0
//
// What a loss of power leaves of what was not durable. Internal; users choose a DiskProfile.
//
// As in ALICE (Pillai et al., 2014) the states are those that a disk can have got to: all of the log but its end, one
// change more or less, and the write at the border in part. Each is a choice, 0 being that nothing is lost, so that a
// failing test shrinks to `only the last rename was lost`.
#ifndef DETENT_SIM_WORLD_POWER_LOSS_H_
#define DETENT_SIM_WORLD_POWER_LOSS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "detent/sim/world/disk_change.h"

namespace detent::sim {

// What a disk promises of what was not synced.
enum class DiskProfile : uint8_t {
  kStrict,   // It is durable at once: for programs that do not care.
  kOrdered,  // As ext4 with data=ordered: it gets to the disk in the order of the calls, but for bytes that were
             // written over others. What replaces a file by a rename is durable before the rename is.
  kPosix,    // Anything of it may be lost, whatever came later.
};

// A sector is written or not: what is torn is torn between two.
inline constexpr uint64_t kSectorSize = 512;

// Chooses one of n possibilities, 0 if there is only one; `words(i)` says what i > 0 means.
using LossChooser = absl::FunctionRef<uint32_t(uint32_t n, absl::FunctionRef<std::string(uint32_t)> words)>;

// The changes of `log` that had got to the disk, in their order; one may be a part of what it was.
std::vector<DiskChange> KeptOf(const std::vector<DiskChange>& log, DiskProfile profile, const DiskNode& root,
                               LossChooser choose);

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_POWER_LOSS_H_
