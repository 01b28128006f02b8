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
// Suspension.    Put() suspends only while full, Get() only while empty, Join() only while items are not done. A maxsize
//                of 0 means no bound.
// Cancellation.  A cancelled Put() added nothing and its item is still the caller's; a cancelled Get() took nothing. A
//                wake-up that they had been given goes to the next.
// Errors.        QueueFull, QueueEmpty; QueueShutDown after Shutdown(). std::invalid_argument for a negative maxsize;
//                InvalidStateError for more TaskDone() than items.
// Ownership.     Put(T&&) moves from its argument only when it succeeds: the argument must live until the await ends.
//                Spawned or given to Gather() and the like, it becomes a task that takes its item along.
//                The queue must outlive those who wait on it, else they get an InvalidStateError.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_QUEUE_H_
#define DETENT_RUNTIME_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detent/runtime/coro.h"
#include "detent/runtime/event.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/awaiting.h"
#include "detent/runtime/internal/item_order.h"
#include "detent/runtime/internal/wait_list.h"
#include "detent/runtime/internal/wait_node.h"

namespace detent {
namespace internal {

// The getters, or the putters, that wait. Those who were woken come before those who were not, and stay until their tasks
// run: a queue that is destroyed before tells them.
class QueueWaiters : public WaitList {
 public:
  QueueWaiters() : turn_(this) {}

  bool HasWaiting() const { return turn_ != this; }
  void Append(ListedWait* wait) {
    WaitList::Append(wait);
    if (turn_ == this) turn_ = wait;
  }
  void Remove(ListedWait* wait) {
    if (turn_ == wait) turn_ = Next(wait);
    WaitList::Remove(wait);
  }
  // REQUIRES: it was woken.
  static void RemoveWoken(ListedWait* wait) { WaitList::Remove(wait); }
  // Gives waiters their turn until one could be woken.
  [[gnu::always_inline]] void WakeNext() {
    if (!HasWaiting()) return;
    const bool woken = Wake(turn_);
    turn_ = Next(turn_);
    if (!woken) [[unlikely]] WakeOneOfTheRest();
  }
  void WakeAll() {
    while (HasWaiting()) WakeNext();
  }
  // What the woken ones were woken for is gone: they have to look again when they run.
  void Disappoint() {
    if (first() != turn_) [[unlikely]] RecheckWoken();
  }

 private:
  [[gnu::noinline, gnu::cold]] void WakeOneOfTheRest();
  void RecheckWoken();

  WaitLink* turn_;  // The first who was not woken; the list itself for none.
};

class QueueBase;

// The wait of QueueBase::Join().
class QueueJoin final : public EventWait {
 public:
  QueueJoin(Event& finished, const QueueBase& queue) : EventWait(finished), queue_(&queue) {}
  std::string Describe() const override;

 private:
  const QueueBase* queue_;
};

// What does not depend on the type of the items: who waits, and how many items are not done.
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
    if (unfinished_ == 0) [[unlikely]] ThrowAllDone();
    if (--unfinished_ == 0) finished_.Set();
  }
  // How many items that were put are not dealt with yet.
  int64_t UnfinishedTasks() const {
    NoteAccess(*this, AccessMode::kRead);
    return unfinished_;
  }
  // Waits until TaskDone() was called for every item that was put.
  QueueJoin Join() { return QueueJoin(finished_, *this); }

  // From now on Put() throws QueueShutDown, and Get() once the queue is empty; blocked callers are woken to see it.
  // `immediate` also drops the items that are left and counts them as done.
  void Shutdown(bool immediate = false);
  bool IsShutDown() const {
    NoteAccess(*this, AccessMode::kRead);
    return shut_down_;
  }

 protected:
  QueueBase(int64_t maxsize, std::string_view name);
  virtual ~QueueBase() = default;

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
    if (IsFull()) [[unlikely]] ThrowNoRoom(what);
  }
  void RequireItem(const char* what) const {
    if (IsEmpty()) [[unlikely]] ThrowNoItem(what);
  }
  // An item was dropped.
  void Dropped() { --size_; }

 private:
  friend class QueueWait;

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
  Event finished_;  // Set while unfinished_ is 0.
  bool shut_down_ = false;
};

