// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/sim_loop.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "detent/runtime/internal/prefetch_steps.h"
#include "detent/sim/live_tasks.h"
#include "detent/sim/sim_network.h"

namespace detent::sim {
namespace {

// How long a function in the executor takes: this many choices, of a millisecond more each. The calmest is no time.
constexpr uint32_t kExecutorDelays = 8;
// The fingerprint goes onto the tape after 64, 256, 1,024... steps, so that two runs that differ can be told apart early.
constexpr uint64_t kFirstCheckpoint = 64;
constexpr uint64_t kCheckpointGrowth = 4;
// What no step is, in the fingerprint: for the choices of the program, and for the time where it has moved.
constexpr uint64_t kChoiceMark = ~uint64_t{0};
constexpr uint64_t kTimeMark = ~uint64_t{1};
// Where the object of a wait and the kind of the wait stand behind the lane in the fingerprint's word for a step.
constexpr int kObjectShift = 25;
constexpr int kWaitShift = 56;
// How probable a slip of time is where one is possible: often enough to meet a time-out in a short run, seldom enough to
// leave most of the work its time.
constexpr double kSlipProbability = 0.1;

// The seeds of a run's separate streams of randomness.
constexpr uint64_t kStrategyStream = 0x5354524154454759;

}  // namespace

SimLoop::SimLoop(Options options)
    : options_(options),
      end_of_time_(LoopTime() + options.time_max),
      may_slip_(options.slip_max > absl::ZeroDuration()),
      recorder_(options.test, TapeLimits(options.steps_max, options.time_max, options.slip_max)) {
  SetStrategy(options.strategy);
  BeginRun(options.seed);
}

void SimLoop::SetStrategy(const StrategyOption& option) {
  even_steps_ = nullptr;  // It is the old one's.
  strategy_ = option.Make();
  strategy_->Attach(options_);
  core().recorder = strategy_->recorder();
}

SimLoop::~SimLoop() {
  Close();
  core().recorder = nullptr;  // Futures may outlive us.
}

void SimLoop::Reset(uint64_t seed, const StrategyOption& strategy) {
  RequireNoRun("SimLoop::Reset(): the loop runs; reset it between two runs");
  DiscardLeftovers();
  SetStrategy(strategy);
  BeginRun(seed);
}

void SimLoop::Discard() {
  RequireNoRun("SimLoop::Discard(): the loop runs; discard what is left after the run");
  DiscardLeftovers();
}

void SimLoop::Reset(uint64_t seed) {
  RequireNoRun("SimLoop::Reset(): the loop runs; reset it between two runs");
  DiscardLeftovers();
  BeginRun(seed);
}

// Mostly there are none.
void SimLoop::DiscardLeftovers() {
  const internal::LoopCore& core = this->core();
  if (core.tasks.empty() && core.timers.empty() && core.ready.empty() && ready_.size() == 0 &&
      core.self_kept.empty() && !had_jobs_) [[likely]] {
    return;
  }
  DiscardEverything(/*report=*/false);
  had_jobs_ = false;
}

void SimLoop::BeginRun(uint64_t seed) {
  internal::LoopCore& core = this->core();
  core.now = LoopTime();
  core.next_task_id = core.next_callback_id = 1;
  core.next_object_ordinal = 1;
  core.run_number = internal::NextRunNumber();
  network_ = nullptr;
  recorder_.BeginRun(seed);
  fingerprint_ = Fingerprint();
  fingerprint_time_ = LoopTime();
  steps_ = steps_left_ = 0;
  next_checkpoint_ = kFirstCheckpoint;
  SetNextMark();
  slipped_ = absl::ZeroDuration();
  ready_.ForgetCurrentLane();
  SeedRandom(seed);
  strategy_->BeginRun(seed ^ kStrategyStream);
  strategy_wants_steps_ = strategy_->WantsSteps();
  strategy_wants_steps_without_choice_ = !strategy_wants_steps_ && strategy_->WantsStepsWithoutChoice();
  SetObserver(observer_);
}

absl::Time SimLoop::WallTime() const {
  return absl::FromCivil(absl::CivilSecond(2000, 1, 1), absl::UTCTimeZone()) + (core().now - LoopTime());
}

internal::Network& SimLoop::network() {
  internal::NoteUnknownAccess(core());
  if (network_ == nullptr) network_ = MakeSimNetwork(*this);
  return *network_;
}

// With few tasks an iteration is only a few steps.
void SimLoop::RunUntilStopped() {
  TakeReady();
  do {
    RunIteration();
  } while (!stopping());
}

// REQUIRES: the ready queue has been taken; so it is again at the end.
inline void SimLoop::RunIteration() {
  if (ready_.size() > 0) {
    if (may_slip_) MaybeSlip();
  } else if (!stopping()) {
    AdvanceClock();
  }
  if (!core().timers.empty()) {
    QueueDueTimers();
    TakeReady();
  }
  ready_.BeginIteration();
  for (steps_left_ = ready_.size(); steps_left_ > 0; --steps_left_) {
    if (even_steps_ != nullptr && !ready_.HasRunnables()) {
      RunEvenStep();
    } else {
      RunChosenStep();
    }
    TakeReady();
  }
}

// Moves the loop's ready queue into our own list, from which steps are taken in any order.
inline void SimLoop::TakeReady() {
  core().ready.TakeOver([this](internal::Step step) __attribute__((always_inline)) { ready_.Append(step); });
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
  if (core.now > end_of_time_) {
    throw LimitError(absl::StrCat("the run passed its limit of ", absl::FormatDuration(options_.time_max),
                                  " of virtual time; raise Options::time_max, or look for a task that never ends; the tasks are",
                                  DescribeLiveTasks(core)));
  }
}

inline uint32_t SimLoop::AskStrategy(const ChoicePoint& point) {
  uint32_t choice;
  try {
    choice = strategy_->Choose(point);
  } catch (const RunAbandoned&) {
    throw;
  } catch (...) {
    throw StrategyError(absl::StrCat("the strategy (", strategy_->Name(), ") threw: ",
                                     internal::DescribeException(std::current_exception())));
  }
  if (choice < point.n()) [[likely]] {
    recorder_.Record(point.kind(), point.n(), choice);
    if (observer_ != nullptr) [[unlikely]] observer_->OnChoice(point, choice);
    return choice;
  }
  throw StrategyError(absl::StrCat("the strategy (", strategy_->Name(), ") chose ", choice, " of ", point.n(),
                                   " possibilities; Strategy::Choose() must give a number below ChoicePoint::n()"));
}

uint32_t SimLoop::MakeChoice(const ChoicePoint& point) {
  if (point.n() < 2) return 0;
  const uint32_t choice = AskStrategy(point);
  fingerprint_.Add(kChoiceMark);
  fingerprint_.Add(static_cast<uint64_t>(point.kind()) << 32 | choice);
  return choice;
}

bool SimLoop::DrawFault(std::string_view name, double probability) {
  return MakeChoice(ChoicePoint(ChoiceKind::kFault, 2, probability, nullptr, name)) != 0;
}

// A random walk among tasks: the fast way of the general one below.
inline void SimLoop::RunEvenStep() {
  const auto candidates = static_cast<uint32_t>(ready_.size());
  uint32_t choice = 0;
  if (candidates > 1) [[likely]] {
    choice = static_cast<uint32_t>(even_steps_->Below(candidates));
    recorder_.Record(ChoiceKind::kSchedule, candidates, choice);
  }
  const ReadyStep chosen = ready_.TakeTask(choice);
  ++steps_;
  RecordTaskStep(chosen);
  if (steps_ >= next_mark_) [[unlikely]] PassMark(chosen.step);
  internal::LoopCore& core = this->core();
  chosen.step.task()->Step(core);
  core.current_task = nullptr;
}

inline void SimLoop::RunChosenStep() {
  const uint32_t candidates = ready_.ListCandidates();
  if (candidates > internal::kManySteps) [[unlikely]] {  // Many strategies mostly take the first.
    internal::PrefetchSteps([this](size_t ahead) { return ready_.Peek(ahead); });
  }
  uint32_t choice = 0;
  if (candidates > 1) [[likely]] {
    choice = AskStrategy(ChoicePoint(ChoiceKind::kSchedule, candidates, 0, &ready_));
  } else if (strategy_wants_steps_without_choice_) {
    strategy_->OnStep(ready_.candidate(0));
  }
  // Before the step is taken out of the list: a search may throw here.
  if (strategy_wants_steps_) strategy_->OnStep(ready_.candidate(choice));
  const ReadyStep chosen = ready_.Choose(choice);
  ++steps_;
  RecordStep(chosen);
  if (steps_ >= next_mark_) [[unlikely]] PassMark(chosen.step);
  if (observer_ != nullptr) [[unlikely]] observer_->OnStep(Candidate(chosen.step, chosen.lane), steps_);
  RunStep(chosen.step);
  if (observer_ != nullptr) [[unlikely]] observer_->AfterStep();  // The step may have set it, or taken it away.
}

// Task or source, wait and object, time: never a name, a place or an address, which compilers and runs disagree on. The
// choice shows in which lane it is.
inline void SimLoop::RecordStep(const ReadyStep& chosen) {
  if (chosen.step.IsTask()) [[likely]] return RecordTaskStep(chosen);
  ready_.Started(chosen.step.runnable());
  RecordWord(chosen.lane);
}

inline void SimLoop::RecordTaskStep(const ReadyStep& chosen) {
  uint64_t word = chosen.lane;
  if (const internal::WaitNode* wait = chosen.step.task()->wait_before_step()) {
    const internal::WaitObject* object = wait->Object();
    word ^= static_cast<uint64_t>(wait->Kind()) << kWaitShift;
    if (object != nullptr) word ^= static_cast<uint64_t>(object->Ordinal(core())) << kObjectShift;
  }
  RecordWord(word);
}

inline void SimLoop::RecordWord(uint64_t word) {
  const internal::LoopCore& core = this->core();
  if (core.now != fingerprint_time_) [[unlikely]] {
    fingerprint_time_ = core.now;
    fingerprint_.Add(kTimeMark);
    fingerprint_.Add(static_cast<uint64_t>(core.now.nanoseconds()));
  }
  fingerprint_.Add(word);
}

void SimLoop::SetNextMark() {
  const uint64_t past_limit = std::max(options_.steps_max, options_.steps_max + 1);
  next_mark_ = std::min(next_checkpoint_, past_limit);
}

void SimLoop::PassMark(internal::Step step) {
  if (steps_ > options_.steps_max) {
    if (!step.IsTask()) step.runnable()->Discard();  // Nobody else has it any more.
    throw LimitError(absl::StrCat("the run passed its limit of ", options_.steps_max, " steps at ",
                                  core().now.ToString(),
                                  "; raise Options::steps_max, or look for a loop that never ends; the tasks are",
                                  DescribeLiveTasks(core())));
  }
  recorder_.AddCheckpoint(steps_, fingerprint_.value());
  next_checkpoint_ *= kCheckpointGrowth;
  SetNextMark();
}

void SimLoop::ForgetReady(internal::Runnable* runnable) {
  // It was ready when this iteration began: the iteration is one step shorter.
  if (ready_.Remove(runnable) && steps_left_ > 1) --steps_left_;
}

void SimLoop::DiscardReady() { ready_.DiscardAll(); }

void SimLoop::StartJob(absl::AnyInvocable<void()> job) {
  had_jobs_ = true;
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

void SimLoop::ThrowRuns(const char* what) { throw InvalidStateError(what); }

void SimLoop::ThrowDeadlock() {
  const uint64_t tasks = core().tasks.size();
  std::string text = absl::StrCat("deadlock at ", core().now.ToString(), ", step ", steps_, ": ", tasks,
                                  tasks == 1 ? " task waits" : " tasks wait", " and nothing can wake ",
                                  tasks == 1 ? "it" : "them");
  throw DeadlockError(text + DescribeLiveTasks(core()));
}

}  // namespace detent::sim
