// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/sim_loop.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "detent/runtime/internal/open_socket.h"
#include "detent/runtime/internal/prefetch_steps.h"
#include "detent/runtime/internal/timer_heap.h"
#include "detent/sim/world/executor.h"
#include "detent/sim/world/home_loop.h"
#include "detent/sim/world/threads.h"

namespace detent::sim {
namespace {

// The fingerprint goes onto the tape after 64, 256, 1,024... steps, so that two runs that differ can be told apart
// early.
constexpr uint64_t kFirstCheckpoint = 64;
constexpr uint64_t kCheckpointGrowth = 4;
// What no step is, in the fingerprint: for the choices of the program, and for the time where it has moved.
constexpr uint64_t kChoiceMark = ~uint64_t{0};
constexpr uint64_t kTimeMark = ~uint64_t{1};
// Where the object of a wait and the kind of the wait stand behind the lane in the fingerprint's word for a step.
constexpr int kObjectShift = 25;
constexpr int kWaitShift = 56;
// How probable a slip of time is: often enough to meet a time-out, seldom enough to leave most of the work its time.
constexpr double kSlipProbability = 0.1;

// The seeds of a run's separate streams of randomness.
constexpr uint64_t kStrategyStream = 0x5354524154454759;
constexpr uint64_t kFaultStream = 0x4641554c5453;

}  // namespace

SimLoop::SimLoop(Options options)
    : options_(options),
      may_slip_(options.slip_max > absl::ZeroDuration()),
      recorder_(options.test, TapeLimits(options.steps_max, options.time_max, options.slip_max)) {
  SetStrategy(options.strategy);
  inbox()->Refuse(
      "CallSoonThreadsafe() or RunCoroutineThreadsafe() on a SimLoop: it takes no calls from other threads, because "
      "such a run could not be replayed; use RunInExecutor() for work of its own, or test threads on an EpollLoop");
  BeginRun(options.seed);
}

void SimLoop::SetStrategy(const StrategyOption& option) {
  uniform_ = nullptr;  // It is the old one's.
  strategy_ = option.Make();
  strategy_->Attach(RunRules(options_.footprint, may_slip_));
  core().SetRecorder(strategy_->recorder());
}

SimLoop::~SimLoop() {
  Close();
  core().SetRecorder(nullptr);  // Futures may outlive us.
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
  if (core.tasks.empty() && core.timers.empty() && core.ready.empty() && ready_.size() == 0 && core.self_kept.empty() &&
      arrivals_.empty() && locals().empty() && !had_jobs_) [[likely]] {
    return;
  }
  DiscardEverything(/*report=*/false);
  had_jobs_ = false;
}

void SimLoop::BeginRun(uint64_t seed) {
  ForgetStop();
  ForgetWatch();
  internal::LoopCore& core = this->core();
  core.now = LoopTime();
  core.next_task_id = core.next_callback_id = core.next_object_ordinal = 1;
  core.ended_names.Clear();
  core.run_number = internal::NextRunNumber();
  outside_ = nullptr;
  interruptions_.Forget();
  while (internal::OpenSocket* const socket = core.open_sockets.first()) socket->Unlist();
  recorder_.BeginRun(seed);
  streams_.BeginRun();
  faults_.BeginRun(seed ^ kFaultStream);
  fingerprint_ = Fingerprint();
  fingerprint_time_ = LoopTime();
  steps_ = steps_left_ = tasks_at_most_ = 0;
  next_checkpoint_ = kFirstCheckpoint;
  RenewLimits();
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

internal::Outside& SimLoop::outside() {
  internal::NoteUnknownAccess(core());
  if (outside_ == nullptr)
    outside_ = MakeSimOutside(Ground(*this, arrivals_, interruptions_, *this, faults_), [this] { DrainInbox(); });
  return *outside_;
}

void SimLoop::RunUntilStopped() {
  const OwnHomeAtEnd own_home(core());
  streams_.AfterStep(internal::Lane());
  TakeReady();
  do {
    RunOneIteration();
  } while (!stopping());
  interruptions_.ThrowIfEnded();
}

void SimLoop::RunIteration(absl::Duration timeout) {
  const OwnHomeAtEnd own_home(core());
  streams_.AfterStep(internal::Lane());
  TakeReady();
  // It would sleep for longer.
  if (ready_.size() == 0 && NextEvent() > core().now + timeout) return MoveClock(core().now + timeout);
  RunOneIteration();
}

// REQUIRES: the ready queue has been taken; so it is again at the end.
inline void SimLoop::RunOneIteration() {
  tasks_at_most_ = std::max(tasks_at_most_, core().task_count);
  if (ready_.size() > 0) {
    if (may_slip_) MaybeSlip();
  } else if (!stopping()) {
    AdvanceClock();
  }
  if (!arrivals_.empty()) [[unlikely]]
    arrivals_.TakeDue(core().now);
  if (!core().timers.empty() || !core().ready.empty()) {
    QueueDueTimers();
    TakeReady();
  }
  ready_.BeginIteration();
  for (steps_left_ = ready_.size(); steps_left_ > 0; --steps_left_) {
    if (uniform_ != nullptr && ready_.IsPlain()) {
      RunUniformStep();
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
  const LoopTime next = NextEvent();
  const absl::Duration slip = next - core().now;
  if (slip <= absl::ZeroDuration() || slipped_ + slip > options_.slip_max || IsHeld(next)) return;
  // Deadlines act in their order, as on the real loop, where timers that are late are queued by deadline.
  if (ready_.HasTimerStep(core().now)) return;
  const std::string until = observer_ == nullptr ? std::string() : next.ToString();
  if (MakeChoice(StreamId(ChoiceKind::kTime, 0), 2, kSlipProbability, until) == 0) return;
  slipped_ += slip;
  MoveClock(next);
}

void SimLoop::AdvanceClock() {
  if (HasPassedStepLimit()) throw StepLimitError(core(), options_.steps_max);
  interruptions_.ThrowIfEnded();
  if (!arrivals_.empty()) MoveArrivals();
  // A timer that is set to Never() does not pass.
  LoopTime next = NextEvent();
  if (IsHeld(next) && time_holder_->EverybodyWaits()) next = time_holder_->Stop();
  if (next == LoopTime::Never() || IsHeld(next)) {
    throw MakeDeadlockError(core(), steps_, time_holder_ == nullptr ? "" : time_holder_->DescribeHold(NextEvent()));
  }
  MoveClock(next);
}

void SimLoop::MoveArrivals() {
  const internal::LoopCore& core = this->core();
  arrivals_.OfferMoves(core, [&](const Arrivals::Offer& offer) {
    const std::string words = observer_ == nullptr ? std::string() : Arrivals::Describe(offer, core);
    return MakeChoiceAt(ChoicePoint(ChoiceKind::kArrival, static_cast<uint32_t>(1 + offer.moves.size()),
                                    offer.probability, nullptr, words, StreamId(ChoiceKind::kArrival, offer.stream),
                                    offer.number));
  });
}

void SimLoop::MoveClock(LoopTime to) {
  internal::LoopCore& core = this->core();
  core.now = std::max(core.now, to);
  if (core.now > end_of_time_) throw TimeLimitError(core, options_.time_max);
}

inline uint32_t SimLoop::AskStrategy(const ChoicePoint& point) {
  uint32_t choice;
  try {
    choice = strategy_->Choose(point);
  } catch (const RunAbandoned&) {
    throw;
  } catch (...) {
    throw StrategyError(absl::StrCat("the strategy (", strategy_->Name(),
                                     ") threw: ", internal::DescribeException(std::current_exception())));
  }
  if (choice < point.n()) [[likely]] {
    if (point.kind() == ChoiceKind::kSchedule) {
      recorder_.RecordStep(point.n(), choice);
    } else {
      recorder_.Record(point.stream(), point.number(), point.n(), choice);
    }
    if (observer_ != nullptr) [[unlikely]]
      observer_->OnChoice(point, choice);
    return choice;
  }
  throw StrategyError(absl::StrCat("the strategy (", strategy_->Name(), ") chose ", choice, " of ", point.n(),
                                   " possibilities; Strategy::Choose() must give a number below ChoicePoint::n()"));
}

uint32_t SimLoop::MakeChoiceAt(const ChoicePoint& point) {
  const uint32_t choice = AskStrategy(point);
  fingerprint_.Add(kChoiceMark);
  fingerprint_.Add(static_cast<uint64_t>(point.kind()) << 32 | choice);
  return choice;
}

uint32_t SimLoop::ChooseWithFaults(ChoiceKind kind, uint64_t stream, uint32_t n, const FaultOpportunity* opportunity,
                                   absl::FunctionRef<std::string()> words) {
  if (n < 2) return 0;
  const std::string text = observer_ == nullptr ? std::string() : words();
  const StreamId id(kind, stream);
  return MakeChoiceAt(ChoicePoint(kind, n, 0, nullptr, text, id, streams_.NextNumber(id), opportunity));
}

bool SimLoop::DrawFault(std::string_view name, double probability) {
  const uint64_t task = streams_.Running();
  if (faults_.TakesOver()) return faults_.Strikes(task, name);
  return MakeChoice(StreamId(ChoiceKind::kFault, task), 2, probability, name) != 0;
}

// A random walk among tasks: the fast way of the general one below.
inline void SimLoop::RunUniformStep() {
  const auto candidates = static_cast<uint32_t>(ready_.size());
  uint32_t choice = 0;
  if (candidates > 1) [[likely]] {
    choice = static_cast<uint32_t>(uniform_->Below(candidates));
    recorder_.RecordStep(candidates, choice);
  }
  const ReadyStep chosen = ready_.TakeTask(choice);
  ++steps_;
  RecordTaskStep(chosen);
  if (steps_ >= next_mark_ && !PassMark(chosen)) [[unlikely]]
    return;
  internal::LoopCore& core = this->core();
  chosen.step.task()->Step(core);
  core.current_task = nullptr;
  streams_.AfterStep(chosen.lane);
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
  if (steps_ >= next_mark_ && !PassMark(chosen)) [[unlikely]]
    return;
  if (observer_ != nullptr) [[unlikely]]
    observer_->OnStep(Candidate(chosen.step, chosen.lane), steps_);
  RunStep(chosen.step);
  streams_.AfterStep(chosen.lane);
  if (observer_ != nullptr) [[unlikely]]
    observer_->AfterStep();  // The step may have set it, or taken it away.
}

// Task or source, wait and object, time: never a name, a place or an address, which compilers and runs disagree on. The
// choice shows in which lane it is.
inline void SimLoop::RecordStep(const ReadyStep& chosen) {
  if (chosen.step.IsTask()) [[likely]]
    return RecordTaskStep(chosen);
  ready_.Started(chosen.step.runnable());
  RecordWord(chosen.lane.number());
}

inline void SimLoop::RecordTaskStep(const ReadyStep& chosen) {
  uint64_t word = chosen.lane.number();
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
  next_mark_ = std::min(next_checkpoint_, std::max(LastStep(), LastStep() + 1));
  if (interruptions_.any() || core().has_homes || HasPassedStepLimit()) next_mark_ = 0;
}

void SimLoop::RenewLimits() {
  spun_ = 0;
  steps_at_limits_ = steps_;
  end_of_time_ = core().now + options_.time_max;
  slipped_ = absl::ZeroDuration();
  SetNextMark();
}

bool SimLoop::PassMark(const ReadyStep& chosen) {
  interruptions_.BeforeStep();
  if (HasPassedStepLimit() || interruptions_.has_ended()) {
    if (!chosen.step.IsTask()) chosen.step.runnable()->Discard();  // Nobody else has it any more.
    interruptions_.ThrowIfEnded();
    throw StepLimitError(core(), options_.steps_max);
  }
  if (steps_ >= next_checkpoint_) {
    recorder_.AddCheckpoint(steps_, fingerprint_.value());
    next_checkpoint_ *= kCheckpointGrowth;
  }
  SetNextMark();
  if (!core().has_homes) return true;
  RunAtHome(chosen);
  return false;
}

void SimLoop::RunAtHome(const ReadyStep& chosen) {
  if (EnterHomeOf(core(), chosen.step)) {
    if (observer_ != nullptr) observer_->OnStep(Candidate(chosen.step, chosen.lane), steps_);
    RunStep(chosen.step);
    streams_.AfterStep(chosen.lane);
    faults_.OfferBlow("step");
    if (observer_ != nullptr) observer_->AfterStep();
  }
  interruptions_.AfterStep();
}

void SimLoop::TakeOut(absl::FunctionRef<bool(internal::Step)> is_meant, std::vector<internal::Step>& taken) {
  TakeReady();
  const size_t of_iteration = ready_.TakeOut(is_meant, taken);
  if (steps_left_ > 1) steps_left_ -= std::min(of_iteration, steps_left_ - 1);
}

void SimLoop::DiscardReady() {
  if (outside_ != nullptr && outside_->threads_if_any() != nullptr) outside_->threads_if_any()->Discard();
  arrivals_.DropAll();
  ready_.DiscardAll();
}

void SimLoop::StartJob(absl::AnyInvocable<void()> job, std::source_location where) {
  had_jobs_ = true;
  StartInExecutor(
      *this, arrivals_,
      [this, job = std::move(job)]() mutable {
        job();
        DrainInbox();
      },
      where);
}

}  // namespace detent::sim
