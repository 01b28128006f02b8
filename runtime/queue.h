// SPDX-License-Identifier: Apache-2.0
//
// Queue<T>, LifoQueue<T>, PriorityQueue<T>: bounded queues between tasks of one loop.
//
//   Queue<Order> orders(/*maxsize=*/16, "orders");
//   co_await orders.Put(order);             // producer
//   Order next = co_await orders.Get();     // consumer
//   orders.TaskDone();
//   co_await orders.Join();                 // until every item that was put is done
//
// Order.         Items leave in the order they entered (LifoQueue: the newest first; PriorityQueue: the smallest first,
//                by operator<). Blocked callers are woken in the order they blocked; a caller that arrives in between
//                may take the item, and the loser queues again at the back.
// Suspension.    Put() suspends only while full, Get() only while empty, Join() only while items are not done. A
//                maxsize of 0 means no bound.
// Cancellation.  A cancelled Put() added nothing and its item is still the caller's; a cancelled Get() took nothing. A
//                wake-up that they had been given goes to the next.
// Errors.        QueueFull, QueueEmpty; QueueShutDown after Shutdown(). std::invalid_argument for a negative maxsize;
//                InvalidStateError for more TaskDone() than items. What an item's copy, move or operator< throws comes
//                out; the queue has then added or taken nothing.
// Ownership.     Put(T&&) moves from its argument only when it succeeds: the argument must live until the await ends.
//                Spawned or given to Gather() and the like, it becomes a task that takes its item along. The queue must
//                outlive those who wait on it, else they get an InvalidStateError.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_QUEUE_H_
#define DETENT_RUNTIME_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "detent/runtime/coro.h"
#include "detent/runtime/event.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/awaiting.h"
#include "detent/runtime/internal/item_order.h"
#include "detent/runtime/internal/queue_waiters.h"
#include "detent/runtime/internal/wait_node.h"

namespace detent {
namespace internal {

class QueueJoin;
template <typename Q>
class QueueGet;
template <typename Q, typename Reference>
class QueuePut;

// What all queues have in common, whatever their items and their order.
class QueueBase : public NamedObject {
 public:
  size_t Size() const {
    NoteAccess(*this, AccessMode::kRead);
    return Count();
  }
  int64_t MaxSize() const { return maxsize_; }
  bool Empty() const { return Size() == 0; }
  bool Full() const { return maxsize_ > 0 && static_cast<int64_t>(Size()) >= maxsize_; }

  // Says that one item that was taken is dealt with.
  void TaskDone() {
    NoteAccess(*this, AccessMode::kWrite);
    if (unfinished_ == 0) [[unlikely]]
      ThrowAllDone();
    if (--unfinished_ == 0) finished_.Set();
  }
  // How many items that were put are not dealt with yet.
  int64_t UnfinishedTasks() const {
    NoteAccess(*this, AccessMode::kRead);
    return unfinished_;
  }
  // Waits until TaskDone() was called for every item that was put.
  QueueJoin Join();

  // From now on Put() throws QueueShutDown, and Get() once the queue is empty; blocked callers are woken to see it.
  // `immediate` also drops the items that are left and counts them as done.
  void Shutdown(bool immediate = false);
  bool IsShutDown() const {
    NoteAccess(*this, AccessMode::kRead);
    return shut_down_;
  }

 protected:
  // `type` is the name of the class that the user wrote, `get` that of the call that takes an item.
  QueueBase(const char* type, const char* get, int64_t maxsize, std::string_view name);
  virtual ~QueueBase();

  // How many items there are.
  size_t Count() const { return size_; }
  virtual void DropItem() = 0;

  // After an item was added, or taken.
  [[gnu::always_inline]] void Added() {
    ++size_;
    if (unfinished_++ == 0) finished_.Clear();
    getters_.WakeNext();
    if (IsFull()) putters_.Disappoint();
  }
  [[gnu::always_inline]] void Taken() {
    --size_;
    putters_.WakeNext();
    if (IsEmpty()) getters_.Disappoint();
  }
  void RequireRoom(const char* what) const {
    if (IsFull()) [[unlikely]]
      ThrowNoRoom(what);
  }
  void RequireItem(const char* what) const {
    if (IsEmpty()) [[unlikely]]
      ThrowNoItem(what);
  }
  // An item was dropped.
  void Dropped() { --size_; }
  // Somebody was woken for a place, or an item, and did not take it: the item's copy, move or comparison threw.
  void PassPlaceOn() { putters_.WakeNext(); }
  void PassItemOn() { getters_.WakeNext(); }

