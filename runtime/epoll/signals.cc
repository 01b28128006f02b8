// SPDX-License-Identifier: Apache-2.0
//
// Invariants.
//   1. What the handler touches are atomics and the receivers in the list. A receiver leaves the list before it goes,
//      and goes when no handler runs any more, on any thread.
//   2. Everything else is changed under the mutex, which the handler never takes.
//   3. A child that fork() made shares the eventfds with its parent. The handler knows it by its pid, writes nothing
//      there, and lets the signal do what it did before.
#include "detent/runtime/epoll/signals.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <span>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/describe_tasks.h"
#include "detent/runtime/io/internal/signal_numbers.h"

namespace detent::internal {
namespace {

// What the handler tells of signals: one for each loop that takes any.
class Receiver {
 public:
  explicit Receiver(int event_fd) : fd(event_fd) {}

  const int fd;
  const pthread_t thread = pthread_self();  // The loop's.
  const pid_t owner = getpid();
  std::atomic<uint64_t> wanted{0};
  std::atomic<uint64_t> came{0};
  std::atomic<Receiver*> next{nullptr};
};

class Registry {
 public:
  static Registry& Get() {
    static Registry* const registry = new Registry();  // Handlers may run until the very end.
    return *registry;
  }

  void Add(Receiver* receiver) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (pid_.exchange(getpid()) != getpid()) Begin();
    receiver->next = first_.load();
    first_ = receiver;
  }
  void Remove(Receiver* receiver) {
    if (receiver->owner != getpid()) return;  // The parent's; it is in no list here, or in one that nobody reads.
    const std::lock_guard<std::mutex> lock(mutex_);
    std::atomic<Receiver*>* link = &first_;
    while (*link != receiver) link = &link->load()->next;
    *link = receiver->next.load();
    while (running_ > 0) std::this_thread::yield();
  }

  // Throws std::system_error, and changes nothing then.
  void Take(Receiver& receiver, uint64_t signals, SignalSource::Purpose purpose);
  void LetGo(Receiver& receiver, uint64_t signals, uint64_t untaken);

 private:
  class Slot {
   public:
    int users = 0;
    struct sigaction previous = {};
  };

  // In a new process, the first or a child of fork(): who took signals before is the parent's.
  void Begin() {
    first_ = nullptr;
    for (int signal = 1; signal <= kSignalMax; ++signal) {
      if (slots_[signal].users > 0) Restore(signal);
      slots_[signal] = Slot();
    }
    stop_signals_ = dump_signals_ = 0;
    stop_came_ = false;
  }
  static void Handle(int signal, siginfo_t* info, void* context);
  void OnSignal(int signal, const siginfo_t& info);
  void AskThread(pthread_t thread, int signal);
  void Restore(int signal);

  std::mutex mutex_;
  Slot slots_[kSignalMax + 1];
  std::atomic<Receiver*> first_{nullptr};
  std::atomic<int> running_{0};  // Handlers, on all threads.
  std::atomic<uint64_t> stop_signals_{0};
  std::atomic<uint64_t> dump_signals_{0};
  std::atomic<bool> stop_came_{false};
  std::atomic<pid_t> pid_{0};
};

void Registry::Handle(int signal, siginfo_t* info, void*) {
  const int saved_errno = errno;
  Get().OnSignal(signal, *info);
  errno = saved_errno;
}

// The step that this thread runs, if it runs one.
void WriteRunningStep() {
  char text[256] = "detent: ";
  constexpr size_t kPrefix = sizeof("detent: ") - 1;
  const size_t size = DescribeRunningStep(std::span(text).subspan(kPrefix));
  if (size == 0) return;
  text[kPrefix + size - 1] = '\n';  // Where it ends already, unless it was too long.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, kPrefix + size);
}

// The system gives a signal to any thread, and only the loop's own knows what it runs.
void Registry::AskThread(pthread_t thread, int signal) {
  if (pthread_equal(thread, pthread_self()) != 0) return WriteRunningStep();
  pthread_sigqueue(thread, signal, {.sival_ptr = this});
}

// Runs between any two instructions of the program: only what POSIX allows there.
void Registry::OnSignal(int signal, const siginfo_t& info) {
  if (getpid() != pid_) {
    sigaction(signal, &slots_[signal].previous, nullptr);
    raise(signal);  // Once this returns.
    return;
  }
  const uint64_t bit = BitOfSignal(signal);
  if (info.si_code == SI_QUEUE && info.si_value.sival_ptr == this) return WriteRunningStep();
  if ((stop_signals_ & bit) != 0 && stop_came_.exchange(true)) {
    std::signal(signal, SIG_DFL);
    raise(signal);
    return;
  }
  ++running_;
  for (Receiver* each = first_; each != nullptr; each = each->next) {
    if ((each->wanted & bit) == 0) continue;
    each->came |= bit;
    if ((dump_signals_ & bit) != 0) AskThread(each->thread, signal);
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(each->fd, &one, sizeof(one));
  }
  --running_;
}

void Registry::Take(Receiver& receiver, uint64_t signals, SignalSource::Purpose purpose) {
  const std::lock_guard<std::mutex> lock(mutex_);
  receiver.wanted |= signals;
  for (int signal = 1; signal <= kSignalMax; ++signal) {
    const uint64_t bit = BitOfSignal(signal);
    if ((signals & bit) == 0) continue;
    Slot& slot = slots_[signal];
    if (slot.users == 0) {
      struct sigaction action = {};
      action.sa_sigaction = &Registry::Handle;
      action.sa_flags = SA_RESTART | SA_SIGINFO;
      if (sigaction(signal, &action, &slot.previous) != 0) {
        const int error = errno;
        receiver.wanted &= ~bit;
        throw std::system_error(error, std::generic_category(), absl::StrCat("take ", SignalName(signal)));
      }
    }
    ++slot.users;
    if (purpose == SignalSource::Purpose::kStop) stop_signals_ |= bit;
    if (purpose == SignalSource::Purpose::kDump) dump_signals_ |= bit;
  }
}

void Registry::LetGo(Receiver& receiver, uint64_t signals, uint64_t untaken) {
  uint64_t again = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (receiver.owner != getpid()) return;
    receiver.wanted &= ~signals;
    const uint64_t unseen = receiver.came.fetch_and(~signals);
    for (int signal = 1; signal <= kSignalMax; ++signal) {
      const uint64_t bit = BitOfSignal(signal);
      Slot& slot = slots_[signal];
      if ((signals & bit) == 0 || --slot.users > 0) continue;
      Restore(signal);
      stop_signals_ &= ~bit;
      dump_signals_ &= ~bit;
      again |= (unseen | untaken) & bit;
    }
    if (stop_signals_ == 0) stop_came_ = false;
  }
  for (int signal = 1; signal <= kSignalMax; ++signal) {
    if ((again & BitOfSignal(signal)) != 0) raise(signal);
  }
}

