// SPDX-License-Identifier: Apache-2.0
//
// Channel<T>: a bounded FIFO between event loops, each on a thread of its own.
//
//   Channel<Job> jobs(/*capacity=*/64, "jobs");
//   RunThreads(4, [&](int index) -> Coro<> {
//     if (index == 0) {
//       co_await jobs.Send(Job(1));                     // waits while it is full
//       jobs.Close();
//     } else {
//       while (std::optional<Job> job = co_await jobs.Receive()) Do(*job);    // empty once it is closed and drained
//     }
//   });
//
// Any number of tasks of any loops may send and receive. Within one loop a Queue does the same and costs less.
//
// Order.         Items leave in the order in which they entered. Those who wait are woken in the order in which they
//                began to, within their loop; which loop is next is a matter of turns. A caller that arrives in between
//                may be faster, and the loser waits again at the back.
// Suspension.    Send() suspends only while the channel is full, Receive() only while it is empty; either yields
//                once its step has used up its budget. A loop is woken once for all that came by then. On a SimLoop
//                each wake-up of another loop has a latency that is a choice, as a message of the network has.
// Cancellation.  A cancelled Send() added nothing and its item is still the caller's; a cancelled Receive() took
//                nothing. A wake-up that they had been given goes to the next.
// Errors.        After Close(), Send() throws QueueShutDown, and Receive() gives what is left, then nothing. QueueFull,
//                QueueEmpty by the calls that do not wait. std::invalid_argument for a capacity below 1. What an item's
//                copy or move throws comes out; the channel has then added or taken nothing.
// Ownership.     Send(T&&) moves from its argument only when it succeeds: the argument must live until the await ends.
//                Spawned or given to Gather() and the like, it becomes a task that takes its item along. The channel
//                must outlive those who wait at it, else they get an InvalidStateError. An item is moved while a lock
//                is held: its move constructor must not use the channel.
// Threads.       Any, also without a loop but for the calls that wait. On a SimLoop the loop's own thread only. What an
//                item refers to must be safe to use on the other thread: no Task, Connection (see Detach()) or Lock.
#ifndef DETENT_RUNTIME_CHANNEL_H_
#define DETENT_RUNTIME_CHANNEL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "detent/runtime/channel_state.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/internal/awaiting.h"
#include "detent/runtime/internal/item_order.h"

namespace detent {
namespace internal {

template <typename T>
class ItemChannel;
template <typename T>
class ChannelReceive;
template <typename T, typename Reference>
class ChannelSend;

}  // namespace internal

template <typename T>
class Channel {
 public:
  using Item = T;

  // The `capacity` is 1 or more. The name is for reports.
  explicit Channel(int64_t capacity, std::string_view name = {})
      : state_(std::make_shared<internal::ItemChannel<T>>(capacity, name)) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel() { state_->Abandon(); }

  internal::ChannelSend<T, const T&> Send(const T& item) { return {*state_, item}; }
  internal::ChannelSend<T, T&&> Send(T&& item) { return {*state_, std::move(item)}; }
  // A std::optional<T>: empty once the channel is closed and drained.
  internal::ChannelReceive<T> Receive() { return internal::ChannelReceive<T>(*state_); }

  // Without waiting: QueueFull if there is no room.
  void SendNowait(const T& item) { state_->AddNow(item); }
  void SendNowait(T&& item) { state_->AddNow(std::move(item)); }
  // Without waiting: QueueEmpty if there is nothing, and the channel is open.
  std::optional<T> ReceiveNowait() { return state_->TakeNow(); }

  // No more items: whoever waits to send gets QueueShutDown, and who receives what is left. Twice is harmless.
  void Close() { state_->Close(); }
  bool IsClosed() const { return state_->IsClosed(); }

  // How many items there are; by the time one looks that may be another number.
  size_t Size() const { return state_->Size(); }
  int64_t Capacity() const { return state_->capacity(); }