// The wait of a getter or a putter. A waiter that was woken looks again if others were faster, and waits again if nothing
// is left for it.
class QueueWait : public ListedWait {
 public:
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
  void Abandon() noexcept final;
  WaitKind Kind() const final { return is_put_ ? WaitKind::kQueuePut : WaitKind::kQueueGet; }
  const WaitObject* Object() const final { return IsOrphan() ? nullptr : queue_; }
  std::string Describe() const final;

 protected:
  QueueWait(QueueBase& queue, bool is_put) : queue_(&queue), is_put_(is_put), rechecks_(false) {}
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
    Park(task);
    (kIsPut ? queue_->putters_ : queue_->getters_).Append(this);
    return this;
  }

 private:
  friend class QueueWaiters;

  bool HasNothing() const { return is_put_ ? queue_->IsFull() : queue_->IsEmpty(); }
  QueueWaiters& list() const { return is_put_ ? queue_->putters_ : queue_->getters_; }

  QueueBase* queue_;
  bool is_put_;
  bool rechecks_;  // Whether it looks again when it runs.
};

template <typename Q>
class QueueGet final : public QueueWait, public AwaitsItself<QueueGet<Q>> {
 public:
  explicit QueueGet(Q& queue) : QueueWait(queue, /*is_put=*/false) {}
  bool Ready(TaskState&) const { return QueueWait::ReadyTo<false>(); }
  WaitNode* Suspend(TaskState& task) { return QueueWait::SuspendTo<false>(task); }
  [[gnu::always_inline]] typename Q::Item Take() { return static_cast<Q*>(queue())->TakeNow("Queue::Get()"); }
};

// `Reference` is const T& or T&&.
template <typename Q, typename Reference>
class QueuePut final : public QueueWait, public AwaitsItself<QueuePut<Q, Reference>> {
 public:
  QueuePut(Q& queue, Reference item)
      : QueueWait(queue, /*is_put=*/true), item_(static_cast<Reference>(item)) {}
  bool Ready(TaskState&) const { return QueueWait::ReadyTo<true>(); }
  WaitNode* Suspend(TaskState& task) { return QueueWait::SuspendTo<true>(task); }
  [[gnu::always_inline]] void Take() {
    static_cast<Q*>(queue())->AddNow("Queue::Put()", static_cast<Reference>(item_));
  }
  // For a task of its own, which may outlive the argument: the item goes into the task.
  Coro<> TakingAlong() && {
    return PutOwn(*static_cast<Q*>(queue()), std::remove_cvref_t<Reference>(static_cast<Reference>(item_)));
  }

 private:
  static Coro<> PutOwn(Q& queue, std::remove_cvref_t<Reference> item) { co_await queue.Put(std::move(item)); }

  Reference item_;
};

template <typename T, typename Order>
class BasicQueue final : public QueueBase {
 public:
  using Item = T;

  explicit BasicQueue(int64_t maxsize = 0, std::string_view name = {}) : QueueBase(maxsize, name) {}

  QueuePut<BasicQueue, const T&> Put(const T& item) { return QueuePut<BasicQueue, const T&>(*this, item); }
  QueuePut<BasicQueue, T&&> Put(T&& item) { return QueuePut<BasicQueue, T&&>(*this, std::move(item)); }
  QueueGet<BasicQueue> Get() { return QueueGet<BasicQueue>(*this); }

  void PutNowait(const T& item) {
    NoteAccess(*this, AccessMode::kWrite);
    AddNow("Queue::PutNowait()", item);
  }
  void PutNowait(T&& item) {
    NoteAccess(*this, AccessMode::kWrite);
    AddNow("Queue::PutNowait()", std::move(item));
  }
  T GetNowait() {
    NoteAccess(*this, AccessMode::kWrite);
    return TakeNow("Queue::GetNowait()");
  }

 private:
  template <typename Q>
  friend class QueueGet;
  template <typename Q, typename Reference>
  friend class QueuePut;

  template <typename U>
  [[gnu::always_inline]] void AddNow(const char* what, U&& item) {
    RequireRoom(what);
    items_.Add(std::forward<U>(item));  // May throw: then nothing was added.
    Added();
  }
  [[gnu::always_inline]] T TakeNow(const char* what) {
    RequireItem(what);
    T item = items_.Take();
    Taken();
    return item;
  }
  void DropItem() override {
    (void)items_.Take();
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

}  // namespace detent

#endif  // DETENT_RUNTIME_QUEUE_H_
