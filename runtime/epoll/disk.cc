// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/disk.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "detent/runtime/epoll/files.h"
#include "detent/runtime/internal/inbox.h"

namespace detent::internal {

// What the threads share with the loop, and with each other.
class DiskThreads : public std::enable_shared_from_this<DiskThreads> {
 public:
  // `take_done` is called on the loop's thread, soon after a call was done.
  DiskThreads(std::shared_ptr<Inbox> inbox, std::function<void()> take_done)
      : inbox_(std::move(inbox)), take_done_(std::move(take_done)) {}

  void Add(std::unique_ptr<DiskCall> call);
  std::vector<std::unique_ptr<DiskCall>> TakeDone();
  // Nothing is Add()ed from now on, and nothing TakeDone(). Waits until all is carried out, or `most` has passed. Gives
  // what is not.
  std::vector<std::string> End(std::chrono::milliseconds most);

 private:
  void Work();
  void HandIn(std::unique_ptr<DiskCall> call);

  std::shared_ptr<Inbox> inbox_;  // Null once the last thread has ended: it keeps the descriptor that wakes the loop.
  const std::function<void()> take_done_;
  std::mutex mutex_;
  std::condition_variable added_;
  std::condition_variable ended_;
  std::deque<std::unique_ptr<DiskCall>> calls_;
  std::vector<std::unique_ptr<DiskCall>> done_;
  std::vector<const DiskCall*> begun_;
  size_t threads_ = 0;
  size_t idle_ = 0;
  bool closing_ = false;
};

void DiskThreads::Add(std::unique_ptr<DiskCall> call) {
  const std::lock_guard<std::mutex> held(mutex_);
  calls_.push_back(std::move(call));
  if (idle_ >= calls_.size()) return added_.notify_one();
  if (threads_ == EpollDisk::kThreadsMax) return;  // One of them will come to it.
  try {
    std::thread([self = shared_from_this()] { self->Work(); }).detach();
    ++threads_;
  } catch (const std::system_error& error) {
    if (threads_ > 0) return;
    std::unique_ptr<DiskCall> failed = std::move(calls_.back());
    calls_.pop_back();
    failed->error = error.code().value();
    HandIn(std::move(failed));
  }
}

void DiskThreads::Work() {
  std::unique_lock<std::mutex> held(mutex_);
  while (true) {
    if (calls_.empty()) {
      if (closing_) break;
      ++idle_;
      added_.wait(held, [this] { return closing_ || !calls_.empty(); });
      --idle_;
      continue;
    }
    std::unique_ptr<DiskCall> call = std::move(calls_.front());
    calls_.pop_front();
    begun_.push_back(call.get());
    held.unlock();
    CarryOut(*call, KernelFiles());
    held.lock();
    std::erase(begun_, call.get());
    if (!closing_) {
      HandIn(std::move(call));
      continue;
    }
    held.unlock();
    call = nullptr;  // May close a file.
    held.lock();
  }
  --threads_;
  ended_.notify_all();
}

// REQUIRES: the mutex is held.
void DiskThreads::HandIn(std::unique_ptr<DiskCall> call) {
  done_.push_back(std::move(call));
  if (done_.size() > 1) return;  // The loop knows.
  inbox_->Add([self = shared_from_this()] {
    if (!self->closing_) self->take_done_();
  });
}

std::vector<std::unique_ptr<DiskCall>> DiskThreads::TakeDone() {
  const std::lock_guard<std::mutex> held(mutex_);
  return std::exchange(done_, {});
}

std::vector<std::string> DiskThreads::End(std::chrono::milliseconds most) {
  std::unique_lock<std::mutex> held(mutex_);
  closing_ = true;
  const std::vector<std::unique_ptr<DiskCall>> done = std::exchange(done_, {});
  added_.notify_all();
  if (ended_.wait_for(held, most, [this] { return threads_ == 0; })) inbox_ = nullptr;
  std::vector<std::string> left;
  for (const DiskCall* const call : begun_) left.push_back(call->Describe());
  held.unlock();
  return left;
}

// --- EpollDisk ---

EpollDisk::EpollDisk(EventLoop& loop)
    : loop_(loop), process_(getpid()), threads_(std::make_shared<DiskThreads>(loop.inbox(), [this] { TakeDone(); })) {}

EpollDisk::~EpollDisk() = default;

bool EpollDisk::IsInChild() const { return getpid() != process_; }

std::string EpollDisk::NewSuffix() {
  static std::atomic<uint64_t> last = 0;
  return absl::StrCat(getpid(), "-", ++last);
}

void EpollDisk::Start(std::unique_ptr<DiskCall> call) {
  if (IsInChild()) {
    Forget(*call);
    // Its descriptors are closed here; what they stand for is the parent's.
    if (call->verb == DiskVerb::kClose) CarryOut(*call, KernelFiles());
    return;
  }
  if (threads_ != nullptr) return threads_->Add(std::move(call));
  CarryOut(*call, KernelFiles());  // There is no loop any more that could be held up.
}

void EpollDisk::TakeDone() {
  for (std::unique_ptr<DiskCall>& call : threads_->TakeDone()) Done(std::move(call));
}

void EpollDisk::End() {
  Detach();
  if (IsInChild()) {
    // Not destroyed: one of its threads, which are not here, may hold the mutex, and others wait on the conditions.
    new std::shared_ptr<DiskThreads>(std::move(threads_));
    return;
  }
  const std::vector<std::string> left = std::exchange(threads_, nullptr)->End(std::chrono::seconds(1));
  if (left.empty()) return;
  loop_.CallExceptionHandler(
      ExceptionContext(absl::StrCat("the loop ends while its disk does not answer: ", absl::StrJoin(left, ", "),
                                    "; the threads that wait for it are left behind, and nothing waits for them"),
                       nullptr));
}

}  // namespace detent::internal
