// SPDX-License-Identifier: Apache-2.0
//
// SocketState, SocketWait: what a Connection and a Listener are behind their handles, and how a task waits on one.
//
// Every operation works alike. It tries the socket first and suspends only if that would block. A waiter stands in its
// queue until its task goes on; only the first one is woken, tries again inside its own step (WaitNode::Recheck), and
// keeps its place if that fails too. So bytes and connections leave the socket in the very step that hands them to the
// program, and a cancellation has nothing to lose. Whoever leaves a queue wakes the next.
#ifndef DETENT_RUNTIME_IO_INTERNAL_SOCKET_STATE_H_
#define DETENT_RUNTIME_IO_INTERNAL_SOCKET_STATE_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <typeindex>
#include <typeinfo>
#include <utility>

#include "detent/runtime/internal/frame_pool.h"
#include "detent/runtime/internal/future_state.h"
#include "detent/runtime/internal/open_socket.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/internal/wait_list.h"
#include "detent/runtime/internal/wait_node.h"
#include "detent/runtime/io/internal/network.h"
#include "detent/runtime/io/internal/read_buffer.h"

namespace detent::internal {

// What a call of the system that moved `bytes` takes of a step's budget: 64 of them fit into a step, or 64 kilobytes.
inline int64_t PriceOfCall(size_t bytes) { return 64 + static_cast<int64_t>(bytes / 16); }
// What an operation takes that was served from a buffer, or fails.
inline constexpr int64_t kPriceOfOperation = 8;

// Counted: a handle and every operation hold it, so that an operation may outlive its handle and say what happened.
class SocketState : public WaitObject, public OpenSocket, public Pooled, protected SocketObserver {
 public:
  void AddReference() { ++references_; }
  void DropReference() {
    if (--references_ == 0) delete this;
  }

  LoopCore& core() const { return *core_; }
  // The number of the loop in which it was made.
  uint32_t loop() const { return loop_; }
  bool IsOpen() const { return open_; }
  // Whose address an error or a report names.
  virtual std::string Address() const = 0;

  // Throws InvalidStateError in another loop than its own; `what` is the refused call.
  void CheckLoop(const char* what) const;
  // Wakes all who wait. Throws as CheckLoop().
  void Close(const char* what);
  // Whether it is closed here because it went to another loop.
  bool IsDetached() const { return detached_; }
  // For a handle's destructor: a failure is reported.
  void Drop() noexcept;

  // Nobody waits in `queue` any more.
  virtual void QueueEmptied(const WaitList& queue) = 0;

 protected:
  // Closed here, without its socket.
  void MarkDetached() {
    open_ = false;
    detached_ = true;
    Unlist();
  }
  SocketState(LoopCore& core, std::source_location where) : OpenSocket(where), core_(&core), loop_(core.loop_number) {
    core.AddReference();
    core.open_sockets.Append(this);
  }
  virtual ~SocketState() { core_->DropReference(); }

  virtual void CloseSocket() = 0;

 private:
  LoopCore* core_;
  const uint32_t loop_;
  uint32_t references_ = 0;
  bool open_ = true;
  bool detached_ = false;
};

// What goes from one loop to another. Nothing in it belongs to either.
class DetachedStream {
 public:
  DetachedStream(std::unique_ptr<StreamSocket> its_socket, const Network& network)
      : socket(std::move(its_socket)), network_kind_(typeid(network)) {}

  bool IsOf(const Network& network) const { return network_kind_ == typeid(network); }

  std::unique_ptr<StreamSocket> socket;
  // As of ConnectionState.
  std::string unread;
  int broken = 0;
  int lost = 0;
  bool ended = false;
  bool ends_when_drained = false;
  bool write_closed = false;

 private:
  std::type_index network_kind_;
};

class ConnectionState final : public SocketState {
 public:
  ConnectionState(LoopCore& core, std::unique_ptr<StreamSocket> socket, std::source_location where);
  // REQUIRES: its socket has joined this loop.
  ConnectionState(LoopCore& core, DetachedStream&& stream, std::source_location where);

  // Takes it out of this loop. InvalidStateError while an operation waits, and once it is closed.
  std::unique_ptr<DetachedStream> Detach();

  std::string Address() const override { return socket_->PeerAddress(); }
  std::string DescribeSocket() const override { return "a Connection to " + Address(); }
  StreamSocket& socket() { return *socket_; }
  WaitList& readers() { return readers_; }
  WaitList& writers() { return writers_; }
  // Who waits for the peer to close.
  WaitList& watchers() { return watchers_; }

  // --- Reading ---

