// SPDX-License-Identifier: Apache-2.0
//
// DetachedConnection: a connection between two loops, on its way from one to the other.
//
//   Channel<DetachedConnection> clients(/*capacity=*/64);
//   co_await clients.Send(connection.Detach());                       // in the loop that accepts
//   ...
//   while (std::optional<DetachedConnection> next = co_await clients.Receive()) {    // in the one that serves
//     Connection client = Adopt(*std::move(next));
//     co_await Serve(client);
//   }
//
// What has arrived and was not read goes along; nothing is lost on the way. The Connection from which it came is of no
// use any more.
//
// Suspension.    None.
// Cancellation.  None.
// Errors.        Detach(): InvalidStateError if a task reads or writes, and after Close(). Adopt(): InvalidStateError
//                outside a running loop, for one that is empty or was adopted, and in a loop of another kind: a
//                connection of the simulated network means nothing to the real loop. std::system_error if the system
//                has no room.
// Ownership.     Move-only; one that is dropped is closed, as a Connection.
// Threads.       May be moved between threads, used by one at a time. Adopt() in the loop that is to have it.
#ifndef DETENT_RUNTIME_IO_DETACHED_CONNECTION_H_
#define DETENT_RUNTIME_IO_DETACHED_CONNECTION_H_

#include <memory>
#include <utility>

#include "detent/runtime/io/internal/socket_state.h"

namespace detent {

class DetachedConnection {
 public:
  DetachedConnection() {}
  DetachedConnection(DetachedConnection&&) noexcept = default;
  DetachedConnection& operator=(DetachedConnection&&) noexcept = default;

  // False if it was default-constructed, moved from or adopted.
  explicit operator bool() const { return stream_ != nullptr; }

  // --- For the library ---

  explicit DetachedConnection(std::unique_ptr<internal::DetachedStream> stream) : stream_(std::move(stream)) {}
  std::unique_ptr<internal::DetachedStream>& stream() { return stream_; }

 private:
  std::unique_ptr<internal::DetachedStream> stream_;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_DETACHED_CONNECTION_H_
