// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/threads.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/choice_kind.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/gather.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/callback.h"
#include "detent/runtime/internal/home.h"
#include "detent/runtime/internal/inbox.h"
#include "detent/runtime/internal/step_text.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/io/internal/outside.h"
#include "detent/runtime/task.h"
#include "detent/sim/world/choices.h"
#include "detent/sim/world/executor.h"
#include "detent/sim/world/signals.h"
#include "detent/sim/world/stream_hash.h"

namespace detent::sim {
namespace {

using internal::LoopCore;

// A context that has nothing but a home.
internal::ContextRef ContextOf(const internal::Home* home) {
  internal::ContextRef context;
  if (home != nullptr) context.SetHome(home);
  return context;
}

// What wakes one of the loops for what others left in its inbox.
class Mail final : public internal::Waker, public Arrival {
 public:
  Mail(EventLoop& loop, Arrivals& arrivals, const internal::Home* home, absl::AnyInvocable<void()> drain)
      : core_(loop.core()),
        arrivals_(arrivals),
        home_(home),
        source_(core_.next_task_id++),
        stream_(loop.NewStream("mail")),
        drain_(std::move(drain)) {}

  void WakeUp() override {
    if (core_.tearing_down || IsExpected() || is_held_) return;
    internal::NoteUnknownAccess(core_);
    // What a program does between two runs is on no tape.
    const bool in_run = internal::CurrentCore() == &core_;
    const uint32_t doublings = in_run ? ChooseDoublings(core_.owner(), ChoiceKind::kLatency, stream_, Calm::kDelays,
                                                        [this] { return Describe(); })
                                      : 0;
    ++wake_ups_;
    arrivals_.Add(*this, core_.now + kDelay * (1 << doublings), Range(core_.now, core_.now + kDelayMax));
  }
  void Arrive() override {
    const internal::CallbackScope scope(core_, source_, ContextOf(home_));
    drain_();
  }
  void Drop() override {}
  std::string Describe() const override { return absl::StrCat("the wake-up of ", name_); }
  uint64_t Stream() const override { return HashOf(stream_, wake_ups_); }

  // While so, whoever leaves something takes it out himself.
  void Hold(bool is_held) { is_held_ = is_held; }
  void SetName(std::string name) { name_ = std::move(name); }
  void Forget() {
    if (IsExpected()) arrivals_.Remove(*this);
  }

 private:
  LoopCore& core_;
  Arrivals& arrivals_;
  const internal::Home* const home_;
  const uint64_t source_;  // A number of its own: letters of different loops are a choice.
  const uint64_t stream_;
  uint64_t wake_ups_ = 0;
  absl::AnyInvocable<void()> drain_;
  std::string name_ = "the loop that waits";
  bool is_held_ = false;
};

// One of the loops, as its tasks see it.
class ThreadHome final : public EventLoop, private internal::FutureObserver, private internal::Runnable {
 public:
  ThreadHome(EventLoop& starter, Arrivals& arrivals, int number, std::shared_ptr<internal::ThreadMain> main,
             internal::ThreadObserver& observer)
      : EventLoop(starter.core()),
        starter_(starter),
        arrivals_(arrivals),
        home_(this, internal::NextRunNumber()),
        mail_(std::make_shared<Mail>(*this, arrivals, &home_, [this] { DrainInbox(); })),
        main_(std::move(main)),
        observer_(&observer) {
    mail_->SetName(absl::StrCat("loop ", number, " of OnThreads()"));
    inbox()->SetWaker(mail_);
    SeedRandom(starter.Random().Next());
    inbox()->Add([this] { Begin(); });
  }

  void CancelMain() {
    inbox()->Add([this] {
      if (task_) task_.Cancel();
    });
  }
  // Its handle goes: nobody waits for it any more. What is ready is destroyed in its step.
  void Leave() {
    observer_ = nullptr;
    if (home_.has_ended || core().tearing_down) return;
    const internal::Home* const outer = core().home();
    core().EnterHome(&home_);
    Close(/*report=*/false);
    core().EnterHome(outer);
  }
  // After the tasks were destroyed.
  void Dismiss() {
    observer_ = nullptr;
    inbox()->Close();
    mail_->Forget();
    LetGo();
    core().EnterHome(&home_);
    locals().Clear();
    core().EnterHome(nullptr);
  }