 private:
  friend class QueueWait;
  friend class QueueJoin;

  // `Queue::Get() on Queue "orders"`
  std::string CallOf(const char* what) const;
  [[noreturn]] void ThrowNoRoom(const char* what) const;  // QueueShutDown, QueueFull.
  [[noreturn]] void ThrowNoItem(const char* what) const;  // QueueEmpty, QueueShutDown.
  [[noreturn]] void ThrowAllDone() const;
  // For those who noted the access. A queue that was shut down is full.
  bool IsEmpty() const { return size_ == 0; }
  bool IsFull() const { return size_ >= room_; }

  QueueWaiters getters_;
  QueueWaiters putters_;
  // Not side by side: a compiler would count both with one wide store, from which a narrow load must wait.
  size_t size_ = 0;
  size_t room_;  // How many items may be put: 0 once it was shut down.
  int64_t unfinished_ = 0;
  int64_t maxsize_;
  const char* type_;
  const char* get_;
  Event finished_;  // Set while unfinished_ is 0.
  bool shut_down_ = false;
};

template <typename T, typename Order>
class BasicQueue final : public QueueBase {
 public:
  using Item = T;

  explicit BasicQueue(int64_t maxsize = 0, std::string_view name = {})
      : QueueBase(Order::kQueueType, Order::kGetCall, maxsize, name) {}

  QueuePut<BasicQueue, const T&> Put(const T& item) { return QueuePut<BasicQueue, const T&>(*this, item); }
  QueuePut<BasicQueue, T&&> Put(T&& item) { return QueuePut<BasicQueue, T&&>(*this, std::move(item)); }
  QueueGet<BasicQueue> Get() { return QueueGet<BasicQueue>(*this); }

  void PutNowait(const T& item) {
    NoteAccess(*this, AccessMode::kWrite);
    AddNow("PutNowait", item);
  }
  void PutNowait(T&& item) {
    NoteAccess(*this, AccessMode::kWrite);
    AddNow("PutNowait", std::move(item));
  }
  T GetNowait() {
    NoteAccess(*this, AccessMode::kWrite);
    return TakeNow("GetNowait");
  }

 private:
  friend class QueueGet<BasicQueue>;
  template <typename Q, typename Reference>
  friend class QueuePut;

  template <typename U>
  [[gnu::always_inline]] void AddNow(const char* what, U&& item) {
    RequireRoom(what);
    try {
      items_.Add(std::forward<U>(item));
    } catch (...) {
      PassPlaceOn();
      throw;
    }
    Added();
  }
  [[gnu::always_inline]] T TakeNow(const char* what) {
    RequireItem(what);
    T item = TakeOrPassOn();
    Taken();
    return item;
  }
  [[gnu::always_inline]] T TakeOrPassOn() {
    try {
      return items_.Take();
    } catch (...) {
      PassItemOn();
      throw;
    }
  }
  void DropItem() override {
    items_.Drop();
    Dropped();
  }

  Order items_;
};

}  // namespace internal

template <typename T>
using Queue = internal::BasicQueue<T, internal::FirstInFirstOut<T>>;
template <typename T>
using LifoQueue = internal::BasicQueue<T, internal::LastInFirstOut<T>>;
template <typename T>
using PriorityQueue = internal::BasicQueue<T, internal::SmallestFirst<T>>;

// --------------------------------------------------------------------------------------------------------------------

namespace internal {

// The wait of QueueBase::Join().
class [[nodiscard("does nothing until awaited: write co_await")]] QueueJoin final : public EventWait {
 public:
  QueueJoin(Event& finished, const QueueBase& queue) : EventWait(finished), queue_(&queue), type_(queue.type_) {}
  void Describe(WaitText& text) const override;

 private:
  const QueueBase* queue_;
  const char* type_;
};

inline QueueJoin QueueBase::Join() { return QueueJoin(finished_, *this); }

// The wait of a getter or a putter. A waiter that was woken looks again if others were faster, and waits again if
// nothing is left for it.
class QueueWait : public RecheckedWait {
 public:
  static constexpr bool kTakesTurns = true;

