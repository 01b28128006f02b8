// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/host_loop.h"

#include <utility>

#include "detent/runtime/internal/step_text.h"
#include "detent/sim/world/executor.h"
#include "detent/sim/world/stream_hash.h"
#include "detent/sim/world/threads.h"

namespace detent::sim {
namespace {

constexpr size_t kSpawnedMin = 16;

uint64_t PathOf(const std::string& host, size_t boot) { return HashOf(HashOf(HashOf("host"), HashOf(host)), boot); }

Coro<> KeepProgram(std::shared_ptr<HostProgram> program) { co_await program->Call(); }

}  // namespace

// Begins the program, as a step of its own: what that makes is the host's, whoever booted it.
class HostLoop::FirstStep final : public internal::Runnable {
 public:
  explicit FirstStep(HostLoop& loop) : loop_(loop) { loop_.core().ready.Push(this); }
  ~FirstStep() {
    if (IsReady()) loop_.core().Forget(this);
  }
  void Run() override {
    const internal::CallbackScope scope(loop_.core(), loop_.source_, ContextOf(loop_.home()));
    loop_.BeginMain();
  }
  internal::Lane lane() const override { return internal::Lane::OfCallbacks(loop_.source_); }
  const internal::Home* home() const override { return loop_.home(); }
  void DescribeStep(internal::StepText& text) const override { text.what = "boot"; }

 private:
  HostLoop& loop_;
};

HostLoop::HostLoop(const std::string& name, size_t number, const Ground& ground, std::shared_ptr<HostProgram> program,
                   HostParts parts, Observer& observer)
    : HomeLoop(*ground.loop, *ground.arrivals, internal::Home::Tasks::kAwaitedByOthers),
      observer_(observer),
      ground_(ground),
      source_(ground.steps->NewSource(PathOf(name, number))),
      program_(std::move(program)),
      outside_([&] {
        parts.loop = this;
        parts.drain = [this] { DrainInbox(); };
        return MakeHostOutside(ground, std::move(parts));
      }()),
      first_step_(std::make_unique<FirstStep>(*this)) {
  own_home().name = name;
  ground.core().ended_names.Add(source_, name);
}

HostLoop::~HostLoop() = default;

void HostLoop::BeginMain() {
  Task<> main = Spawn(KeepProgram(program_), {.name = "main"});
  main.task_state().set_spawned_at(program_->made_at());
  Begin(std::move(main));
}

void HostLoop::AddSpawned(const AnyTask& task) {
  if (spawned_.size() >= kSpawnedMin && spawned_.size() == spawned_.capacity()) {
    std::erase_if(spawned_, [](const AnyTask& each) { return each.Done(); });
    spawned_.reserve(2 * spawned_.size() + kSpawnedMin);
  }
  spawned_.push_back(task);
}

void HostLoop::StartJob(absl::AnyInvocable<void()> job, std::source_location where) {
  if (IsDead()) return;
  StartInExecutor(
      *this, arrivals(),
      [this, job = std::move(job)]() mutable {
        job();
        DrainInbox();
      },
      where);
}

void HostLoop::StopHome() {
  if (IsDead() || !main_task()) return;
  stopped_ = true;
  main_task().Cancel();
}

bool HostLoop::OnMainEnded() {
  if (error() == nullptr || stopped_) return true;
  observer_.OnFailed(error());
  return false;
}

void HostLoop::OnEnd() { observer_.OnEnded(); }

void HostLoop::DestroySpawned(const AnyTask& task) {
  AddSpawned(task);
  if (std::exchange(destroyed_, false)) Destroy();
}

void HostLoop::Destroy() {
  if (std::exchange(destroyed_, true)) return;
  first_step_ = nullptr;
  std::vector<AnyTask> spawned = std::exchange(spawned_, {});
  DestroyAll(*ground_.steps, [&](internal::TaskState& task) -> std::exception_ptr {
    for (const AnyTask& each : spawned) {
      if (&each.task_state() == &task) return observer_.ErrorOf(task);
    }
    return nullptr;
  });
  if (outside_->threads_if_any() != nullptr) outside_->threads_if_any()->Discard();
  program_ = nullptr;
}

}  // namespace detent::sim
