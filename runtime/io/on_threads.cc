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

Coro<> AwaitThread(std::shared_ptr<ThreadFunction> function, int index, LoopOptions options) {
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
  if (end.error() != nullptr) std::rethrow_exception(end.error());
}

}  // namespace

void RequireThreads(int count, const char* call) {
  if (count >= 1) return;
  throw std::invalid_argument(absl::StrCat(call, ": ", count, " threads; the number of event loops must be 1 or more"));
}

Coro<> AwaitThreads(int count, std::shared_ptr<ThreadFunction> function, LoopOptions options) {
  std::exception_ptr first;
  try {
    co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
      for (int i = 0; i < count; ++i) {
        const std::string name = absl::StrCat("thread-", i);
        group.Spawn(AwaitThread(function, i, options), {.name = name});
      }
      co_return;
    });
  } catch (const ExceptionGroup& group) {
    const std::vector<std::exception_ptr>& errors = group.Exceptions();
    first = errors.front();
    for (size_t i = 1; i < errors.size(); ++i) {
      ReportHere(ExceptionContext("a loop of OnThreads() failed, besides the first", errors[i]));
    }
  }
  if (first != nullptr) std::rethrow_exception(first);
}

}  // namespace detent::internal
