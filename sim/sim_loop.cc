// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/sim_loop.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "detent/runtime/internal/source_text.h"
#include "detent/sim/sim_network.h"

namespace detent::sim {
namespace {

// How long a function in the executor takes: this many choices, of a millisecond more each. The calmest is no time.
constexpr uint32_t kExecutorDelays = 8;
// A lane that no task and no callback has, for the choices of the program in the fingerprint.
constexpr uint64_t kChoiceLane = ~uint64_t{0};
// Up to here the lanes are compared pair by pair, above with a set.
constexpr size_t kFewSteps = 16;

// The seeds of a run's separate streams of randomness.
constexpr uint64_t kStrategyStream = 0x5354524154454759;

std::string DescribeWaitingTask(const AnyTask& task) {
  const internal::WaitNode* wait = task.task_state().wait();
  const std::vector<std::source_location> stack = task.Stack();
  return absl::StrCat("\n  task \"", std::string(task.Name()), "\"  ",
                      wait != nullptr ? wait->Describe() : stack.empty() ? "not started" : "ready to run", "  ",
                      internal::SourceText(stack.empty() ? task.task_state().spawned_at() : stack.front()));
}

}  // namespace

SimLoop::SimLoop(Options options) : options_(options), strategy_(options.strategy.Make()) {
  BeginRun(options.seed);
}

SimLoop::~SimLoop() { Close(); }

void SimLoop::Reset(uint64_t seed, const StrategyOption& strategy) {
  if (IsRunning()) throw InvalidStateError("SimLoop::Reset(): the loop runs; reset it between two runs");
  strategy_ = strategy.Make();
  Reset(seed);
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
  fingerprint_ = Fingerprint();
  steps_ = iteration_ = 0;
  steps_left_ = 0;
  current_lane_ = 0;
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
  if (network_ == nullptr) network_ = MakeSimNetwork(*this);
  return *network_;
}

void SimLoop::RunOnce() {
  TakeReady();
  if (ready_size() == 0 && !stopping()) AdvanceClock();
  QueueDueTimers();
  TakeReady();
  ++iteration_;
  for (steps_left_ = ready_size(); steps_left_ > 0; --steps_left_) {
    RunChosen(ChooseStep());
    TakeReady();
  }
}

// Moves the loop's ready queue into our own list, from which steps are taken in any order.
void SimLoop::TakeReady() {
  internal::ReadyQueue& queue = core().ready;
  while (!queue.empty()) {
    const internal::Step step = queue.TakeOver();
    if (!step) continue;
    const uint64_t lane = step.IsTask() ? internal::LaneOfTask(step.task()->id()) : step.runnable()->Lane();
    if (!step.IsTask()) ++runnables_;
    ready_.push_back(ReadyStep(step, lane, iteration_));
  }
}

void SimLoop::AdvanceClock() {
  internal::LoopCore& core = this->core();
  // A timer that is set to Never() does not pass.
  if (core.timers.empty() || core.timers.earliest() == LoopTime::Never()) ThrowDeadlock();
  core.now = std::max(core.now, core.timers.earliest());
  if (core.now - LoopTime() > options_.time_max) {
    throw LimitError(absl::StrCat("the run passed its limit of ", absl::FormatDuration(options_.time_max),
                                  " of virtual time; raise Options::time_max, or look for a task that never ends; the tasks are",
                                  DescribeTasks()));
  }
}

size_t SimLoop::ChooseStep() {
  const size_t size = ready_size();
  if (size == 1) {
    if (ready_[head_].lane != current_lane_) current_lane_ = 0;
    return head_;
  }
  if (runnables_ > 0) return ChooseAmongLanes();
  // Tasks only: each is a lane of its own.
  size_t current = ready_.size();
  if (current_lane_ != 0) {
    for (current = head_; current < ready_.size() && ready_[current].lane != current_lane_; ++current) {
    }
    if (current == ready_.size()) current_lane_ = 0;
  }
  const uint32_t choice = MakeChoice(internal::ChoiceKind::kSchedule, static_cast<uint32_t>(size), 0);
  size_t index = head_ + choice;
  if (current_lane_ != 0) {
    // The list of candidates is the current lane, then the others in order.
    if (choice == 0) return current;
    if (index <= current) --index;
  }
  if (choice != 0) current_lane_ = index == head_ ? 0 : ready_[index].lane;
  return index;
}

size_t SimLoop::ChooseAmongLanes() {
  heads_.clear();
  if (ready_size() <= kFewSteps) {
    for (size_t i = head_; i < ready_.size(); ++i) {
      const bool first = std::none_of(heads_.begin(), heads_.end(),
                                      [&](size_t head) { return ready_[head].lane == ready_[i].lane; });
      if (first) heads_.push_back(i);
    }
  } else {
    absl::flat_hash_set<uint64_t> seen;  // Asked for membership only; its order decides nothing.
    for (size_t i = head_; i < ready_.size(); ++i) {
      if (seen.insert(ready_[i].lane).second) heads_.push_back(i);
    }
  }
  const auto current =
      std::find_if(heads_.begin(), heads_.end(), [&](size_t head) { return ready_[head].lane == current_lane_; });
  if (current == heads_.end()) {
    current_lane_ = 0;
  } else {
    std::rotate(heads_.begin(), current, current + 1);
  }
  if (heads_.size() == 1) return heads_[0];
  const uint32_t choice = MakeChoice(internal::ChoiceKind::kSchedule, static_cast<uint32_t>(heads_.size()), 0);
  const size_t index = heads_[choice];
  if (choice != 0) current_lane_ = index == head_ ? 0 : ready_[index].lane;
  return index;
}

uint32_t SimLoop::MakeChoice(internal::ChoiceKind kind, uint32_t n, double probability) {
  if (n < 2) return 0;
  const uint32_t choice = strategy_->Choose(ChoicePoint(kind, n, probability));
  if (choice >= n) {
    throw InvalidStateError(absl::StrCat("the strategy chose ", choice, " of ", n, " possibilities; Strategy::Choose() "
                                         "must give a number below ChoicePoint::n()"));
  }
  tape_.Record(kind, n, choice);
  if (kind != internal::ChoiceKind::kSchedule) {
    fingerprint_.Add(kChoiceLane);
    fingerprint_.Add(static_cast<uint64_t>(kind) << 32 | choice);
  }
  return choice;
}

bool SimLoop::DrawFault(std::string_view, double probability) {
  return MakeChoice(internal::ChoiceKind::kFault, 2, probability) != 0;
}

SimLoop::ReadyStep SimLoop::TakeStep(size_t index) {
  const ReadyStep taken = ready_[index];
  // Close up on the side of the head: steps are mostly taken near it.
  std::move_backward(ready_.begin() + static_cast<ptrdiff_t>(head_), ready_.begin() + static_cast<ptrdiff_t>(index),
                     ready_.begin() + static_cast<ptrdiff_t>(index) + 1);
  if (++head_ == ready_.size()) {
    ready_.clear();
    head_ = 0;
  } else if (head_ >= 64 && head_ * 2 >= ready_.size()) {
    ready_.erase(ready_.begin(), ready_.begin() + static_cast<ptrdiff_t>(head_));
    head_ = 0;
  }
  if (!taken.step.IsTask()) --runnables_;
  return taken;
}

void SimLoop::RunChosen(size_t index) {
  const ReadyStep chosen = TakeStep(index);
  ++steps_;
  if (steps_ > options_.steps_max) [[unlikely]] {
    throw LimitError(absl::StrCat("the run passed its limit of ", options_.steps_max, " steps at ",
                                  core().now.ToString(), "; raise Options::steps_max, or look for a loop that never ends; the tasks are",
                                  DescribeTasks()));
  }
  // Task or source, wait and object, time: never a name, a place or an address, which compilers and runs disagree on.
  // The choice shows in which lane it is.
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
  RunStep(chosen.step);
}

void SimLoop::ForgetReady(internal::Runnable* runnable) {
  for (size_t i = head_; i < ready_.size(); ++i) {
    if (!(ready_[i].step == internal::Step(runnable))) continue;
    // It was ready when this iteration began: the iteration is one step shorter.
    if (ready_[i].iteration < iteration_ && steps_left_ > 1) --steps_left_;
    TakeStep(i);
    return;
  }
}

void SimLoop::DiscardReady() {
  for (size_t i = head_; i < ready_.size(); ++i) {
    if (ready_[i].step.IsTask()) continue;
    internal::ReadyQueue::Started(ready_[i].step.runnable());
    ready_[i].step.runnable()->Discard();
  }
  ready_.clear();
  head_ = runnables_ = 0;
}

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

void SimLoop::CheckThreadsafeCall() {
  if (IsOnOwnThread()) return;
  throw InvalidStateError(
      "CallSoonThreadsafe() or RunCoroutineThreadsafe() on a SimLoop: it takes no calls from other threads, because such "
      "a run could not be replayed; use RunInExecutor() for work of its own, or test threads on an EpollLoop");
}

std::string SimLoop::DescribeTasks() const {
  std::string text;
  for (const AnyTask& task : AllTasks()) absl::StrAppend(&text, DescribeWaitingTask(task));
  return text;
}

void SimLoop::ThrowDeadlock() {
  const std::vector<AnyTask> tasks = AllTasks();
  std::string text = absl::StrCat("deadlock at ", core().now.ToString(), ", step ", steps_, ": ", tasks.size(),
                                  tasks.size() == 1 ? " task waits" : " tasks wait", " and nothing can wake ",
                                  tasks.size() == 1 ? "it" : "them");
  throw DeadlockError(text + DescribeTasks());
}

}  // namespace detent::sim
