// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/internal/signal_handlers.h"

#include <source_location>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/callback.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/io/internal/signal_numbers.h"

namespace detent::internal {

// Kept by its callback, if one is ready: it may remove itself while it runs.
class SignalHandlers::Handler final : public SignalObserver, public std::enable_shared_from_this<Handler> {
 public:
  Handler(LoopCore& core, int signal, absl::AnyInvocable<void()> function) : core_(core), signal_(signal) {
    Replace(std::move(function));
  }

  void Replace(absl::AnyInvocable<void()> function) {
    function_ = std::make_shared<absl::AnyInvocable<void()>>(std::move(function));
    source_ = RunningSource(core_);
    context_ = RunningContext(core_);
  }
  void OnSignal(int) override {
    if (std::exchange(is_due_, true)) return;
    const Ref<Callback> callback(MakeCallback(core_, Due(shared_from_this()), std::source_location()));
    callback->SetMaker(source_, context_);
    callback->Schedule();
  }
  // It is called no more.
  void Remove() {
    removed_ = true;
    SignalSource::Unsubscribe(*this, is_due_ ? BitOfSignal(signal_) : 0);
  }

 private:
  // What a callback runs.
  class Due {
   public:
    static constexpr char kStep[] = "signal handler";

    explicit Due(std::shared_ptr<Handler> handler) : handler_(std::move(handler)) {}
    void operator()() {
      if (handler_->removed_) return;
      handler_->is_due_ = false;
      const auto function = handler_->function_;  // It may replace or remove itself.
      (*function)();
    }

   private:
    std::shared_ptr<Handler> handler_;
  };

  LoopCore& core_;
  const int signal_;
  std::shared_ptr<absl::AnyInvocable<void()>> function_;
  uint64_t source_ = 0;
  ContextRef context_;
  bool is_due_ = false;
  bool removed_ = false;
};

SignalHandlers::~SignalHandlers() {
  for (const auto& [signal, handler] : handlers_) handler->Remove();
}

bool SignalHandlers::Set(int signal, absl::AnyInvocable<void()> function) {
  source_.core().CheckThread("AddSignalHandler()");
  RequireTakableSignal(signal);
  const auto found = handlers_.find(signal);
  if (found != handlers_.end()) {
    if (function) {
      found->second->Replace(std::move(function));
    } else {
      found->second->Remove();
      handlers_.erase(found);
    }
    return true;
  }
  if (!function) return false;
  auto handler = std::make_shared<Handler>(source_.core(), signal, std::move(function));
  source_.Subscribe(*handler, BitOfSignal(signal));
  handlers_.emplace(signal, std::move(handler));
  return false;
}

}  // namespace detent::internal
