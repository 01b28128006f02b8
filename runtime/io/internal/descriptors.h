// SPDX-License-Identifier: Apache-2.0
//
// Descriptors: the program's own descriptors that a loop watches: for functions (EventLoop::AddReader()) and for tasks
// that wait (WaitReadable()). What the kernel has to do with it is in runtime/epoll/.
//
// Invariant: a descriptor is in the table while somebody wants to know of it, once for both directions, and the kernel
// is asked for just those that somebody wants.
#ifndef DETENT_RUNTIME_IO_INTERNAL_DESCRIPTORS_H_
#define DETENT_RUNTIME_IO_INTERNAL_DESCRIPTORS_H_

#include <array>
#include <memory>
#include <source_location>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "detent/runtime/internal/descriptor_callbacks.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/ref.h"
#include "detent/runtime/internal/wait_list.h"
#include "detent/runtime/io/internal/descriptor_callback.h"

namespace detent::internal {

class WatchedDescriptor {
 public:
  explicit WatchedDescriptor(int fd) : fd_(fd) {}
  WatchedDescriptor(const WatchedDescriptor&) = delete;
  WatchedDescriptor& operator=(const WatchedDescriptor&) = delete;
  virtual ~WatchedDescriptor();

  // Asks the kernel for this and nothing else; neither ends it. 0 or an errno.
  virtual int SetInterest(bool read, bool write) = 0;

  int fd() const { return fd_; }
  bool IsWanted(Direction direction) const;
  WaitList& waiters(Direction direction) { return sides_[static_cast<size_t>(direction)].waiters; }
  // Null for none. The one that was there does not run any more.
  void SetCallback(Direction direction, Ref<DescriptorCallback> callback);
  bool HasCallback(Direction direction) const;

 protected:
  // The reader first, as in asyncio.
  void OnReady(bool readable, bool writable);

 private:
  class Side {
   public:
    Ref<DescriptorCallback> callback;
    WaitList waiters;
  };
  void Tell(Side& side);

  const int fd_;
  std::array<Side, 2> sides_;
};

class Descriptors : public DescriptorCallbacks {
 public:
  explicit Descriptors(LoopCore& core) : core_(core) {}
  virtual ~Descriptors() = default;

  void Add(int fd, Direction direction, absl::AnyInvocable<void()> fn, std::source_location where) override;
  bool Remove(int fd, Direction direction) override;

  // For `what`, a call: sees to it that the kernel is asked for this too. Throws if it refuses.
  WatchedDescriptor& Want(std::string_view what, int fd, Direction direction);
  // Somebody does not want it any more.
  void Update(WatchedDescriptor& watched);

 protected:
  virtual std::unique_ptr<WatchedDescriptor> Make(int fd) = 0;

 private:
  LoopCore& core_;
  absl::flat_hash_map<int, std::unique_ptr<WatchedDescriptor>> watched_;  // Looked up only, never iterated.
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_INTERNAL_DESCRIPTORS_H_
