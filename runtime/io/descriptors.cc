// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/descriptors.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/io/internal/descriptors.h"
#include "detent/runtime/io/internal/outside.h"

namespace detent {
namespace internal {

bool DescriptorWait::Ready(TaskState&) {
  try {
    watched_ = &descriptors_->Want(absl::StrCat(Call(), "()"), fd_, direction_);
    return false;
  } catch (...) {
    error_ = std::current_exception();
    return true;
  }
}

WaitNode* DescriptorWait::Suspend(TaskState& task) {
  Park(task);
  watched_->waiters(direction_).Append(this);
  return this;
}

Ending DescriptorWait::End(TaskState& task) {
  if (error_ != nullptr) return Ending::kError;
  const Ending ending = EndOfWait(task);
  Abandon();
  return ending;
}

void DescriptorWait::Abandon() noexcept {
  WaitList::Remove(this);
  descriptors_->Update(*watched_);
}

void DescriptorWait::Describe(WaitText& text) const {
  text.verb = Call();
  text.preposition = "on";
  text.object = absl::StrCat("descriptor ", fd_);
}

}  // namespace internal

internal::DescriptorWait WaitReadable(int fd) {
  internal::LoopCore& core = internal::RequireCore("WaitReadable()");
  return internal::DescriptorWait(core.owner().outside().descriptors(), fd, internal::Direction::kRead);
}

internal::DescriptorWait WaitWritable(int fd) {
  internal::LoopCore& core = internal::RequireCore("WaitWritable()");
  return internal::DescriptorWait(core.owner().outside().descriptors(), fd, internal::Direction::kWrite);
}

}  // namespace detent
