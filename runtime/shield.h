// SPDX-License-Identifier: Apache-2.0
//
// Shield: awaits something without passing on a cancellation. asyncio's shield().
//
//   Task<> save = Spawn(Save(document));
//   co_await Shield(save);        // if this task is cancelled, the await throws, and the saving goes on
//
// A Coro is spawned at the call. The result is a Future that shows the inner's result (an AnyFuture, if the inner is an
// AnyTask or AnyFuture); of a task or future that is done already it is that future itself.
//
// Suspension.    As awaiting the inner.
// Cancellation.  Of the shield: only the shield. Of the inner by others: cancels the shield.
// Errors.        The inner's. If the inner fails after the shield was cancelled, nobody looks at that error, and it is
//                reported unless you await the inner.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_SHIELD_H_
#define DETENT_RUNTIME_SHIELD_H_

#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include "detent/runtime/future.h"
#include "detent/runtime/handles.h"
#include "detent/runtime/internal/future_state.h"
#include "detent/runtime/internal/self_kept.h"

namespace detent {
namespace internal {

template <typename Handle>
inline constexpr bool kIsErased = std::is_same_v<Handle, AnyTask> || std::is_same_v<Handle, AnyFuture>;
template <typename A>
using Shielded = std::conditional_t<kIsErased<HandleOf<A>>, AnyFuture, Future<ResultType<HandleOf<A>>>>;

}  // namespace internal

template <typename A>
  requires internal::Waitables<A>
[[nodiscard("the shield has no reader: write co_await")]] internal::Shielded<A> Shield(
    A&& awaitable, std::source_location where = std::source_location::current());

// --------------------------------------------------------------------------------------------------------------------

namespace internal {

class ShieldState final : public FutureState, public SelfKept {
 public:
  // REQUIRES: !inner->IsDone().
  static Ref<FutureState> Make(Ref<FutureState> inner, std::source_location where);

  bool Cancel() override;
  void* Value() override { return inner_->Value(); }
  void DescribeAwaited(WaitText& text) const override;
  void AddBlockers(std::vector<TaskState*>& tasks) const override { inner_->AddBlockers(tasks); }
  void LetGo() override;

 private:
  // The inner is done: queues a hop, which completes the shield.
  class InnerHop final : public FutureObserver, public Runnable {
   public:
    InnerHop() {}
    void OnDone(FutureState&) noexcept override;
    void Run() override { owner->FinishFromInner(); }
    void DescribeStep(StepText& text) const override { owner->DescribeStep(text); }
    Lane lane() const override { return owner->lane(); }
    void Discard() override { owner->DropReference(); }
    const Home* home() const override { return owner->home; }
    Lane WaiterLane() const override { return owner->WaiterLane(); }
    ShieldState* owner = nullptr;
  };
  // The shield was cancelled: one trip later it stops watching the inner.
  class OuterHop final : public Runnable {
   public:
    OuterHop() {}
    void Run() override { owner->StopWatching(); }
    void DescribeStep(StepText& text) const override { owner->DescribeStep(text); }
    Lane lane() const override { return owner->lane(); }
    void Discard() override { owner->StopWatching(); }
    const Home* home() const override { return owner->home; }
    ShieldState* owner = nullptr;
  };

  ShieldState(Ref<FutureState> inner, std::source_location where);
  ~ShieldState() = default;
  void DeleteThis() noexcept override {
    LoopCore& core = this->core();
    this->Dismantle();
    delete this;
    core.DropReference();
  }

  FutureState& OtherValueOwner() override { return inner_->ValueOwner(); }
  bool OtherIsUnshared() const override { return inner_->IsUnshared(); }

  void FinishFromInner();
  void StopWatching();
  void DescribeStep(StepText& text) const;
  Lane lane() const;

  Ref<FutureState> inner_;
  InnerHop inner_hop_;
  OuterHop outer_hop_;
  uint64_t source_;
  const std::source_location made_at_;
};

}  // namespace internal

template <typename A>
  requires internal::Waitables<A>
internal::Shielded<A> Shield(A&& awaitable, std::source_location where) {
  internal::RequireUsable("Shield()", awaitable);
  internal::HandleOf<A> handle = internal::EnsureHandle(where, std::forward<A>(awaitable));
  if (handle.Done()) return internal::Shielded<A>(handle.TakeRef());
  return internal::Shielded<A>(internal::ShieldState::Make(handle.TakeRef(), where));
}

}  // namespace detent

#endif  // DETENT_RUNTIME_SHIELD_H_
