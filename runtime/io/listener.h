// SPDX-License-Identifier: Apache-2.0
//
// Listener: takes TCP connections at one address. Listen() makes one. A server is better off with StartServer()
// (server.h), which runs a task for each connection and outlives whatever goes wrong with one of them.
//
//   Listener listener = co_await Listen("127.0.0.1", 0);            // port 0: any free port, see Port()
//   Connection connection = co_await listener.Accept();
//
// Order.         Connections in the order in which they were established; tasks get them in the order in which they
//                asked.
// Suspension.    Accept() suspends only while there is no connection, or while others wait for one; once a step has
//                used up its budget (see connection.h) it yields all the same, so that a flood of connections leaves
//                the loop to the others.
// Cancellation.  A cancelled Accept() took no connection: the next one gets it.
// Errors.        std::system_error with the errno and the address. Out of descriptors ("accept at 127.0.0.1:80: Too
//                many open files") the connection stays in the queue, and a later Accept() gets it: wait a little, or
//                close something, before the next try. InvalidStateError after Close(), and for an Accept() that waits
//                while Close() is called.
// Ownership.     Move-only; a Listener that is dropped is closed. Connections that were accepted live on.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_IO_LISTENER_H_
#define DETENT_RUNTIME_IO_LISTENER_H_

#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <utility>

#include "detent/runtime/io/connection.h"
#include "detent/runtime/io/internal/socket_state.h"

namespace detent {
namespace internal {

class [[nodiscard("does nothing until awaited: write co_await")]] AcceptOperation final : public SocketWait {
 public:
  AcceptOperation(ListenerState* state, std::source_location where)
      : SocketWait(state, state->accepters()), where_(where) {}

  Connection Take();

  WaitKind Kind() const override { return WaitKind::kAccept; }

 private:
  const char* Type() const override { return "Listener"; }
  const char* Call() const override { return "Accept"; }
  const char* Verb() const override { return "accept at"; }
  bool Try() override;

  const std::source_location where_;
  std::unique_ptr<StreamSocket> accepted_;
};

}  // namespace internal

class Listener {
 public:
  Listener() {}
  Listener(Listener&& other) noexcept : state_(std::move(other.state_)) {}
  Listener& operator=(Listener&& other) noexcept {
    if (this != &other) {
      Drop();
      state_ = std::move(other.state_);
    }
    return *this;
  }
  ~Listener() { Drop(); }

  // False if it was default-constructed or moved from. A closed one is still a Listener.
  explicit operator bool() const { return static_cast<bool>(state_); }

  internal::AcceptOperation Accept(std::source_location where = std::source_location::current()) {
    return internal::AcceptOperation(state(), where);
  }
  // Connections that were not accepted are reset, and an Accept() that waits fails. Twice is harmless.
  void Close() { state()->Close("Listener::Close()"); }

  // Also after Close().
  uint16_t Port() const { return state()->socket().LocalPort(); }
  std::string Address() const { return state()->Address(); }

  // --- For the library ---

  explicit Listener(internal::Ref<internal::ListenerState> state) : state_(std::move(state)) {}
  internal::ListenerState* state() const {
    if (!state_) [[unlikely]]
      ThrowEmpty();
    return state_.get();
  }

 private:
  [[noreturn]] static void ThrowEmpty();
  void Drop() noexcept {
    if (state_) state_->Drop();
  }

  internal::Ref<internal::ListenerState> state_;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_LISTENER_H_
