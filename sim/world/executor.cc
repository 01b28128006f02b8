// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/executor.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/choice_kind.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/callback.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/sim/world/choices.h"

namespace detent::sim {
namespace {

// What a callback runs for RunInExecutor().
class ExecutorFunction {
 public:
  static constexpr char kStep[] = "function in the executor";

  explicit ExecutorFunction(absl::AnyInvocable<void()> function) : function_(std::move(function)) {}
  void operator()() { function_(); }

 private:
  absl::AnyInvocable<void()> function_;
};

// Deletes itself when it has come, or will not.
class Job final : public Arrival {
 public:
  Job(const internal::LoopCore& core, uint64_t stream, internal::Ref<internal::Callback> callback)
      : core_(core), stream_(stream), callback_(std::move(callback)) {}

  void Arrive() override {
    const std::unique_ptr<Job> self(this);
    callback_->Schedule();
  }
  void Drop() override { delete this; }
  const internal::Home* home() const override { return callback_->home(); }
  uint64_t Stream() const override { return stream_; }
  std::string Describe() const override {
    const internal::TaskState* task = internal::FindTask(core_, callback_->lane().source());
    return task == nullptr ? "a function in the executor"
                           : absl::StrCat("the function of ", task->name(), " in the executor");
  }

 private:
  const internal::LoopCore& core_;
  const uint64_t stream_;
  const internal::Ref<internal::Callback> callback_;
};

}  // namespace

void StartInExecutor(EventLoop& loop, Arrivals& arrivals, absl::AnyInvocable<void()> function,
                     std::source_location where) {
  internal::LoopCore& core = loop.core();
  internal::NoteUnknownAccess(core);
  const uint64_t stream = loop.NewStream("executor");
  const uint32_t delay =
      ChooseDoublings(loop, ChoiceKind::kExecutor, stream, Calm::kAtOnce, [] { return "a function in the executor"; });
  internal::Ref<internal::Callback> callback(
      internal::MakeCallback(core, ExecutorFunction(std::move(function)), where));
  auto job = std::make_unique<Job>(core, stream, std::move(callback));
  if (delay == 0) return job.release()->Arrive();
  arrivals.Add(*job, core.now + kDelay * (1 << delay), Range(core.now, core.now + kDelayMax));
  (void)job.release();  // It deletes itself.
}

}  // namespace detent::sim
