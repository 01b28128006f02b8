// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/sim_loop.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "detent/sim/live_tasks.h"
#include "detent/sim/sim_network.h"

namespace detent::sim {
namespace {

// How long a function in the executor takes: this many choices, of a millisecond more each. The calmest is no time.
constexpr uint32_t kExecutorDelays = 8;
// The fingerprint goes onto the tape after 64, 256, 1,024... steps, so that two runs that differ can be told apart early.
constexpr uint64_t kFirstCheckpoint = 64;
constexpr uint64_t kCheckpointGrowth = 4;
// So many come before any limit of steps is passed.
constexpr size_t kCheckpointsMax = 24;
// A lane that no task and no callback has, for the choices of the program in the fingerprint.
constexpr uint64_t kChoiceLane = ~uint64_t{0};
// How probable a slip of time is where one is possible: often enough to meet a time-out in a short run, seldom enough to
// leave most of the work its time.
constexpr double kSlipProbability = 0.1;

// The seeds of a run's separate streams of randomness.
constexpr uint64_t kStrategyStream = 0x5354524154454759;

}  // namespace

SimLoop::SimLoop(Options options) : options_(options) {
  tape_.ReserveCheckpoints(kCheckpointsMax);
  SetStrategy(options.strategy);
  BeginRun(options.seed);
}

void SimLoop::SetStrategy(const StrategyOption& option) {
  strategy_ = option.Make();
  strategy_->Attach(options_);
  strategy_wants_steps_ = strategy_->WantsSteps();
  core().recorder = strategy_->recorder();
}

SimLoop::~SimLoop() {
  Close();
  core().recorder = nullptr;  // Futures may outlive us.
}

void SimLoop::Reset(uint64_t seed, const StrategyOption& strategy) {
  if (IsRunning()) throw InvalidStateError("SimLoop::Reset(): the loop runs; reset it between two runs");
  DiscardEverything(/*report=*/false);
  SetStrategy(strategy);
  BeginRun(seed);
}

void SimLoop::Discard() {
  if (IsRunning()) throw InvalidStateError("SimLoop::Discard(): the loop runs; discard what is left after the run");
  DiscardEverything(/*report=*/false);
}

void SimLoop::Reset(uint64_t seed) {
  if (IsRunning()) throw InvalidStateError("SimLoop::Reset(): the loop runs; reset it between two runs");
  DiscardEverything(/*report=*/false);
  BeginRun(seed);
}

void SimLoop::BeginRun(uint64_t seed) {
  internal::LoopCore& core = this->core();
  core.now = LoopTime();
  core.next_task_id = core.next_callback_id = 1;
  core.next_object_ordinal = 1;
  core.run_number = internal::NextRunNumber();
  network_ = nullptr;
  tape_.Clear();
  tape_.set_seed(seed);
  tape_.set_test(options_.test);
  tape_.set_limits(TapeLimits(options_.steps_max, options_.time_max, options_.slip_max));
  fingerprint_ = Fingerprint();
  steps_ = iteration_ = 0;
  steps_left_ = 0;
  next_checkpoint_ = kFirstCheckpoint;
  slipped_ = absl::ZeroDuration();
  ready_.ForgetCurrentLane();
  random_.Seed(seed);
  strategy_->BeginRun(seed ^ kStrategyStream);
}

const Tape& SimLoop::tape() const {
  tape_.set_fingerprint(fingerprint_.value());
  return tape_;
}

absl::Time SimLoop::WallTime() const {
  return absl::FromCivil(absl::CivilSecond(2000, 1, 1), absl::UTCTimeZone()) + (core().now - LoopTime());
}

internal::Network& SimLoop::network() {
  internal::NoteUnknownAccess(core());
  if (network_ == nullptr) network_ = MakeSimNetwork(*this);
  return *network_;
}

void SimLoop::RunUntilStopped() {
  do {
    RunOnce();
  } while (!stopping());
}

void SimLoop::RunOnce() {
  TakeReady();
  if (ready_.size() > 0) {
    if (slipped_ < options_.slip_max) MaybeSlip();
  } else if (!stopping()) {
    AdvanceClock();
  }
  QueueDueTimers();
  TakeReady();
  ++iteration_;
  for (steps_left_ = ready_.size(); steps_left_ > 0; --steps_left_) {
    RunChosenStep();
    if (!core().ready.empty()) TakeReady();
  }
}

// Moves the loop's ready queue into our own list, from which steps are taken in any order.
void SimLoop::TakeReady() {
  internal::ReadyQueue& queue = core().ready;
  while (!queue.empty()) {
    const internal::Step step = queue.TakeOver();
    if (!step) continue;
    ready_.Append(step, iteration_);
  }
}

void SimLoop::MaybeSlip() {
  internal::LoopCore& core = this->core();
  if (core.timers.empty() || core.timers.earliest() <= core.now) return;
  const absl::Duration slip = core.timers.earliest() - core.now;
  if (slipped_ + slip > options_.slip_max) return;
  if (MakeChoice(ChoicePoint(ChoiceKind::kTime, 2, kSlipProbability)) == 0) return;
  slipped_ += slip;
  AdvanceClock();
}

void SimLoop::AdvanceClock() {
  internal::LoopCore& core = this->core();
  // A timer that is set to Never() does not pass.
  if (core.timers.empty() || core.timers.earliest() == LoopTime::Never()) ThrowDeadlock();
  core.now = std::max(core.now, core.timers.earliest());
  if (core.now - LoopTime() > options_.time_max) {
    throw LimitError(absl::StrCat("the run passed its limit of ", absl::FormatDuration(options_.time_max),
                                  " of virtual time; raise Options::time_max, or look for a task that never ends; the tasks are",
                                  DescribeLiveTasks(core)));
  }
}

uint32_t SimLoop::AskStrategy(const ChoicePoint& point) {
  uint32_t choice;
  try {
    choice = strategy_->Choose(point);
  } catch (const RunAbandoned&) {
    throw;
  } catch (...) {
    throw StrategyError(absl::StrCat("the strategy (", strategy_->Name(), ") threw: ",
                                     internal::DescribeException(std::current_exception())));
  }
  if (choice < point.n()) [[likely]] return choice;
  throw StrategyError(absl::StrCat("the strategy (", strategy_->Name(), ") chose ", choice, " of ", point.n(),
                                   " possibilities; Strategy::Choose() must give a number below ChoicePoint::n()"));
}

uint32_t SimLoop::MakeChoice(const ChoicePoint& point) {
  if (point.n() < 2) return 0;
  const uint32_t choice = AskStrategy(point);
  tape_.Record(point.kind(), point.n(), choice);
  if (point.kind() != ChoiceKind::kSchedule) {
    fingerprint_.Add(kChoiceLane);
    fingerprint_.Add(static_cast<uint64_t>(point.kind()) << 32 | choice);
  }
  if (observer_ != nullptr) [[unlikely]] observer_->OnChoice(point, choice);
  return choice;
}

bool SimLoop::DrawFault(std::string_view name, double probability) {
  return MakeChoice(ChoicePoint(ChoiceKind::kFault, 2, probability, nullptr, name)) != 0;
}

void SimLoop::RunChosenStep() {
  const uint32_t candidates = ready_.ListCandidates();
  const uint32_t choice =
      candidates < 2 ? 0 : MakeChoice(ChoicePoint(ChoiceKind::kSchedule, candidates, 0, &ready_));
  // Before the step is taken out of the list: a search may throw here.
  if (strategy_wants_steps_) strategy_->OnStep(ready_.candidate(choice));
  const ReadyStep chosen = ready_.Choose(choice);
  if (++steps_ > options_.steps_max) [[unlikely]] {
    throw LimitError(absl::StrCat("the run passed its limit of ", options_.steps_max, " steps at ",
                                  core().now.ToString(),
                                  "; raise Options::steps_max, or look for a loop that never ends; the tasks are",
                                  DescribeLiveTasks(core())));
  }
  RecordStep(chosen);
  if (observer_ != nullptr) [[unlikely]] observer_->OnStep(Candidate(chosen.step, chosen.lane), steps_);
  RunStep(chosen.step);
  if (observer_ != nullptr) [[unlikely]] observer_->AfterStep();  // The step may have set it, or taken it away.
}

// Task or source, wait and object, time: never a name, a place or an address, which compilers and runs disagree on. The
// choice shows in which lane it is.
void SimLoop::RecordStep(const ReadyStep& chosen) {
  fingerprint_.Add(chosen.lane);
  if (chosen.step.IsTask()) {
    const internal::WaitNode* wait = chosen.step.task()->wait();
    uint64_t wait_and_object = 0;
    if (wait != nullptr) {
      const internal::WaitObject* object = wait->Object();
      wait_and_object = static_cast<uint64_t>(wait->Kind()) << 32 | (object == nullptr ? 0 : object->Ordinal(core()));
    }
    fingerprint_.Add(wait_and_object);
  } else {
    internal::ReadyQueue::Started(chosen.step.runnable());
  }
  fingerprint_.Add(static_cast<uint64_t>(core().now.nanoseconds()));
  if (steps_ == next_checkpoint_) [[unlikely]] {
    tape_.AddCheckpoint(steps_, fingerprint_.value());
    next_checkpoint_ *= kCheckpointGrowth;
  }
}

void SimLoop::ForgetReady(internal::Runnable* runnable) {
  ReadyStep removed;
  // It was ready when this iteration began: the iteration is one step shorter.
  if (ready_.Remove(runnable, removed) && removed.iteration < iteration_ && steps_left_ > 1) --steps_left_;
}

void SimLoop::DiscardReady() { ready_.DiscardAll(); }

void SimLoop::StartJob(absl::AnyInvocable<void()> job) {
  auto run = [this, job = std::move(job)]() mutable {
    job();
    DrainInbox();
  };
  const uint32_t delay_ms = ChooseFor(internal::ChoiceKind::kExecutor, kExecutorDelays);
  if (delay_ms == 0) {
    CallSoon(std::move(run));
  } else {
    CallLater(absl::Milliseconds(delay_ms), std::move(run));
  }
}

// Had there been a thread for it, it would have begun before it was cancelled.
bool SimLoop::LeavesOutCancelledJob() { return ChooseFor(internal::ChoiceKind::kExecutor, 2) == 1; }

void SimLoop::CheckThreadsafeCall() {
  if (IsOnOwnThread()) return;
  throw InvalidStateError(
      "CallSoonThreadsafe() or RunCoroutineThreadsafe() on a SimLoop: it takes no calls from other threads, because such "
      "a run could not be replayed; use RunInExecutor() for work of its own, or test threads on an EpollLoop");
}

void SimLoop::ThrowDeadlock() {
  const uint64_t tasks = core().live_tasks;
  std::string text = absl::StrCat("deadlock at ", core().now.ToString(), ", step ", steps_, ": ", tasks,
                                  tasks == 1 ? " task waits" : " tasks wait", " and nothing can wake ",
                                  tasks == 1 ? "it" : "them");
  throw DeadlockError(text + DescribeLiveTasks(core()));
}

}  // namespace detent::sim
