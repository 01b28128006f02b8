// SPDX-License-Identifier: Apache-2.0
//
// WaitReadable, WaitWritable: wait until a descriptor of the program's own can be read or written: for a library that
// has its own sockets and says for what it waits. EventLoop::AddReader() is the same with functions.
//
//   while (PQisBusy(connection)) {
//     co_await WaitReadable(PQsocket(connection));
//     PQconsumeInput(connection);
//   }
//
// Readiness is level-triggered: what is ready is ready, whoever was told before. The end of a stream and an error count
// as ready in both directions: the next read or write tells.
//
// Suspension.    Always, for a look at the system at least.
// Cancellation.  At any point; nothing was taken, and the descriptor is not watched any more.
// Errors.        std::system_error: EPERM for a regular file or a directory, which is always ready; EBADF.
//                InvalidStateError for a descriptor that a Connection or a Listener of this loop has; and on a SimLoop,
//                since what the kernel does cannot be replayed. std::invalid_argument for a number below 0.
// Ownership.     The descriptor stays the caller's. It may be closed, by whoever waits next for a descriptor of that
//                number, but not while somebody waits for it.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_IO_DESCRIPTORS_H_
#define DETENT_RUNTIME_IO_DESCRIPTORS_H_

#include <exception>

#include "detent/runtime/internal/descriptor_callbacks.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/internal/wait_list.h"
#include "detent/runtime/internal/wait_text.h"

namespace detent {
namespace internal {

class Descriptors;
class WatchedDescriptor;

class [[nodiscard("does nothing until awaited: write co_await")]] DescriptorWait final : public ListedWait {
 public:
  DescriptorWait(Descriptors& descriptors, int fd, Direction direction)
      : descriptors_(&descriptors), fd_(fd), direction_(direction) {}

  bool Ready(TaskState& task);
  WaitNode* Suspend(TaskState& task);
  Ending End(TaskState& task);
  std::exception_ptr TakeError() { return error_; }
  void Take() const {}

  void Abandon() noexcept override;
  WaitKind Kind() const override { return direction_ == Direction::kRead ? WaitKind::kRead : WaitKind::kWrite; }
  void Describe(WaitText& text) const override;

 private:
  const char* Call() const { return direction_ == Direction::kRead ? "WaitReadable" : "WaitWritable"; }

  Descriptors* descriptors_;
  WatchedDescriptor* watched_ = nullptr;  // While it waits.
  std::exception_ptr error_;
  int fd_;
  Direction direction_;
};

}  // namespace internal

internal::DescriptorWait WaitReadable(int fd);
internal::DescriptorWait WaitWritable(int fd);

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_DESCRIPTORS_H_
