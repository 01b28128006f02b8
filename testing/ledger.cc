// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/ledger.h"

#include <coroutine>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "detent/runtime/internal/callback.h"
#include "detent/runtime/internal/future_state.h"
#include "detent/runtime/internal/open_socket.h"
#include "detent/runtime/internal/promise.h"
#include "detent/runtime/internal/source_text.h"
#include "detent/runtime/internal/step_text.h"
#include "detent/runtime/internal/timer_heap.h"

namespace detent_testing::internal {
namespace {

using detent::internal::Callback;
using detent::internal::FutureState;
using detent::internal::OpenSocket;
using detent::internal::PoolCensus;
using detent::internal::PoolUse;
using detent::internal::PromiseBase;
using detent::internal::StepText;
using detent::internal::Timer;
using detent::internal::TimerHeap;

std::string Describe(const OpenSocket& socket) {
  return absl::StrCat(socket.DescribeSocket(), ", opened at ", detent::internal::SourceText(socket.opened_at));
}

std::string Describe(const FutureState& state) {
  const std::source_location place = state.MadeAt();
  return absl::StrCat(state.Describe(), place.line() == 0 ? "" : ", made at ",
                      place.line() == 0 ? "" : detent::internal::SourceText(place));
}

std::string Describe(const PromiseBase& coroutine) {
  return absl::StrCat("a coroutine that stands at ", detent::internal::SourceText(coroutine.where()));
}

std::string Describe(const Timer& timer, detent::LoopTime deadline) {
  StepText text;
  text.what = "timer";
  timer.DescribeStep(text);
  return absl::StrCat("a ", text.what, " that is due at ", deadline.ToString(), text.where.line() == 0 ? "" : ", ",
                      text.where.line() == 0 ? "" : detent::internal::SourceText(text.where));
}

}  // namespace

Ledger::Ledger(detent::EventLoop& loop, Blocks blocks)
    : core_(loop.core()),
      references_(core_.references()),
      armed_(core_.timers.armed()),
      fired_(core_.timers.fired()),
      cancelled_(core_.timers.cancelled()),
      pending_(core_.timers.size()) {
  core_.AddReference();
  if (blocks == Blocks::kCounted) census_.emplace();
}

void Ledger::CountTimers() {
  const TimerHeap& heap = core_.timers;
  if (heap.empty() && pending_ + heap.armed() - armed_ == heap.fired() - fired_ + heap.cancelled() - cancelled_)
      [[likely]] {
    return;
  }
  CountEachTimer();
}

void Ledger::CountEachTimer() {
  const TimerHeap& heap = core_.timers;
  size_t pending = 0;
  std::string destroyed;
  heap.VisitPending([&](const Timer* timer, detent::LoopTime deadline, bool is_here) {
    ++pending;
    if (!is_here) {
      absl::StrAppend(&destroyed, destroyed.empty() ? "" : ", ", deadline.ToString());
    } else if (dynamic_cast<const Callback*>(timer) == nullptr) {
      timers_.push_back(Describe(*timer, deadline));
    }
  });
  const size_t armed = pending_ + heap.armed() - armed_;
  const size_t fired = heap.fired() - fired_;
  const size_t cancelled = heap.cancelled() - cancelled_;
  if (!destroyed.empty()) {
    timer_fault_ = absl::StrCat("destroyed while armed, or armed twice: timers that are due at ", destroyed,
                                "; a build with AddressSanitizer says whose they were");
  } else if (armed != fired + cancelled + pending) {
    timer_fault_ = absl::StrCat("the loop has lost a timer: ", armed, " were armed, but ", fired, " fired, ", cancelled,
                                " were cancelled and ", pending, " are pending");
  }
}

void Ledger::Balance(Failure& failure) const {
  if (!census_ && timers_.empty() && timer_fault_.empty() && core_.open_sockets.empty() &&
      core_.references() <= ExpectedReferences()) [[likely]] {
    return;
  }
  DescribeWhatIsLeft(failure);
}

void Ledger::DescribeWhatIsLeft(Failure& failure) const {
  if (!timer_fault_.empty()) failure.Add(kLostTimer, timer_fault_);
  std::vector<std::string> left;
  const detent::internal::List<OpenSocket>& open = core_.open_sockets;
  for (const OpenSocket* socket = open.first(); socket != nullptr; socket = open.Next(socket))
    left.push_back(Describe(*socket));
  if (census_) {
    for (const PoolCensus::Block& block : census_->Left()) {
      if (block.use == PoolUse::kFuture) left.push_back(Describe(*static_cast<const FutureState*>(block.memory)));
      if (block.use == PoolUse::kFrame)
        left.push_back(Describe(std::coroutine_handle<PromiseBase>::from_address(block.memory).promise()));
    }
  }
  if (left.empty() && core_.references() > ExpectedReferences())
    left.push_back(absl::StrCat(core_.references() - ExpectedReferences(), " tasks, futures or sockets"));
  left.insert(left.end(), timers_.begin(), timers_.end());
  if (left.empty()) return;
  failure.Add(kLeftBehind,
              absl::StrCat("left behind at the end of the run, held by something that outlives it (a static "
                           "object, or a cycle of shared_ptr):\n  ",
                           absl::StrJoin(left, "\n  ")));
}

}  // namespace detent_testing::internal
