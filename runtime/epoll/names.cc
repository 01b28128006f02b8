// SPDX-License-Identifier: Apache-2.0
//
// Invariants.
//   1. Each name is asked for once at a time: `asked_` has it from the first who asks until its answer goes out, and
//      whoever asks meanwhile joins.
//   2. A name that waits for a thread, in `queue_`, has somebody who asked; the last who abandons it takes it out.
//   3. A thread knows an asker by inbox and number only: of a loop nothing is touched from here, and what is put into
//      the inbox of a loop that is gone is dropped.
#include "detent/runtime/epoll/names.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/inbox.h"

namespace detent::internal {
namespace {

class EpollNames;

// Blocks; runs on another thread.
NamesFound AskSystem(const std::string& host) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;  // Else each address comes once for each kind of socket.
  addrinfo* found = nullptr;
  const int failure = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (failure != 0) {
    const int error = failure == EAI_SYSTEM ? errno : failure == EAI_AGAIN ? kNameTemporaryFailure : kNameNotFound;
    return NamesFound(error, gai_strerror(failure));
  }
  NamesFound result;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    if (each->ai_family == AF_INET) {
      sockaddr_in v4;
      std::memcpy(&v4, each->ai_addr, sizeof(v4));
      Address::Ipv4Bytes bytes;
      std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
      result.addresses.push_back(Address::Ipv4(bytes, 0));
    } else if (each->ai_family == AF_INET6) {
      sockaddr_in6 v6;
      std::memcpy(&v6, each->ai_addr, sizeof(v6));
      Address::Ipv6Bytes bytes;
      std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
      result.addresses.push_back(Address::Ipv6(bytes, 0, v6.sin6_scope_id));
    }
  }
  freeaddrinfo(found);
  return result;
}

// Who waits for an answer.
class Asker {
 public:
  Asker(EpollNames& its_names, std::shared_ptr<Inbox> its_inbox, uint64_t its_number)
      : names(&its_names), inbox(std::move(its_inbox)), number(its_number) {}

  EpollNames* names;  // Of its loop: touched by functions in the inbox only.
  std::shared_ptr<Inbox> inbox;
  uint64_t number;
};

// The threads of the process that look names up.
class NameThreads {
 public:
  // Never destroyed: a thread may hang in a look-up when the process ends.
  static NameThreads& Get() {
    static NameThreads* const threads = new NameThreads();
    return *threads;
  }

  // Asks for `host`. The number by which the asker abandons that; 0, and the reason, if that is refused: too many wait,
  // or no thread can be had.
  uint64_t Ask(const std::string& host, EpollNames& names, const std::shared_ptr<Inbox>& inbox, NamesFound& refusal);
  void Abandon(const std::string& host, uint64_t number);
  void SetFunction(LookUpFunction function) {
    std::unique_lock<std::mutex> held(mutex_);
    ended_.wait(held, [this] { return threads_ == 0; });
    function_ = std::make_shared<const LookUpFunction>(function ? std::move(function) : AskSystem);
  }

 private:
  NameThreads() : function_(std::make_shared<const LookUpFunction>(AskSystem)) {
    // A child that fork() makes has none of the threads, and is asked for nothing yet.
    pthread_atfork([] { Get().mutex_.lock(); }, [] { Get().mutex_.unlock(); }, [] { Get().ForgetInChild(); });
  }
  // REQUIRES: locked, before the fork().
  void ForgetInChild() {
    threads_ = 0;
    asked_.clear();
    queue_.clear();
    mutex_.unlock();
  }

  // REQUIRES: locked.
  void StartThread();
  void Work();
  static void Answer(const Asker& asker, const NamesFound& found);

  std::mutex mutex_;
  std::condition_variable ended_;  // The last thread has.
  std::shared_ptr<const LookUpFunction> function_;
  std::map<std::string, std::vector<Asker>> asked_;
  std::deque<std::string> queue_;
  size_t threads_ = 0;
  uint64_t next_number_ = 1;
};

class EpollLookUp final : public NameLookUp {
 public:
  EpollLookUp(EpollNames& names, std::string host) : NameLookUp(std::move(host)), names_(names) {}
  ~EpollLookUp() override;

  void set_number(uint64_t number) { number_ = number; }

 private:
  EpollNames& names_;
  uint64_t number_ = 0;  // 0 if no thread was asked.
};

