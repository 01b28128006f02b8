// SPDX-License-Identifier: Apache-2.0
//
// Gather: runs things at once and gives all results, in argument order. asyncio's gather().
//
//   auto [user, orders] = co_await Gather(FetchUser(id), FetchOrders(id));
//   std::vector<Page> pages = co_await Gather(std::move(coros));          // a vector of Coros, Tasks or Futures
//   auto [a, b] = co_await GatherSettled(Fetch(x), Fetch(y));             // Outcome<T>s instead of errors
//
// Coros become tasks at the call, in argument order. void counts as std::monostate, and so does the result of an
// AnyTask or AnyFuture. The result is a Future, so that it can be kept, shielded, or awaited more than once.
//
// Errors.        The first error, or the first child that is cancelled from elsewhere, ends the gather at once; the
//                other children run on, and their errors count as looked at. GatherSettled() ends with the last child.
// Suspension.    Unless everything was done at the call.
// Cancellation.  Cancelling the future, or a task that awaits it, cancels every child that is not done; the gather ends
//                with the first that ends cancelled, GatherSettled() with the last.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_GATHER_H_
#define DETENT_RUNTIME_GATHER_H_

#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "detent/runtime/future.h"
#include "detent/runtime/handles.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/future_state.h"
#include "detent/runtime/internal/self_kept.h"
#include "detent/runtime/outcome.h"

namespace detent {
namespace internal {

// Results in argument order, or how each ended.
template <bool kSettled, typename... T>
using GatherTuple = std::conditional_t<kSettled, std::tuple<Outcome<T>...>, std::tuple<Stored<T>...>>;
template <bool kSettled, typename T>
using GatherVector = std::conditional_t<kSettled, std::vector<Outcome<T>>, std::vector<Stored<T>>>;

template <typename... A>
using Gathered = Future<GatherTuple<false, ResultType<HandleOf<A>>...>>;
template <typename... A>
using GatheredSettled = Future<GatherTuple<true, ResultType<HandleOf<A>>...>>;

}  // namespace internal

// Gather(a, b, ...) gives a tuple of the results, GatherSettled(a, b, ...) one of how each ended, as Outcomes: it ends
// with the last child. Of a vector they give a vector.
template <typename H>
  requires std::is_base_of_v<AnyFuture, H>
[[nodiscard("needs co_await")]] Future<internal::GatherVector<false, internal::ResultType<H>>> Gather(
    std::vector<H> handles, std::source_location where = std::source_location::current());
template <typename T>
[[nodiscard("needs co_await")]] Future<internal::GatherVector<false, T>> Gather(
    std::vector<Coro<T>>&& coros, std::source_location where = std::source_location::current());
template <typename T>
void Gather(std::vector<Coro<T>>& coros);  // Refused when it is compiled: say std::move(coros).

template <typename H>
  requires std::is_base_of_v<AnyFuture, H>
[[nodiscard("needs co_await")]] Future<internal::GatherVector<true, internal::ResultType<H>>> GatherSettled(
    std::vector<H> handles, std::source_location where = std::source_location::current());
template <typename T>
[[nodiscard("needs co_await")]] Future<internal::GatherVector<true, T>> GatherSettled(
    std::vector<Coro<T>>&& coros, std::source_location where = std::source_location::current());
template <typename T>
void GatherSettled(std::vector<Coro<T>>& coros);  // Refused when it is compiled: say std::move(coros).

// --------------------------------------------------------------------------------------------------------------------

namespace internal {

// The gathering future. The deciding child (the last, or the first that failed) queues one hop, which completes it.
class GatherBase : public FutureState, public Runnable, public SelfKept {
 public:
  bool Cancel() final;
  void DescribeAwaited(WaitText& text) const final;
  std::source_location MadeAt() const final { return made_at_; }
  void AddBlockers(std::vector<TaskState*>& tasks) const final;

  void Run() final;
  void DescribeStep(StepText& text) const final;
  Lane lane() const final;
  void Discard() final { DropReference(); }
  const Home* home() const final { return SelfKept::home; }
  void LetGo() final;

 protected:
  GatherBase(LoopCore& core, size_t count, bool settled, std::source_location where);
  ~GatherBase();

