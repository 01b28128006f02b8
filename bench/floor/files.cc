// SPDX-License-Identifier: Apache-2.0
//
// The floor of reads of a file: a thread that asks, and threads that call pread().
#include <fcntl.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "detent/bench/floor/floor.h"
#include "detent/bench/harness/cached_file.h"
#include "detent/bench/harness/workload.h"

namespace detent_bench::floor {
namespace {

constexpr int kThreads = 8;

class Read {
 public:
  uint64_t block = 0;
  std::string bytes;
};

class Readers {
 public:
  explicit Readers(int descriptor) : descriptor_(descriptor) {
    for (int i = 0; i < kThreads; ++i) threads_.emplace_back([this] { Work(); });
  }
  ~Readers() {
    {
      const std::lock_guard<std::mutex> held(mutex_);
      closing_ = true;
    }
    asked_for_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void Ask(Read& read) {
    const std::lock_guard<std::mutex> held(mutex_);
    asked_.push_back(&read);
    asked_for_.notify_one();
  }
  // At least one that is done.
  std::vector<Read*> Done() {
    std::unique_lock<std::mutex> held(mutex_);
    came_.wait(held, [this] { return !done_.empty(); });
    return std::exchange(done_, {});
  }

 private:
  void Work() {
    std::unique_lock<std::mutex> held(mutex_);
    while (true) {
      asked_for_.wait(held, [this] { return closing_ || !asked_.empty(); });
      if (asked_.empty()) return;
      Read* const read = asked_.front();
      asked_.pop_front();
      held.unlock();
      read->bytes.resize(CachedFile::kBlock);
      const ssize_t size = pread(descriptor_, read->bytes.data(), read->bytes.size(),
                                 static_cast<off_t>(read->block * CachedFile::kBlock));
      Require(size == static_cast<ssize_t>(CachedFile::kBlock), "a pread");
      held.lock();
      done_.push_back(read);
      if (done_.size() == 1) came_.notify_one();
    }
  }

  const int descriptor_;
  std::mutex mutex_;
  std::condition_variable asked_for_;
  std::condition_variable came_;
  std::deque<Read*> asked_;
  std::vector<Read*> done_;
  std::vector<std::thread> threads_;
  bool closing_ = false;
};

}  // namespace

void ReadBlocks(uint64_t ops) {
  const int descriptor = open(CachedFile::Get().path().c_str(), O_RDONLY | O_CLOEXEC);
  Require(descriptor >= 0, "the file");
  uint64_t right = 0;
  uint64_t asked = 0;
  {
    Readers readers(descriptor);
    Numbers numbers(1);
    std::vector<Read> reads(CachedFile::kInFlight);
    const auto ask = [&](Read& read) {
      ++asked;
      read.block = numbers.Below(CachedFile::kBlocks);
      read.bytes.clear();
      readers.Ask(read);
    };
    for (Read& read : reads) ask(read);
    for (uint64_t done = 0; done < asked;) {
      for (Read* const read : readers.Done()) {
        ++done;
        right += CachedFile::IsBlock(read->block, read->bytes) ? 1 : 0;
        if (asked < ops) ask(*read);
      }
    }
  }
  close(descriptor);
  Require(right == asked, "the blocks that were read");
}

}  // namespace detent_bench::floor
