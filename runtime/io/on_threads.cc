// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/on_threads.h"

#include <exception>
#include <stdexcept>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/event.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/io/internal/outside.h"
#include "detent/runtime/outcome.h"
#include "detent/runtime/task_group.h"

namespace detent::internal {
namespace {

class NumberedMain final : public ThreadMain {
 public:
  NumberedMain(std::shared_ptr<ThreadFunction> function, int index) : function_(std::move(function)), index_(index) {}
  Coro<> Start() override { return function_->Call(index_); }

 private:
  const std::shared_ptr<ThreadFunction> function_;
  const int index_;
};

class EndOfThread final : public ThreadObserver {
 public:
  void OnEnded(std::exception_ptr error) noexcept override {
    error_ = std::move(error);
    ended_.Set();
  }
  bool HasCome() const { return ended_.IsSet(); }
  auto Wait() { return ended_.Wait(); }
  const std::exception_ptr& error() const { return error_; }

 private:
  Event ended_;
  std::exception_ptr error_;
};

// `*uncancelled` counts those that ended otherwise than cancelled.
Coro<> AwaitThread(std::shared_ptr<ThreadFunction> function, int index, LoopOptions options, int* uncancelled) {
  EndOfThread end;
  const std::unique_ptr<ThreadLoop> loop =
      RequireCore("OnThreads()")
          .owner()
          .outside()
          .threads()
          .Start(std::make_shared<NumberedMain>(std::move(function), index), options, end);
  while (!end.HasCome()) {
    const auto outcome = co_await Catch(end.Wait());
    if (outcome.cancelled()) loop->CancelMain();
  }
  ++*uncancelled;
  if (end.error() == nullptr) co_return;
  try {
    std::rethrow_exception(end.error());
  } catch (const CancelledError&) {
    --*uncancelled;
    throw;
  }
}

}  // namespace

void RequireThreads(int count, const char* call) {
  if (count >= 1) return;
  throw std::invalid_argument(absl::StrCat(call, ": ", count, " threads; the number of event loops must be 1 or more"));
}

Coro<> AwaitThreads(int count, std::shared_ptr<ThreadFunction> function, LoopOptions options) {
  int uncancelled = 0;
  const auto body = [&](TaskGroup& group) -> Coro<> {
    for (int i = 0; i < count; ++i) {
      const std::string name = absl::StrCat("thread-", i);
      group.Spawn(AwaitThread(function, i, options, &uncancelled), {.name = name});
    }
    co_return;
  };
  Outcome<> outcome = co_await Catch(TaskGroup::Run(body));
  // As an await of a task that goes on in spite of a cancellation.
  if (outcome.ok() || (outcome.cancelled() && uncancelled == count)) co_return;
  const ExceptionGroup* const group = outcome.cancelled() ? nullptr : GroupIn(outcome.exception());
  if (group == nullptr) co_return co_await Propagate(std::move(outcome));
  const std::vector<std::exception_ptr>& errors = group->Exceptions();
  for (size_t i = 1; i < errors.size(); ++i) {
    ReportHere(ExceptionContext("a loop of OnThreads() failed, besides the first", errors[i]));
  }
  std::rethrow_exception(errors.front());
}

}  // namespace detent::internal
