// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/race.h"

#include "detent/runtime/internal/access.h"
#include "detent/runtime/outcome.h"

namespace detent::internal {

namespace {

// The races that have not begun, the latest last: mostly those whose call stands inside another call.
class NewRaces final : public List<RaceWatch> {
 public:
  NewRaces() {}
  RaceWatch* Before(const RaceWatch* race) {
    Link* const link = PreviousLink(race);
    return link == end() ? nullptr : ElementAt(link);
  }
};

NewRaces& AllNewRaces() {
  thread_local NewRaces races;
  return races;
}

}  // namespace

RaceWatch::RaceWatch(std::vector<AnyFuture> contestants)
    : ListLink(nullptr),
      core_(CurrentCore() != nullptr ? CurrentCore() : &contestants.front().state().core()),
      contestants_(std::move(contestants)),
      finishes_(std::make_unique<Finish[]>(contestants_.size())),
      winner_(contestants_.size()) {
  TakeInnerRaces();
  for (size_t i = 0; i < contestants_.size(); ++i) {
    FutureState& state = contestants_[i].state();
    finishes_[i].watch = this;
    NoteAccess(*core_, *state.Object(), AccessMode::kRead);
    if (state.IsDone() || (finishes_[i].inner != nullptr && finishes_[i].inner->HasWinner())) {
      if (!HasWinner()) winner_ = i;
    } else if (IsHere(state)) {
      state.Observe(&finishes_[i]);
    }
  }
  if (HasWinner()) CancelLosers();
}

// They are the latest. Others that have not begun may stand before them, as many as one likes.
void RaceWatch::TakeInnerRaces() {
  constexpr size_t kOthers = 8;  // In the arguments of what is no race.
  size_t guess = contestants_.size() - 1;
  size_t patience = contestants_.size() + kOthers;
  for (RaceWatch* race = AllNewRaces().last(); race != nullptr && patience > 0; --patience) {
    RaceWatch* const before = AllNewRaces().Before(race);
    if (const TaskState* const task = race->frame_->root_of()) {
      const size_t i = Find(*task, guess);
      if (i == contestants_.size()) return;
      race->Begin();
      race->outer_ = &finishes_[i];
      finishes_[i].inner = race;
      guess = i == 0 ? contestants_.size() - 1 : i - 1;
    }
    race = before;
  }
}

size_t RaceWatch::Find(const FutureState& contestant, size_t guess) const {
  const size_t size = contestants_.size();
  for (size_t tried = 0; tried < size; ++tried) {
    const size_t i = guess >= tried ? guess - tried : guess + size - tried;
    if (&contestants_[i].state() == &contestant) return i;
  }
  return size;
}

RaceWatch::~RaceWatch() {
  Begin();
  StopWatching();
  for (size_t i = 0; i < contestants_.size(); ++i) {
    if (finishes_[i].inner != nullptr) finishes_[i].inner->outer_ = nullptr;
  }
  if (outer_ != nullptr) outer_->inner = nullptr;
}

void RaceWatch::SetFrame(PromiseBase& frame) {
  frame_ = &frame;
  AllNewRaces().Append(this);
}

void RaceWatch::Begin() noexcept {
  if (IsListed()) AllNewRaces().Unlist(this);
}

// Outwards in a loop: races may stand in each other as deep as one likes (rule R5).
void RaceWatch::OnFinished(const Finish& first) noexcept {
  Decide(first);
  for (const Finish* outer = outer_; outer != nullptr && !outer->watch->is_over_; outer = outer->watch->outer_) {
    outer->watch->Decide(*outer);
  }
}

void RaceWatch::Decide(const Finish& first) noexcept {
  winner_ = static_cast<size_t>(&first - finishes_.get());
  CancelLosers();
}

// And inwards. A race that is called off ends by itself, when its contestants have: cancelled, its task might not even
// begin, and nobody would wait for them.
void RaceWatch::CancelLosers() noexcept {
  const ActsAs acts(*core_, Actor::kRace, RunningSource(*core_));
  for (RaceWatch* race = this; race != nullptr; race = std::exchange(race->next_, nullptr)) {
    if (std::exchange(race->is_over_, true)) continue;
    race->StopWatching();
    for (size_t i = 0; i < race->contestants_.size(); ++i) {
      const AnyFuture& contestant = race->contestants_[i];
      if (race->IsWinner(contestant) || !race->IsHere(contestant.state())) continue;
      RaceWatch* const inner = race->finishes_[i].inner;
      if (inner == nullptr) {
        contestant.Cancel();
      } else if (!inner->is_over_) {
        inner->next_ = std::exchange(race->next_, inner);
      }
    }
  }
}

void RaceWatch::StopWatching() noexcept {
  for (size_t i = 0; i < contestants_.size(); ++i) contestants_[i].state().StopObserving(&finishes_[i]);
}

namespace {

// A result that came before a cancellation comes out, and the running task is cancelled again at its next await.
void KeepCancellation(const AnyFuture& winner) {
  TaskState& task = *CurrentTaskState();
  const bool throws_it = winner.Cancelled() || winner.state().FailedByCancellation();
  if (throws_it || task.Cancelling() == 0) return;
  task.Uncancel();
  task.Cancel();
}

}  // namespace

Coro<size_t> RunRace(std::unique_ptr<RaceWatch> race) {
  race->Begin();
  const std::vector<AnyFuture>& contestants = race->contestants();
  for (const AnyFuture& contestant : contestants) {
    contestant.state().RequireSameLoop(RequireCore("Race()"), "Race()");
  }
  const Outcome<WaitResult<AnyFuture>> first = co_await Catch(
      WaitOperation<AnyFuture>(contestants, ReturnWhen::kFirstCompleted, absl::InfiniteDuration(), WaitRole::kRace));
  bool cancelled = !first.ok();
  if (!race->HasWinner()) race->CallOff();
  // A loser may take its time to end, and this task may be cancelled meanwhile, more than once.
  while (true) {
    std::vector<AnyFuture> alive;
    for (const AnyFuture& contestant : contestants) {
      if (!contestant.Done()) alive.push_back(contestant);
    }
    if (alive.empty()) break;
    const Outcome<WaitResult<AnyFuture>> rest = co_await Catch(WaitOperation<AnyFuture>(
        std::move(alive), ReturnWhen::kAllCompleted, absl::InfiniteDuration(), WaitRole::kRace));
    if (!rest.ok()) cancelled = true;
  }
  for (const AnyFuture& contestant : contestants) {
    if (!race->IsWinner(contestant)) contestant.state().MarkRetrieved();
  }
  if (!race->HasWinner()) co_await Propagate(Outcome<>::Cancelled());
  if (cancelled) KeepCancellation(contestants[race->winner()]);
  co_return race->winner();
}

}  // namespace detent::internal
