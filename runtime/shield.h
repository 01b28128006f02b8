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

#include <string>
#include <type_traits>
#include <utility>

#include "detent/runtime/future.h"
#include "detent/runtime/internal/future_state.h"
#include "detent/runtime/internal/self_kept.h"
#include "detent/runtime/wait.h"

namespace detent {
namespace internal {

class ShieldState final : public FutureState, public SelfKept {
 public:
  // REQUIRES: !inner->IsDone().
  static StateRef<FutureState> Make(StateRef<FutureState> inner);

  bool Cancel() override;
  void* Value() override { return inner_->Value(); }
  std::string Describe() const override;
  void AddBlockers(std::vector<TaskState*>& tasks) const override { inner_->AddBlockers(tasks); }
  void LetGo() override;

 private:
  // The inner is done: queues a hop, which completes the shield.
  class InnerHop final : public Observer, public Runnable {
   public:
    InnerHop() {}
    void OnDone(FutureState&) noexcept override;
    void Run() override { owner->FinishFromInner(); }
    uint64_t Lane() const override { return owner->Lane(); }
    void Discard() override { owner->DropReference(); }
    uint64_t WaiterLane() const override { return owner->WaiterLane(); }
    ShieldState* owner = nullptr;
  };
  // The shield was cancelled: one trip later it stops watching the inner.
  class OuterHop final : public Runnable {
   public:
    OuterHop() {}
    void Run() override { owner->StopWatching(); }
    uint64_t Lane() const override { return owner->Lane(); }
    void Discard() override { owner->StopWatching(); }
    ShieldState* owner = nullptr;
  };

  explicit ShieldState(StateRef<FutureState> inner);
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
  uint64_t Lane() const;

  StateRef<FutureState> inner_;
  InnerHop inner_hop_;
  OuterHop outer_hop_;
  uint64_t source_;
};

}  // namespace internal

template <typename A>
  requires requires(A&& a) { internal::EnsureHandle(std::forward<A>(a)); }
auto Shield(A&& awaitable) {
  using Handle = internal::HandleOf<A>;
  constexpr bool kErased = std::is_same_v<Handle, AnyTask> || std::is_same_v<Handle, AnyFuture>;
  using Shielded = std::conditional_t<kErased, AnyFuture, Future<internal::ResultType<Handle>>>;
  Handle handle = internal::EnsureHandle(std::forward<A>(awaitable));
  if (handle.Done()) return Shielded(handle.TakeStateRef());
  return Shielded(internal::ShieldState::Make(handle.TakeStateRef()));
}

}  // namespace detent

#endif  // DETENT_RUNTIME_SHIELD_H_
