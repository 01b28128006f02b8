// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/threads.h"

#include <mutex>
#include <thread>
#include <utility>

#include "detent/runtime/errors.h"
#include "detent/runtime/exception_context.h"
#include "detent/runtime/internal/inbox.h"
#include "detent/runtime/task.h"

namespace detent::internal {
namespace {

class EpollThread final : public ThreadLoop {
 public:
  EpollThread(EventLoop& starter, RunLoop run, std::shared_ptr<ThreadMain> main, const LoopOptions& options,
              ThreadObserver& observer)
      : starter_(starter),
        run_(run),
        starters_inbox_(starter.inbox()),
        main_(std::move(main)),
        options_(options),
        observer_(std::make_shared<ThreadObserver*>(&observer)),
        thread_([this] { RunThread(); }) {}
  ~EpollThread() override {
    *observer_ = nullptr;
    CancelMain();
    thread_.join();
  }

  void CancelMain() override {
    const std::lock_guard<std::mutex> held(mutex_);
    is_cancelled_ = true;
    // Once its loop is closed it is dropped.
    if (inbox_ == nullptr) return;
    inbox_->Add([this] {
      if (task_) task_.Cancel();
    });
  }

 private:
  // While it lives, on the loop's thread, the main task can be cancelled from outside.
  class Listed {
   public:
    explicit Listed(EpollThread& thread) : thread_(thread) {
      const std::lock_guard<std::mutex> held(thread_.mutex_);
      thread_.task_ = CurrentTask();
      thread_.inbox_ = EventLoop::Current().inbox();
      if (thread_.is_cancelled_) thread_.task_.Cancel();
    }
    Listed(const Listed&) = delete;
    Listed& operator=(const Listed&) = delete;
    ~Listed() {
      const std::lock_guard<std::mutex> held(thread_.mutex_);
      thread_.inbox_ = nullptr;
      thread_.task_ = AnyTask();
    }

   private:
    EpollThread& thread_;
  };

  void RunThread() {
    std::exception_ptr error;
    try {
      run_([this] { return Main(); }, options_);
    } catch (...) {
      error = std::current_exception();
    }
    // The loop is gone. What it posted before comes before.
    starters_inbox_->Add([observer = observer_, error = std::move(error)]() mutable {
      if (*observer != nullptr) (*observer)->OnEnded(std::move(error));
    });
  }
  Coro<> Main() {
    EventLoop::Current().SetExceptionHandler([this](const ExceptionContext& report) { ForwardReport(report); });
    const Listed listed(*this);
    co_await main_->Start();
  }
  void ForwardReport(const ExceptionContext& report) {
    const bool is_open = starters_inbox_->Add([this, report] { starter_.CallExceptionHandler(report); });
    if (!is_open) WriteToStandardError(report);
  }

  EventLoop& starter_;
  const RunLoop run_;
  const std::shared_ptr<Inbox> starters_inbox_;
  const std::shared_ptr<ThreadMain> main_;
  const LoopOptions options_;
  const std::shared_ptr<ThreadObserver*> observer_;  // What it points to is the starter's; null once that is gone.
  std::mutex mutex_;
  bool is_cancelled_ = false;
  std::shared_ptr<Inbox> inbox_;  // While the main task runs.
  AnyTask task_;                  // Only on the loop's own thread.
  std::thread thread_;            // Last: it uses the others.
};

class EpollThreads final : public Threads {
 public:
  EpollThreads(EventLoop& loop, RunLoop run) : loop_(loop), run_(run) {}
  std::unique_ptr<ThreadLoop> Start(std::shared_ptr<ThreadMain> main, const LoopOptions& options,
                                    ThreadObserver& observer) override {
    return std::make_unique<EpollThread>(loop_, run_, std::move(main), options, observer);
  }

 private:
  EventLoop& loop_;
  const RunLoop run_;
};

}  // namespace

std::unique_ptr<Threads> MakeEpollThreads(EventLoop& loop, RunLoop run) {
  return std::make_unique<EpollThreads>(loop, run);
}

}  // namespace detent::internal