class EpollNames final : public Names {
 public:
  explicit EpollNames(EventLoop& loop) : loop_(loop) {}

  std::unique_ptr<NameLookUp> LookUp(std::string host) override {
    auto look_up = std::make_unique<EpollLookUp>(*this, host);
    if (host == "localhost") {  // RFC 6761: no server is asked.
      look_up->Finish(NamesFound({Address::Ipv4({127, 0, 0, 1}, 0), Address::FromHost("::1", 0).value()}));
      return look_up;
    }
    NamesFound refusal;
    const uint64_t number = NameThreads::Get().Ask(host, *this, loop_.inbox(), refusal);
    if (number == 0) {
      look_up->Finish(std::move(refusal));
      return look_up;
    }
    look_up->set_number(number);
    pending_.emplace(number, look_up.get());
    return look_up;
  }

  void Finish(uint64_t number, NamesFound found) {
    const auto pending = pending_.find(number);
    if (pending == pending_.end()) return;  // It was abandoned when the answer was in the inbox already.
    pending->second->Finish(std::move(found));
  }
  void Abandon(const std::string& host, uint64_t number, bool is_done) {
    pending_.erase(number);
    if (!is_done) NameThreads::Get().Abandon(host, number);
  }

 private:
  EventLoop& loop_;
  std::map<uint64_t, EpollLookUp*> pending_;
};

EpollLookUp::~EpollLookUp() {
  if (number_ != 0) names_.Abandon(host(), number_, IsDone());
}

uint64_t NameThreads::Ask(const std::string& host, EpollNames& names, const std::shared_ptr<Inbox>& inbox,
                          NamesFound& refusal) {
  const std::lock_guard<std::mutex> held(mutex_);
  const uint64_t number = next_number_++;
  if (const auto joined = asked_.find(host); joined != asked_.end()) {
    joined->second.emplace_back(names, inbox, number);
    return number;
  }
  if (queue_.size() >= kLookUpsQueuedMax) {
    refusal = NamesFound(kNameTemporaryFailure, absl::StrCat(queue_.size(), " other names wait to be looked up"));
    return 0;
  }
  if (threads_ < kLookUpThreadsMax) {
    try {
      StartThread();
    } catch (const std::system_error& e) {
      if (threads_ == 0) {
        refusal = NamesFound(e.code().value(), "no thread can be started");
        return 0;
      }
    }
  }
  asked_[host].emplace_back(names, inbox, number);
  queue_.push_back(host);
  return number;
}

void NameThreads::Abandon(const std::string& host, uint64_t number) {
  const std::lock_guard<std::mutex> held(mutex_);
  const auto asked = asked_.find(host);
  if (asked == asked_.end()) return;  // Its answer is on the way.
  std::erase_if(asked->second, [&](const Asker& asker) { return asker.number == number; });
  if (!asked->second.empty()) return;
  const auto queued = std::find(queue_.begin(), queue_.end(), host);
  if (queued == queue_.end()) return;  // Under way: who asks for it now joins.
  queue_.erase(queued);
  asked_.erase(asked);
}

void NameThreads::StartThread() {
  // Signals are for the program's own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread([this] { Work(); }).detach();
    ++threads_;
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void NameThreads::Work() {
  std::unique_lock<std::mutex> held(mutex_);
  while (!queue_.empty()) {
    const std::string host = std::move(queue_.front());
    queue_.pop_front();
    const std::shared_ptr<const LookUpFunction> function = function_;
    held.unlock();
    const NamesFound found = (*function)(host);
    held.lock();
    const auto asked = asked_.find(host);
    const std::vector<Asker> askers = std::move(asked->second);
    asked_.erase(asked);
    held.unlock();
    for (const Asker& asker : askers) Answer(asker, found);
    held.lock();
  }
  if (--threads_ == 0) ended_.notify_all();
}

void NameThreads::Answer(const Asker& asker, const NamesFound& found) {
  asker.inbox->Add(
      [names = asker.names, number = asker.number, found]() mutable { names->Finish(number, std::move(found)); });
}

}  // namespace

std::unique_ptr<Names> MakeEpollNames(EventLoop& loop) { return std::make_unique<EpollNames>(loop); }

void SetLookUpFunction(LookUpFunction function) { NameThreads::Get().SetFunction(std::move(function)); }

}  // namespace detent::internal
