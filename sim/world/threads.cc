// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/threads.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/choice_kind.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/callback.h"
#include "detent/runtime/internal/home.h"
#include "detent/runtime/internal/inbox.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/io/internal/outside.h"
#include "detent/runtime/task.h"
#include "detent/sim/world/choices.h"
#include "detent/sim/world/executor.h"
#include "detent/sim/world/home_loop.h"
#include "detent/sim/world/stream_hash.h"

namespace detent::sim {
namespace {

using internal::LoopCore;

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
class ThreadHome final : public HomeLoop {
 public:
  ThreadHome(EventLoop& starter, Arrivals& arrivals, int number, std::shared_ptr<internal::ThreadMain> main,
             internal::ThreadObserver& observer)
      : HomeLoop(starter, arrivals, internal::Home::Tasks::kItsOwn),
        mail_(std::make_shared<Mail>(*this, arrivals, home(), [this] { DrainInbox(); })),
        thread_main_(std::move(main)),
        observer_(&observer) {
    mail_->SetName(absl::StrCat("loop ", number, " of OnThreads()"));
    inbox()->SetWaker(mail_);
    inbox()->Add([this] { BeginMain(); });
  }

  void CancelMain() {
    inbox()->Add([this] {
      if (main_task()) main_task().Cancel();
    });
  }
  // Its handle goes: nobody waits for it any more. What is ready is destroyed in its step.
  void Leave() {
    observer_ = nullptr;
    if (home()->has_ended || core().tearing_down) return;
    const internal::Home* const outer = core().home();
    core().EnterHome(home());
    Close(/*report=*/false);
    core().EnterHome(outer);
  }
  // After the tasks were destroyed.
  void Dismiss() {
    observer_ = nullptr;
    inbox()->Close();
    mail_->Forget();
    LetGoOfMain();
    const internal::Home* const outer = core().home();
    core().EnterHome(home());
    DiscardJobs();
    locals().Clear();
    core().EnterHome(outer);
    own_home().has_ended = true;
  }

 private:
  void StartJob(absl::AnyInvocable<void()> job, std::source_location where) override {
    StartInExecutor(
        *this, arrivals(),
        [this, job = std::move(job)]() mutable {
          mail_->Hold(true);
          job();
          mail_->Hold(false);
          DrainInbox();
        },
        where);
  }

  void BeginMain() {
    Begin(Spawn([](std::shared_ptr<internal::ThreadMain> main) -> Coro<> { co_await main->Start(); }, thread_main_));
  }
  void OnEnd() override { Close(/*report=*/true); }
  void LetGoOfMain() {
    LetGo();
    thread_main_ = nullptr;
  }
  // REQUIRES: the core has entered this home.
  void Close(bool report) {
    LetGoOfMain();
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
    own_home().has_ended = true;
    if (observer_ == nullptr) return;
    starter().inbox()->Add([this] {
      if (observer_ != nullptr) observer_->OnEnded(error());
    });
  }

  const std::shared_ptr<Mail> mail_;
  std::shared_ptr<internal::ThreadMain> thread_main_;  // Until it has ended.
  internal::ThreadObserver* observer_;                 // Null once nobody waits.
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
      : loop_(loop),
        arrivals_(arrivals),
        mail_(std::make_shared<Mail>(loop, arrivals, loop.core().home(), std::move(drain))) {
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

std::unique_ptr<SimThreads> MakeSimThreads(EventLoop& loop, absl::AnyInvocable<void()> drain, Arrivals& arrivals,
                                           Interruptions& interruptions) {
  return std::make_unique<Homes>(loop, std::move(drain), arrivals, interruptions);
}

}  // namespace detent::sim
