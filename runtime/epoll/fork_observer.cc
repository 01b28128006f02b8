// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/fork_observer.h"

#include <pthread.h>
#include <unistd.h>

#include <mutex>

namespace detent::internal {
namespace {

class ForkObservers {
 public:
  // Never destroyed: a loop may be, after the statics.
  static ForkObservers& All() {
    static ForkObservers* const all = new ForkObservers();
    return *all;
  }

  void Add(ForkObserver* observer) {
    const std::lock_guard<std::mutex> held(mutex_);
    observers_.Append(observer);
  }
  void Remove(ForkObserver* observer) {
    const std::lock_guard<std::mutex> held(mutex_);
    List<ForkObserver>::Remove(observer);
  }

 private:
  ForkObservers() {
    pthread_atfork([] { All().mutex_.lock(); }, [] { All().mutex_.unlock(); }, [] { All().TellInChild(); });
  }
  void TellInChild() {
    for (ForkObserver* each = observers_.first(); each != nullptr; each = observers_.Next(each)) each->OnForkInChild();
    mutex_.unlock();
  }

  std::mutex mutex_;  // Held by whoever forks, so that the child finds the list whole.
  List<ForkObserver> observers_;
};

}  // namespace

ForkObserver::ForkObserver() : process_(getpid()) { ForkObservers::All().Add(this); }
ForkObserver::~ForkObserver() { ForkObservers::All().Remove(this); }

}  // namespace detent::internal