  void GiveBack(TaskState& task) { BindToLoop(*queue_, task.core()); }
  Ending End(TaskState& task) {
    if (!IsParked()) return Ending::kValue;
    const Ending ending = EndOfWait(task);
    if (ending != Ending::kValue) [[unlikely]] {
      Abandon();
      return ending;
    }
    NoteAccess(*CurrentCore(), *queue_, AccessMode::kWrite);
    QueueWaiters::RemoveWoken(this);
    return ending;
  }
  std::exception_ptr TakeError() const { return OrphanError(); }

  bool Recheck() final;
  void WakeForTurn() final { list().WakeForTurn(this); }
  void Abandon() noexcept final;
  WaitKind Kind() const final { return is_put_ ? WaitKind::kQueuePut : WaitKind::kQueueGet; }
  const WaitObject* Object() const final { return IsOrphan() ? nullptr : queue_; }
  void Describe(WaitText& text) const final;

 protected:
  QueueWait(QueueBase& queue, bool is_put) : queue_(&queue), is_put_(is_put) {}
  ~QueueWait() = default;

  QueueBase* queue() const { return queue_; }

  // The operation's Ready() and Suspend(), by whoever knows which it is.
  template <bool kIsPut>
  bool ReadyTo() const {
    NoteAccess(*CurrentCore(), *queue_, AccessMode::kWrite);
    return !(kIsPut ? queue_->IsFull() : queue_->IsEmpty()) || queue_->shut_down_;
  }
  template <bool kIsPut>
  WaitNode* SuspendTo(TaskState& task) {
    BindToLoop(*queue_, task.core());
    Park(task);
    (kIsPut ? queue_->putters_ : queue_->getters_).Append(this);
    return this;
  }

 private:
  bool HasNothing() const { return is_put_ ? queue_->IsFull() : queue_->IsEmpty(); }
  QueueWaiters& list() const { return is_put_ ? queue_->putters_ : queue_->getters_; }

  QueueBase* queue_;
  bool is_put_;
};

template <typename Q>
class [[nodiscard("does nothing until awaited: write co_await")]] QueueGet final : public QueueWait,
                                                                                   public OwnAwaiter<QueueGet<Q>> {
 public:
  explicit QueueGet(Q& queue) : QueueWait(queue, /*is_put=*/false) {}
  bool Ready(TaskState&) const { return QueueWait::ReadyTo<false>(); }
  WaitNode* Suspend(TaskState& task) { return QueueWait::SuspendTo<false>(task); }
  [[gnu::always_inline]] typename Q::Item Take() { return static_cast<Q*>(queue())->TakeNow("Get"); }
};

// `Reference` is const T& or T&&.
template <typename Q, typename Reference>
class [[nodiscard("does nothing until awaited: write co_await")]] QueuePut final
    : public QueueWait,
      public OwnAwaiter<QueuePut<Q, Reference>> {
 public:
  QueuePut(Q& queue, Reference item) : QueueWait(queue, /*is_put=*/true), item_(static_cast<Reference>(item)) {}
  bool Ready(TaskState&) const { return QueueWait::ReadyTo<true>(); }
  WaitNode* Suspend(TaskState& task) { return QueueWait::SuspendTo<true>(task); }
  [[gnu::always_inline]] void Take() { static_cast<Q*>(queue())->AddNow("Put", static_cast<Reference>(item_)); }
  // Whether it moves from its argument; if a task of its own does, an item that is not put goes with the task.
  static constexpr bool kTakesItemAlong = std::is_rvalue_reference_v<Reference>;
  // For a task of its own, which may outlive the argument: the item goes into the task.
  Coro<> IntoCoro() && {
    return PutOwn(*static_cast<Q*>(queue()), std::remove_cvref_t<Reference>(static_cast<Reference>(item_)));
  }

 private:
  static Coro<> PutOwn(Q& queue, std::remove_cvref_t<Reference> item) { co_await queue.Put(std::move(item)); }

  Reference item_;
};

}  // namespace internal
}  // namespace detent

#endif  // DETENT_RUNTIME_QUEUE_H_
