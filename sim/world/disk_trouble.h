// SPDX-License-Identifier: Apache-2.0
//
// DiskTrouble: what goes wrong with one operation on a simulated disk, and how long it takes: one choice. Internal.
#ifndef DETENT_SIM_WORLD_DISK_TROUBLE_H_
#define DETENT_SIM_WORLD_DISK_TROUBLE_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/io/internal/disk_call.h"
#include "detent/sim/world/faults.h"
#include "detent/sim/world/file_tree.h"

namespace detent::sim {

inline bool IsWrite(internal::DiskVerb verb) {
  return verb == internal::DiskVerb::kWriteAt || verb == internal::DiskVerb::kAppend;
}
inline bool IsSync(internal::DiskVerb verb) {
  return verb == internal::DiskVerb::kSync || verb == internal::DiskVerb::kSyncData;
}

class DiskTrouble {
 public:
  // In the order of severity.
  enum class Kind : uint8_t { kNone, kIsSlow, kIsFull, kFails, kTurnsBit, kIsHeldUp };

  DiskTrouble() {}

  // The next choice of `stream`, for `call`, of which `what()` is the name. `may_rot`: a bit of this disk may turn.
  static DiskTrouble Draw(internal::LoopOwner& owner, Faults& faults, uint64_t stream, const internal::DiskCall& call,
                          bool may_rot, absl::FunctionRef<std::string()> what);

  // Does what `call` asks, as far as it comes to that.
  void CarryOut(internal::DiskCall& call, FileTree& tree) const;

  // Zero for at once.
  absl::Duration delay() const { return delay_; }
  Kind kind() const { return kind_; }

 private:
  DiskTrouble(Kind kind, absl::Duration delay) : kind_(kind), delay_(delay) {}

  Kind kind_ = Kind::kNone;
  absl::Duration delay_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_DISK_TROUBLE_H_