  absl::Time WallTime() const override { return starter_.WallTime(); }
  internal::Outside& outside() override { return starter_.outside(); }
  uint32_t ChooseFor(ChoiceKind kind, uint32_t n) override { return starter_.ChooseFor(kind, n); }
  bool DrawFault(std::string_view name, double probability) override { return starter_.DrawFault(name, probability); }
  uint32_t ChooseInWorld(ChoiceKind kind, uint64_t stream, uint32_t n,
                         absl::FunctionRef<std::string()> words) override {
    return starter_.ChooseInWorld(kind, stream, n, words);
  }
  bool DrawOdd(const std::source_location& where) override { return starter_.DrawOdd(where); }
  bool DrawFaultInWorld(uint64_t stream, std::string_view name, double probability) override {
    return starter_.DrawFaultInWorld(stream, name, probability);
  }
  uint64_t NewStream(std::string_view kind) override { return starter_.NewStream(kind); }
  void ForgetReady(internal::Runnable* runnable) override { starter_.ForgetReady(runnable); }
  void OnTurn() override { starter_.OnTurn(); }
  // Unless the program sets a handler.
  void CallExceptionHandler(const ExceptionContext& context) override {
    HasExceptionHandler() ? EventLoop::CallExceptionHandler(context) : starter_.CallExceptionHandler(context);
  }

 private:
  enum class Stage : uint8_t { kRuns, kCancelsOthers, kLastTrip, kEnds };

  // It runs as long as the other does.
  void RunUntilStopped() override {}
  void RunIteration(absl::Duration) override {}
  LoopTime ReadClock() const override { return core().now; }
  bool RunsJobsItself() const override { return true; }
  bool LeavesOutCancelledJob() override { return ChooseFor(ChoiceKind::kExecutor, 2) == 1; }
  void StartJob(absl::AnyInvocable<void()> job, std::source_location where) override {
    StartInExecutor(
        *this, arrivals_,
        [this, job = std::move(job)]() mutable {
          mail_->Hold(true);
          job();
          mail_->Hold(false);
          DrainInbox();
        },
        where);
  }
  bool SetSignalHandler(int signal, absl::AnyInvocable<void()> handler) override {
    return sim::SetSignalHandler(outside(), signal, std::move(handler));
  }

  void Begin() {
    task_ = Spawn([](std::shared_ptr<internal::ThreadMain> main) -> Coro<> { co_await main->Start(); }, main_);
    task_id_ = task_.task_state().id();
    task_.state().Observe(this);
  }
  void OnDone(internal::FutureState&) noexcept override { core().ready.Push(this); }
  internal::Lane lane() const override { return internal::Lane::OfTask(task_id_); }
  const internal::Home* home() const override { return &home_; }
  void DescribeStep(internal::StepText& text) const override { text.what = "end of a loop of OnThreads()"; }
  // As detent::Run(): cancels what is left, and gives it two trips more.
  void Run() override {
    switch (stage_) {
      case Stage::kRuns:
        NoteEnd();
        stage_ = Stage::kCancelsOthers;
        others_ = AllTasks();
        for (const AnyTask& task : others_) task.Cancel();
        if (!others_.empty()) {
          all_ = GatherSettled(others_);
          return all_.state().Observe(this);
        }
        [[fallthrough]];
      case Stage::kCancelsOthers:
        for (const AnyTask& task : others_) ReportFailedAtEnd(task);
        others_.clear();
        stage_ = Stage::kLastTrip;
        return core().ready.Push(this);
      case Stage::kLastTrip:
        stage_ = Stage::kEnds;
        return core().ready.Push(this);
      case Stage::kEnds:
        return Close(/*report=*/true);
    }
  }
  void LetGo() {
    if (task_) task_.state().StopObserving(this);
    if (all_) all_.state().StopObserving(this);
    task_ = AnyTask();
    all_ = AnyFuture();
    others_.clear();
    main_ = nullptr;
  }
  void NoteEnd() {
    internal::FutureState& state = task_.state();
    if (state.status() == internal::Status::kError) error_ = state.Error();
    if (state.status() == internal::Status::kCancelled) error_ = std::make_exception_ptr(CancelledError());
  }
  // REQUIRES: the core has entered this home.
  void Close(bool report) {
    LetGo();
    if (IsReady()) core().Forget(this);
    inbox()->Close();
    mail_->Forget();
    // Those that are ready go when their step comes: nothing else takes them out.
    internal::TaskState* const running = std::exchange(core().current_task, nullptr);
    std::vector<AnyTask> left = AllTasks();
    for (auto task = left.rbegin(); task != left.rend(); ++task) {
      internal::TaskState& state = task->task_state();
      const bool is_ready = state.wait() == nullptr || state.wait()->IsDone();
      if (!state.IsDone() && !is_ready) DestroyPending(state, report);
    }
    core().current_task = running;
    locals().Clear();
    home_.has_ended = true;
    if (observer_ == nullptr) return;
    starter_.inbox()->Add([this] {
      if (observer_ != nullptr) observer_->OnEnded(error_);
    });
  }

