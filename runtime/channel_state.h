// SPDX-License-Identifier: Apache-2.0
//
// ChannelState, ChannelPort: what a Channel is behind its handle, and each loop's place at it.
//
// A mutex guards the items and what the ports say of themselves; lists of waiters belong to their loops, and nobody
// else touches them. Whoever makes something possible (an item to take, room to send) tells one port, through its
// loop's inbox; the port then wakes as many of its waiters as there is something for. Until it has been told once, it
// is not told again: one wake-up for all that comes meanwhile.
//
// Invariant. While there is something for one side, and a port of that side waits, then a port of that side has been
// told, or a waiter was woken that has not run since. Hence each waiter that ran, or leaves, looks whether there is
// more, and if so tells the next; and so does a message to a loop that ends before it has read it.
#ifndef DETENT_RUNTIME_CHANNEL_STATE_H_
#define DETENT_RUNTIME_CHANNEL_STATE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detent/runtime/internal/inbox.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/wait_list.h"
#include "detent/runtime/internal/wait_object.h"

namespace detent::internal {

class ChannelPort;

enum class ChannelSide : uint8_t { kSend, kReceive };

// Whom to tell, once the mutex is free.
class ChannelNews {
 public:
  ChannelNews() {}
  // Throws nothing, and runs no code of the program's but for the items of a loop that is gone.
  void Tell() noexcept;

  std::array<std::shared_ptr<ChannelPort>, 2> ports;  // By side; null for nobody.
};

// Everything but the items.
class ChannelState : public std::enable_shared_from_this<ChannelState> {
 public:
  ChannelState(const ChannelState&) = delete;
  ChannelState& operator=(const ChannelState&) = delete;

  // --- Any thread ---

  int64_t capacity() const { return capacity_; }
  size_t Size();
  bool IsClosed();
  void Close();
  // The handle goes.
  void Abandon();
  // `Channel::Send() on Channel "jobs"`.
  std::string CallOf(std::string_view call) const;
  const std::string& name() const { return name_; }

  std::mutex& mutex() { return mutex_; }
  // --- With the mutex ---

  size_t size() const { return size_; }
  bool closed() const { return closed_; }
  bool gone() const { return gone_; }
  bool HasRoom() const { return static_cast<int64_t>(size_) < capacity_; }
  // For how many there is something: items or places; all, once it is closed.
  size_t For(ChannelSide side) const;
  // How the number of items changed, and whom to tell of that.
  [[gnu::always_inline]] ChannelNews Changed(int by) {
    size_ += static_cast<size_t>(by);
    return untold_ == 0 ? ChannelNews() : News();
  }
  // Whom to tell of what there is.
  ChannelNews News();

 protected:
  ChannelState(int64_t capacity, std::string_view name);
  ~ChannelState() = default;

 private:
  friend class ChannelPort;
  friend class ChannelWait;

  // The place of the loop that runs on this thread, made at its first wait. With the mutex.
  std::shared_ptr<ChannelPort> PortOf(const LoopCore& core);
  std::shared_ptr<ChannelPort> NextToTell(ChannelSide side);
  void TellAll();

  const int64_t capacity_;
  const std::string name_;
  std::mutex mutex_;
  size_t size_ = 0;
  size_t untold_ = 0;  // How many sides of ports wait and have not been told.
  bool closed_ = false;
  bool gone_ = false;
  std::vector<std::shared_ptr<ChannelPort>> ports_;  // Who was told last stands last.
};

// One loop's place at one channel.
class ChannelPort : public WaitObject {
 public:
  ChannelPort(std::shared_ptr<ChannelState> channel, const LoopCore& core);

  ChannelState& channel() const { return *channel_; }

  // --- The loop's thread, without the mutex ---

  // There may be something for this side.
  void Hear(ChannelSide side) noexcept;
  void Remove(ListedWait* wait, ChannelSide side) noexcept;
  // It was woken, and goes on.
  static void RemoveWoken(ListedWait* wait) { TurnList::RemoveWoken(wait); }

  // --- The loop's thread, with the mutex ---

  void Append(ListedWait* wait, ChannelSide side);

 private:
  friend class ChannelNews;
  friend class ChannelState;
  template <ChannelSide kSide>
  friend class ChannelLetter;

  // Of one side. The list is the loop's; the rest has the mutex.
  class Side {
   public:
    TurnList waiters;
    bool waits = false;
    bool told = false;  // And has not heard of it.
  };

  Side& at(ChannelSide side) { return sides_[static_cast<size_t>(side)]; }
  // With the mutex: keeps count.
  void SetWaits(ChannelSide side, bool waits);
  void SetTold(ChannelSide side, bool told);
  // Any thread: tells the loop. If that is gone, the next port.
  static void Send(std::shared_ptr<ChannelPort> port, ChannelSide side) noexcept;
  // The loop went before it heard.
  void Miss(ChannelSide side) noexcept;

  const std::shared_ptr<ChannelState> channel_;
  const uint32_t loop_number_;
  const std::shared_ptr<Inbox> inbox_;
  Side sides_[2];
};

// The wait of a sender or a receiver.
class ChannelWait : public ListedWait {
 public:
  bool Ready(TaskState& task);
  WaitNode* Suspend(TaskState& task);
  Ending End(TaskState& task);
  std::exception_ptr TakeError();

  bool Recheck() final;
  void Abandon() noexcept final;
  WaitKind Kind() const final {
    return side_ == ChannelSide::kSend ? WaitKind::kChannelSend : WaitKind::kChannelReceive;
  }
  const WaitObject* Object() const final { return port_.get(); }
  void Describe(WaitText& text) const final;

 protected:
  ChannelWait(ChannelState& channel, ChannelSide side) : channel_(&channel), side_(side) {}
  ~ChannelWait() = default;

  enum class Failure : uint8_t { kNone, kClosed, kGone, kThrown };

  ChannelState& channel() const { return *channel_; }
  // With the mutex: sends or receives. False if it has to wait; true too if it fails: Fail() was called then.
  virtual bool Try(ChannelNews& news) = 0;
  void Fail(Failure failure) { failure_ = failure; }

 private:
  // Whether it is over, with whatever end; if not, and it `waits_on`, it has been parked again, at the back.
  bool Attempt(bool waits_on) noexcept;
  // With the mutex: into the list of its loop's port.
  void Enlist(const LoopCore& core);
  const char* Verb() const { return side_ == ChannelSide::kSend ? "Send" : "Receive"; }

  ChannelState* channel_;
  std::shared_ptr<ChannelPort> port_;  // Once it waits. It keeps the state.
  std::exception_ptr thrown_;
  const ChannelSide side_;
  Failure failure_ = Failure::kNone;
  bool is_listed_ = false;
  bool takes_turn_ = false;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_CHANNEL_STATE_H_