  // Starts to watch; completes at once if that is already decided.
  void Begin();
  // Spawns the children and starts to watch. REQUIRES: count() > 0.
  template <typename T>
  void BeginSpawned(std::vector<Coro<T>>& coros) {
    Keep();
    LoopCore& core = this->core();
    const bool may_have_context = MayHaveContext(core);
    Child* child = children_.get();
    try {
      for (Coro<T>& coro : coros) {
        TaskOf<T>* const task =
            may_have_context ? NewTaskWithExtras<T>(core, coro, {}, made_at_) : NewTask<T>(core, coro, made_at_);
        child->state.Adopt(task);
        Watch(*child++);
      }
    } catch (...) {  // No memory. Those that were spawned run on, and report their errors themselves.
      core.self_kept.Remove(this);
      LetGo();
      throw;
    }
  }
  FutureState& child(size_t index) { return *children_[index].state; }
  void SetChild(size_t index, Ref<FutureState> state) { children_[index].state = std::move(state); }
  size_t count() const { return count_; }
  // Reads the children and completes this future.
  virtual void CompleteWithResults() = 0;

  template <typename T>
  Outcome<T> OutcomeOf(size_t index) {
    Ref<FutureState> state = std::move(children_[index].state);
    if (state->status() == Status::kCancelled || state->FailedByCancellation()) {
      state->MarkRetrieved();
      return Outcome<T>::Cancelled();
    }
    if (state->status() == Status::kError) return Outcome<T>::Error(state->Error());
    if constexpr (std::is_void_v<T>) {
      return Outcome<T>::Value();
    } else {
      state->RequireValue();
      return Outcome<T>::Value(TakeFrom<T>(*state));
    }
  }
  template <typename T>
  [[gnu::always_inline]] Stored<T> ValueOf(size_t index) {
    Ref<FutureState> state = std::move(children_[index].state);
    if constexpr (std::is_void_v<T>) {
      return std::monostate();
    } else {
      state->RequireValue();
      return TakeFrom<T>(*state);
    }
  }

 private:
  class Child final : public FutureObserver {
   public:
    Child() {}
    void OnDone(FutureState& done) noexcept override {
      if (done.status() == Status::kValue && owner->OnlyCounts()) [[likely]] {
        --owner->left_;
      } else {
        owner->OnChildDone(done, /*hop=*/true);
      }
    }
    Lane WaiterLane() const override { return owner->WaiterLane(); }
    GatherBase* owner = nullptr;
    Ref<FutureState> state;
  };

  // Held until every child is done: the children point here, and their late errors count as looked at.
  void Keep() {
    AddReference();
    core().Keep(this);
  }
  void Watch(Child& child) {
    FutureState& state = *child.state;
    child.owner = this;
    NoteAccess(state.core(), *state.Object(), AccessMode::kRead);
    state.Observe(&child);
  }
  // Whether a child that ends with a value is no more than one less.
  bool OnlyCounts() const { return left_ > 1 && !decided_ && core().recorder == nullptr; }
  void OnChildDone(FutureState& done, bool hop) noexcept;
  GatherBase(LoopCore& core, size_t count, bool settled, std::source_location where, std::unique_ptr<Child[]> children);
  void Decide();
  void StopWatching();

  size_t count_;
  size_t left_;
  bool settled_;
  bool decided_ = false;
  bool cancel_requested_ = false;
  Ref<FutureState> failed_;
  std::unique_ptr<Child[]> children_;
  uint64_t source_;
  const std::source_location made_at_;
};

template <bool kSettled, typename... T>
class GatherTupleState final : public WithValue<GatherTuple<kSettled, T...>, GatherBase> {
 public:
  template <typename... H>
  explicit GatherTupleState(LoopCore& core, std::source_location where, H&&... handles)
      : WithValue<GatherTuple<kSettled, T...>, GatherBase>(core, sizeof...(T), kSettled, where) {
    size_t index = 0;
    (this->SetChild(index++, handles.TakeRef()), ...);
  }
  using GatherBase::Begin;

 private:
  ~GatherTupleState() = default;
  void DeleteThis() noexcept override {
    LoopCore& core = this->core();
    this->Dismantle();
    delete this;
    core.DropReference();
  }
  void CompleteWithResults() override { CompleteEach(std::index_sequence_for<T...>()); }
  template <size_t... I>
  void CompleteEach(std::index_sequence<I...>) {
    // Braces: evaluated from left to right by every compiler.
    if constexpr (kSettled) {
      this->CompleteWithValue(GatherTuple<kSettled, T...>{this->template OutcomeOf<T>(I)...});
    } else {
      this->CompleteWithValue(GatherTuple<kSettled, T...>{this->template ValueOf<T>(I)...});
    }
  }
};

template <bool kSettled, typename T>
class GatherVectorState final : public WithValue<GatherVector<kSettled, T>, GatherBase> {
 public:
  template <typename H>
  GatherVectorState(LoopCore& core, std::source_location where, std::vector<H> handles)
      : WithValue<GatherVector<kSettled, T>, GatherBase>(core, handles.size(), kSettled, where) {
    for (size_t i = 0; i < handles.size(); ++i) this->SetChild(i, handles[i].TakeRef());
  }
  GatherVectorState(LoopCore& core, std::source_location where, size_t count)
      : WithValue<GatherVector<kSettled, T>, GatherBase>(core, count, kSettled, where) {}
  using GatherBase::Begin;
  using GatherBase::BeginSpawned;