 private:
  const std::shared_ptr<internal::ItemChannel<T>> state_;
};

// --------------------------------------------------------------------------------------------------------------------

namespace internal {

[[noreturn]] void ThrowChannelClosed(const ChannelState& channel, std::string_view call);
[[noreturn]] void ThrowChannelFull(const ChannelState& channel);
[[noreturn]] void ThrowChannelEmpty(const ChannelState& channel);

template <typename T>
class ItemChannel final : public ChannelState {
 public:
  ItemChannel(int64_t capacity, std::string_view name) : ChannelState(capacity, name) {}

  template <typename U>
  void AddNow(U&& item) {
    ChannelNews news;
    {
      const std::lock_guard<std::mutex> held(mutex());
      if (closed()) ThrowChannelClosed(*this, "SendNowait");
      if (!HasRoom()) ThrowChannelFull(*this);
      news = Add(std::forward<U>(item));
    }
    news.Tell();
  }
  std::optional<T> TakeNow() {
    ChannelNews news;
    std::optional<T> item;
    {
      const std::lock_guard<std::mutex> held(mutex());
      if (size() == 0 && !closed()) ThrowChannelEmpty(*this);
      if (size() > 0) news = Take(item);
    }
    news.Tell();
    return item;
  }

  // With the mutex.
  template <typename U>
  [[gnu::always_inline]] ChannelNews Add(U&& item) {
    items_.Add(std::forward<U>(item));
    return Changed(+1);
  }
  // REQUIRES: there is one.
  [[gnu::always_inline]] ChannelNews Take(std::optional<T>& item) {
    item.emplace(items_.Take());
    return Changed(-1);
  }

 private:
  FirstInFirstOut<T> items_;
};

template <typename T>
class [[nodiscard("does nothing until awaited: write co_await")]] ChannelReceive final
    : public ChannelWait,
      public OwnAwaiter<ChannelReceive<T>> {
 public:
  explicit ChannelReceive(ItemChannel<T>& channel) : ChannelWait(channel, ChannelSide::kReceive) {}
  std::optional<T> Take() { return std::move(item_); }

 private:
  bool Try(ChannelNews& news) override {
    auto& channel = static_cast<ItemChannel<T>&>(this->channel());
    if (channel.size() > 0) {
      news = channel.Take(item_);
      return true;
    }
    if (channel.gone()) Fail(Failure::kGone);
    return channel.closed();
  }

  std::optional<T> item_;
};

// `Reference` is const T& or T&&.
template <typename T, typename Reference>
class [[nodiscard("does nothing until awaited: write co_await")]] ChannelSend final
    : public ChannelWait,
      public OwnAwaiter<ChannelSend<T, Reference>> {
 public:
  ChannelSend(ItemChannel<T>& channel, Reference item)
      : ChannelWait(channel, ChannelSide::kSend), item_(static_cast<Reference>(item)) {}
  void Take() const {}

  // Whether it moves from its argument; if a task of its own does, an item that is not sent goes with the task.
  static constexpr bool kTakesItemAlong = std::is_rvalue_reference_v<Reference>;
  // For a task of its own, which may outlive the argument: the item goes into the task.
  Coro<> IntoCoro() && { return SendOwn(static_cast<ItemChannel<T>&>(channel()), T(static_cast<Reference>(item_))); }

 private:
  static Coro<> SendOwn(ItemChannel<T>& channel, T item) { co_await ChannelSend<T, T&&>(channel, std::move(item)); }
  bool Try(ChannelNews& news) override {
    auto& channel = static_cast<ItemChannel<T>&>(this->channel());
    if (channel.closed()) {
      Fail(channel.gone() ? Failure::kGone : Failure::kClosed);
      return true;
    }
    if (!channel.HasRoom()) return false;
    news = channel.Add(static_cast<Reference>(item_));
    return true;
  }

  Reference item_;
};

}  // namespace internal
}  // namespace detent

#endif  // DETENT_RUNTIME_CHANNEL_H_
