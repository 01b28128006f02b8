// SPDX-License-Identifier: Apache-2.0
//
// DescriptorCallbacks: who calls functions when descriptors are ready, for EventLoop::AddReader() and the like.
#ifndef DETENT_RUNTIME_INTERNAL_DESCRIPTOR_CALLBACKS_H_
#define DETENT_RUNTIME_INTERNAL_DESCRIPTOR_CALLBACKS_H_

#include <cstdint>
#include <source_location>

#include "absl/functional/any_invocable.h"

namespace detent::internal {

// What a loop without them says.
inline constexpr char kNoDescriptors[] =
    "AddReader(), WaitReadable() and the like on a SimLoop: a descriptor belongs to the kernel, and what it does "
    "cannot "
    "be replayed; use a Connection, or test this part on an EpollLoop";

enum class Direction : uint8_t { kRead, kWrite };

class DescriptorCallbacks {
 public:
  // In place of the one that is there. Throws if `fd` cannot be watched.
  virtual void Add(int fd, Direction direction, absl::AnyInvocable<void()> fn, std::source_location where) = 0;
  // Whether there was one.
  virtual bool Remove(int fd, Direction direction) = 0;

 protected:
  ~DescriptorCallbacks() = default;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_DESCRIPTOR_CALLBACKS_H_