// Somebody may have put up a handler of his own since.
void Registry::Restore(int signal) {
  struct sigaction current = {};
  if (sigaction(signal, nullptr, &current) == 0 && current.sa_sigaction == &Registry::Handle) {
    sigaction(signal, &slots_[signal].previous, nullptr);
  }
}

class EpollSignals final : public SignalSource, private DescriptorObserver {
 public:
  EpollSignals(Epoll& epoll, LoopCore& core) : SignalSource(core), epoll_(epoll) {}
  ~EpollSignals() override { UnsubscribeAll(); }

  void Raise(int signal) override {
    if (kill(getpid(), signal) != 0) {
      throw std::system_error(errno, std::generic_category(), absl::StrCat("raise ", SignalName(signal)));
    }
  }
  void Die(int signal) override { DieBySignal(signal); }

 private:
  void Start(uint64_t signals, Purpose purpose) override;
  void Stop(uint64_t signals, uint64_t untaken) override;
  void OnEvents(uint32_t events) override;
  void DropReceiver();

  Epoll& epoll_;
  std::unique_ptr<Receiver> receiver_;  // While there is something to receive.
};

void EpollSignals::Start(uint64_t signals, Purpose purpose) {
  if (signals == 0) return;
  if (receiver_ == nullptr) {
    const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "take a signal: eventfd");
    try {
      receiver_ = std::make_unique<Receiver>(fd);
      epoll_.Add(fd, this);
    } catch (...) {
      receiver_ = nullptr;
      close(fd);
      throw;
    }
    Registry::Get().Add(receiver_.get());
  }
  try {
    Registry::Get().Take(*receiver_, signals, purpose);
  } catch (...) {
    if (receiver_->wanted == 0) DropReceiver();
    throw;
  }
}

void EpollSignals::Stop(uint64_t signals, uint64_t untaken) {
  if (signals == 0) return;
  Registry::Get().LetGo(*receiver_, signals, untaken);
  if (receiver_->wanted == 0) DropReceiver();
}

void EpollSignals::DropReceiver() {
  Registry::Get().Remove(receiver_.get());
  epoll_.Remove(receiver_->fd, this);
  close(receiver_->fd);
  receiver_ = nullptr;
}

// The eventfd is never read: each write is an edge.
void EpollSignals::OnEvents(uint32_t) {
  const uint64_t came = receiver_->came.exchange(0);
  for (int signal = 1; signal <= kSignalMax; ++signal) {
    if ((came & BitOfSignal(signal)) != 0) Tell(signal);
  }
}

}  // namespace

std::unique_ptr<SignalSource> MakeEpollSignals(Epoll& epoll, LoopCore& core) {
  return std::make_unique<EpollSignals>(epoll, core);
}

void DieBySignal(int signal) {
  std::signal(signal, SIG_DFL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  raise(signal);
  std::_Exit(128 + signal);  // It does not end a process by itself, or this is the first of a container.
}

}  // namespace detent::internal