 private:
  ~GatherVectorState() = default;
  void DeleteThis() noexcept override {
    LoopCore& core = this->core();
    this->Dismantle();
    delete this;
    core.DropReference();
  }
  void CompleteWithResults() override {
    GatherVector<kSettled, T> results;
    const size_t count = this->count();
    results.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      if constexpr (kSettled) {
        results.push_back(this->template OutcomeOf<T>(i));
      } else {
        results.push_back(this->template ValueOf<T>(i));
      }
    }
    this->CompleteWithValue(std::move(results));
  }
};

// What it calls itself in errors.
template <bool kSettled>
inline constexpr const char* kGatherName = kSettled ? "GatherSettled()" : "Gather()";

template <bool kSettled, typename... H>
auto GatherHandles(std::source_location where, H... handles) {
  using State = GatherTupleState<kSettled, ResultType<H>...>;
  auto* state = new State(RequireCore(kGatherName<kSettled>), where, std::move(handles)...);
  Future<GatherTuple<kSettled, ResultType<H>...>> future{Ref<FutureState>(state)};
  state->Begin();
  return future;
}

template <bool kSettled, typename H>
auto GatherVectorOf(std::vector<H> handles, std::source_location where) {
  using T = ResultType<H>;
  auto* state = new GatherVectorState<kSettled, T>(RequireCore(kGatherName<kSettled>), where, std::move(handles));
  Future<GatherVector<kSettled, T>> future{Ref<FutureState>(state)};
  state->Begin();
  return future;
}

template <bool kSettled, typename T>
auto GatherCoros(std::vector<Coro<T>> coros, std::source_location where) {
  RequireUsableCoros(kGatherName<kSettled>, coros);
  auto* state = new GatherVectorState<kSettled, T>(RequireCore(kGatherName<kSettled>), where, coros.size());
  Future<GatherVector<kSettled, T>> future{Ref<FutureState>(state)};
  if (coros.empty()) {
    state->Begin();
  } else {
    state->BeginSpawned(coros);
  }
  return future;
}

// Spawns in argument order: the elements of a braced initialiser are evaluated from left to right.
template <bool kSettled, typename... A>
auto GatherAll(std::source_location where, A&&... awaitables) {
  RequireUsable(kGatherName<kSettled>, awaitables...);
  std::tuple<HandleOf<A>...> handles{EnsureHandle(where, std::forward<A>(awaitables))...};
  return std::apply([&](auto&... handle) { return GatherHandles<kSettled>(where, std::move(handle)...); }, handles);
}

}  // namespace internal

DETENT_INTERNAL_PLACED_FORMS(Gather, internal::Gathered, internal::GatherAll<false>)
DETENT_INTERNAL_PLACED_FORMS(GatherSettled, internal::GatheredSettled, internal::GatherAll<true>)

template <typename H>
  requires std::is_base_of_v<AnyFuture, H>
Future<internal::GatherVector<false, internal::ResultType<H>>> Gather(std::vector<H> handles,
                                                                      std::source_location where) {
  return internal::GatherVectorOf</*kSettled=*/false>(std::move(handles), where);
}
template <typename T>
Future<internal::GatherVector<false, T>> Gather(std::vector<Coro<T>>&& coros, std::source_location where) {
  return internal::GatherCoros</*kSettled=*/false>(std::move(coros), where);
}
template <typename T>
void Gather(std::vector<Coro<T>>&) {
  internal::RefuseLvalue<T>();
}

template <typename H>
  requires std::is_base_of_v<AnyFuture, H>
Future<internal::GatherVector<true, internal::ResultType<H>>> GatherSettled(std::vector<H> handles,
                                                                            std::source_location where) {
  return internal::GatherVectorOf</*kSettled=*/true>(std::move(handles), where);
}
template <typename T>
Future<internal::GatherVector<true, T>> GatherSettled(std::vector<Coro<T>>&& coros, std::source_location where) {
  return internal::GatherCoros</*kSettled=*/true>(std::move(coros), where);
}
template <typename T>
void GatherSettled(std::vector<Coro<T>>&) {
  internal::RefuseLvalue<T>();
}

}  // namespace detent

#endif  // DETENT_RUNTIME_GATHER_H_