  ReadBuffer& input() { return input_; }
  // What comes after input(): the end of the stream, or the errno with which it broke; else more may come.
  bool HasEnded() const { return ended_; }
  // Of `size` bytes of input(), how many a read that takes any number gives.
  size_t PartOf(size_t size) const {
    if (size > 1 && gives_parts_) [[unlikely]]
      return socket_->DrawPart(size);
    return size;
  }
  int broken() const { return broken_; }
  // Receives into input(), of which nothing is borrowed. False if that would block.
  bool Fill();
  // From now on the stream ends where there is nothing to read.
  void EndReading();

  // --- Writing ---

  // As StreamSocket::WritePieces(), of one piece or more.
  IoResult<size_t> Write(std::span<const std::string_view> pieces);
  // After what waits to be written.
  void CloseWrite();
  bool IsWriteClosed() const { return write_closed_; }

  void QueueEmptied(const WaitList& queue) override;

 private:
  void CloseSocket() override;
  void OnReadable() override { readers_.WakeFirst(); }
  void OnWritable() override { writers_.WakeFirst(); }
  void OnPeerClosed() override { watchers_.WakeFirst(); }

  std::unique_ptr<StreamSocket> socket_;
  char* scratch_;
  ReadBuffer input_;
  WaitList readers_;  // At most one.
  WaitList writers_;
  WaitList watchers_;  // Each wakes the next.
  int broken_ = 0;
  int lost_ = 0;  // The errno with which a write found the connection gone.
  bool ended_ = false;
  bool ends_when_drained_ = false;
  bool write_closed_ = false;
  const bool gives_parts_;
};

class ListenerState final : public SocketState {
 public:
  ListenerState(LoopCore& core, std::unique_ptr<ListenSocket> socket, std::source_location where)
      : SocketState(core, where), socket_(std::move(socket)) {
    socket_->SetObserver(this);
  }

  std::string Address() const override { return socket_->LocalAddress(); }
  std::string DescribeSocket() const override { return "a Listener at " + Address(); }
  ListenSocket& socket() { return *socket_; }
  WaitList& accepters() { return accepters_; }

  void QueueEmptied(const WaitList&) override {}

 private:
  void CloseSocket() override;
  void OnReadable() override { accepters_.WakeFirst(); }
  void OnWritable() override {}

  std::unique_ptr<ListenSocket> socket_;
  WaitList accepters_;
};

class SocketWait : public ListedWait {
 public:
  bool Ready(TaskState& task);
  WaitNode* Suspend(TaskState& task);
  Ending End(TaskState& task);
  std::exception_ptr TakeError();

  bool Recheck() final;
  void Abandon() noexcept final { Leave(); }
  const WaitObject* Object() const final { return state_.get(); }
  void Describe(WaitText& text) const override;

 protected:
  enum class Failure : uint8_t {
    kNone,
    kOtherLoop,
    kOtherProcess,     // In a child that fork() made.
    kClosed,           // Before the call.
    kClosedMeanwhile,  // While it waited.
    kBusy,             // Somebody else reads.
    kBusyCancelled,    // Somebody who was cancelled, and has not had the step in which that ends the read.
    kErrno,
    kThrown,  // By Try(), while it waited.
    kOther,   // The operation's own; see MakeOtherError().
  };

  SocketWait(SocketState* state, WaitList& queue) : state_(state), queue_(&queue) {}
  ~SocketWait() = default;

  // "Connection", "Read".
  virtual const char* Type() const = 0;
  virtual const char* Call() const = 0;
  // "read from": the beginning of an errno's text.
  virtual const char* Verb() const = 0;
  // Tries once more. False if it would block; true if it has succeeded or called Fail().
  virtual bool Try() = 0;
  // Called first: whether the state of things forbids the call; it has called Fail() then.
  virtual bool Refuses() { return false; }
  virtual std::exception_ptr MakeOtherError() { return nullptr; }

  void Fail(Failure failure) { failure_ = failure; }
  void FailWithErrno(int error) {
    failure_ = Failure::kErrno;
    errno_ = error;
  }
  // Whether it fails whatever the socket would say; Fail() has been called then.
  bool FailsAtOnce();
  // Called by Try() before it calls the socket. True: stop here for now and count as blocked.
  bool YieldsTurn() { return yields_turn_ = state_->core().IsSpent(); }
  // `Connection::Read() on 127.0.0.1:80: `.
  std::string ErrorPrefix() const;

  SocketState& state() const { return *state_; }

 private:
  void Leave() noexcept;
  void TakeTurn();

  // Try(), in a step in which nobody could catch what it throws: when there is no memory.
  bool TryOrFail() noexcept;

  Ref<SocketState> state_;
  WaitList* queue_;
  std::exception_ptr thrown_;
  int errno_ = 0;
  Failure failure_ = Failure::kNone;
  bool yields_turn_ = false;  // To whoever else is ready: the step has used up its budget.
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_INTERNAL_SOCKET_STATE_H_
