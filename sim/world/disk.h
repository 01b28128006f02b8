// SPDX-License-Identifier: Apache-2.0
//
// Disk: the disk of a simulated loop: files in memory, empty at the beginning of each run. A program uses it through
// runtime/io/file.h and files.h; a test may prepare it, and look at what is on it.
//
//   sim::Disk& disk = sim::Disk::Current();
//   disk.Write("/etc/kv.conf", "fast = no\n");
//   disk.SetCapacity(1 << 20);
//   ...
//   EXPECT_EQ(disk.AfterPowerLoss()["/data/MANIFEST"], "new");
//
// An operation takes no time (the calmest), or one of seven lengths from 100 microseconds to 6.4 milliseconds, or what
// lies between by its place among other events (arrivals.h): a choice. At its end it happens, all at once. A read or a
// write of the system may do a part only, which is looped over: a choice too.
//
// Names.         Begin at "/", which is the working directory too. There are no links. 255 bytes at most.
// Permissions.   Those of the owner, who is not root; the umask is 022.
// Loss of power. Sync() makes a file's bytes durable, SyncDirectory() the names in a directory. What was done since is
//                a log; what of it a loss of power takes is a choice, made when somebody looks first, of what the
//                disk's profile allows (power_loss.h).
// Faults.        In a world with kDiskFaults an operation may be slow, find no room, fail, never be read again, or not
//                be answered for a minute; a sync that fails loses what it should have kept; a bit may turn.
// Order.         Operations on different files, and of different tasks, may overtake one another.
// Suspension.    None of a test's own calls here suspends, or draws, but for the first look after a loss of power.
// Errors.        InvalidStateError outside a run of a SimLoop. std::system_error where a path cannot be.
// Threads.       The loop's own thread only.
#ifndef DETENT_SIM_WORLD_DISK_H_
#define DETENT_SIM_WORLD_DISK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "detent/runtime/choice_kind.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/io/internal/disk.h"
#include "detent/sim/world/arrivals.h"
#include "detent/sim/world/faults.h"
#include "detent/sim/world/file_tree.h"
#include "detent/sim/world/power_loss.h"

namespace detent::sim {

class DiskArrival;

class Disk final : public internal::Disk, private FileTree::World, private Patient {
 public:
  // That of the loop that runs.
  static Disk& Current();
  static Disk* CurrentOrNull();

  // As if it had always been there: durable, with the directories above it.
  void Write(std::string_view path, std::string_view bytes);
  void MakeDirectory(std::string_view path);
  // What a program would read now.
  std::string Read(std::string_view path);
  // All that it would find.
  DiskImage Contents() {
    Settle();
    return tree_.Now();
  }

  // More bytes than that do not fit: ENOSPC. A terabyte at first.
  void SetCapacity(uint64_t bytes) { tree_.set_capacity(bytes); }
  // From now on syncing the file that has this path fails with this errno.
  void FailSync(std::string_view path, int error);

  // What the disk keeps of what is not synced; kOrdered at first.
  void SetProfile(DiskProfile profile) { tree_.set_profile(profile); }
  // The power fails, and comes back: what was open leads nowhere (EIO).
  void LosePower();
  // All is lost, synced or not.
  void Wipe();

  // What would be there if the power failed now: all that is not durable is lost, but for the first `kept` of the
  // UnsyncedChanges().
  DiskImage AfterPowerLoss(size_t kept = 0) {
    Settle();
    return tree_.Image(kept);
  }
  size_t UnsyncedChanges() {
    Settle();
    return tree_.log_size();
  }
  // Called after each system call that changed something or was a barrier. It must neither suspend nor throw.
  void OnChange(absl::AnyInvocable<void()> function) { on_change_ = std::move(function); }

  // How many files are open: a program's descriptors.
  size_t OpenFiles() const { return tree_.open_files(); }

  // --- For the library ---

  Disk(EventLoop& loop, Arrivals& arrivals, Faults& faults);
  // For calls that happen at once, and know of no faults.
  internal::FileSystem& Tree() {
    Settle();
    return tree_;
  }
  std::string NewSuffix() override;
  // The run is over.
  void End();

 private:
  friend class DiskArrival;
  friend class DiskStep;

  ~Disk() override;
  // If the power was lost, finds out what of the disk is left.
  void Settle();
  void OnHealed() override;
  void Start(std::unique_ptr<internal::DiskCall> call) override;
  bool MayDraw() const;
  bool IsMuted() const;
  size_t DrawPart(ChoiceKind kind, size_t size);

  absl::Time Time() override { return loop_.WallTime(); }
  size_t DrawReadPart(size_t size) override { return DrawPart(ChoiceKind::kRead, size); }
  size_t DrawWritePart(size_t size) override { return DrawPart(ChoiceKind::kWrite, size); }
  void Changed() override {
    if (on_change_) on_change_();
  }

  EventLoop& loop_;
  Arrivals& arrivals_;
  Faults& faults_;
  FileTree tree_;
  std::vector<DiskArrival*> held_up_;  // What will not be answered for long.
  uint64_t loss_ = 0;                  // The stream of a loss of power at which nobody has looked yet; 0 if none.
  absl::AnyInvocable<void()> on_change_;
  const internal::DiskCall* carried_out_ = nullptr;  // Now, in its step.
  uint64_t stream_ = 0;                              // Of its choices.
  uint64_t last_suffix_ = 0;
  bool ended_ = false;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_DISK_H_