  EventLoop& starter_;
  Arrivals& arrivals_;
  internal::Home home_;
  const std::shared_ptr<Mail> mail_;
  std::shared_ptr<internal::ThreadMain> main_;  // Until it has ended.
  internal::ThreadObserver* observer_;          // Null once nobody waits.
  Stage stage_ = Stage::kRuns;
  AnyTask task_;
  uint64_t task_id_ = 0;
  std::vector<AnyTask> others_;
  AnyFuture all_;
  std::exception_ptr error_;
};

class Handle final : public internal::ThreadLoop {
 public:
  explicit Handle(ThreadHome& home) : home_(home) {}
  ~Handle() override { home_.Leave(); }
  void CancelMain() override { home_.CancelMain(); }

 private:
  ThreadHome& home_;
};

class Homes final : public SimThreads {
 public:
  Homes(EventLoop& loop, absl::AnyInvocable<void()> drain, Arrivals& arrivals, Interruptions& interruptions)
      : loop_(loop), arrivals_(arrivals), mail_(std::make_shared<Mail>(loop, arrivals, nullptr, std::move(drain))) {
    loop_.inbox()->SetWaker(mail_);
    loop_.core().SetHasHomes(true);
    interruptions.LookFromNowOn();
  }
  ~Homes() override {
    Homes::Discard();
    loop_.inbox()->SetWaker(nullptr);
    std::vector<internal::Inbox::Function> dropped;
    loop_.inbox()->TakeAll(dropped);
    loop_.core().SetHasHomes(false);
  }

  std::unique_ptr<internal::ThreadLoop> Start(std::shared_ptr<internal::ThreadMain> main, const LoopOptions&,
                                              internal::ThreadObserver& observer) override {
    const int number = static_cast<int>(homes_.size());
    homes_.push_back(std::make_unique<ThreadHome>(starter(), arrivals_, number, std::move(main), observer));
    return std::make_unique<Handle>(*homes_.back());
  }
  void Discard() override {
    for (const auto& home : homes_) home->Dismiss();
    mail_->Forget();
  }

 private:
  // Whose step runs: one of them, perhaps.
  EventLoop& starter() const { return EventLoop::Current(); }

  EventLoop& loop_;
  Arrivals& arrivals_;
  const std::shared_ptr<Mail> mail_;
  std::vector<std::unique_ptr<ThreadHome>> homes_;  // They stay: somebody may have a handle of one that has ended.
};

}  // namespace

bool EnterHomeOf(LoopCore& core, internal::Step step) {
  const internal::Home* const home = step.IsTask() ? step.task()->home() : step.runnable()->home();
  core.EnterHome(home);
  if (home == nullptr || !home->has_ended) return true;
  if (step.IsTask()) {
    const AnyTask keep(step.task());
    step.task()->Abandon();
  } else {
    step.runnable()->Discard();
  }
  return false;
}

std::unique_ptr<SimThreads> MakeSimThreads(EventLoop& loop, absl::AnyInvocable<void()> drain, Arrivals& arrivals,
                                           Interruptions& interruptions) {
  return std::make_unique<Homes>(loop, std::move(drain), arrivals, interruptions);
}

}  // namespace detent::sim
