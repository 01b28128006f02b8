// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/left_callbacks.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/callback.h"
#include "detent/runtime/internal/done_callback.h"
#include "detent/runtime/internal/source_text.h"
#include "detent/runtime/internal/step_text.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/sim/sim_loop.h"

namespace detent_testing::internal {
namespace {

using detent::internal::Callback;
using detent::internal::DoneCallback;
using detent::internal::Runnable;
using detent::internal::Step;

// What is ready and is no task.
std::vector<Runnable*> ReadyRunnables() {
  std::vector<Runnable*> runnables;
  const auto visit = [&](Step step) {
    if (step && !step.IsTask()) runnables.push_back(step.runnable());
  };
  const detent::internal::LoopCore& core = *detent::internal::CurrentCore();
  if (const auto* simulated = dynamic_cast<const detent::sim::SimLoop*>(&core.owner())) simulated->VisitReady(visit);
  const detent::internal::ReadyQueue& ready = core.ready;
  for (size_t i = 0; i < ready.size(); ++i) visit(ready.Peek(i));
  return runnables;
}

}  // namespace

std::string DescribeLeftCallbacks() {
  const std::vector<Runnable*> ready = ReadyRunnables();
  if (ready.empty()) return "";
  const detent::internal::LoopCore& core = *detent::internal::CurrentCore();
  const auto own = detent::internal::Lane::OfCallbacks(detent::internal::RunningSource(core));
  std::vector<std::string> places;
  for (const Runnable* runnable : ready) {
    if (dynamic_cast<const Callback*>(runnable) == nullptr || runnable->lane() != own) continue;
    detent::internal::StepText text;
    runnable->DescribeStep(text);
    if (text.where.line() != 0) places.push_back(detent::internal::SourceText(text.where));
  }
  if (places.empty()) return "";
  return absl::StrCat("the body has returned before ",
                      places.size() == 1 ? "a callback that it called" : "callbacks that it called", " for had run (",
                      absl::StrJoin(places, ", "),
                      "): if it uses the body's variables, they are gone; await what it does, or Cancel() its handle");
}

void DropReadyCallbacks() {
  detent::internal::LoopCore& core = *detent::internal::CurrentCore();
  std::vector<Callback*> callbacks;
  std::vector<DoneCallback*> done_callbacks;
  for (Runnable* runnable : ReadyRunnables()) {
    if (auto* callback = dynamic_cast<Callback*>(runnable)) {
      callback->AddReference();  // What another one holds may cancel it when it goes.
      callbacks.push_back(callback);
    } else if (auto* done = dynamic_cast<DoneCallback*>(runnable)) {
      done_callbacks.push_back(done);
    }
  }
  for (DoneCallback* callback : done_callbacks) {
    core.Forget(callback);
    callback->Discard();
  }
  for (Callback* callback : callbacks) {
    callback->Cancel();
    callback->DropReference();
  }
}

}  // namespace detent_testing::internal
