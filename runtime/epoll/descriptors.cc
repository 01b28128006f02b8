// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/descriptors.h"

namespace detent::internal {
namespace {

class EpollWatched final : public WatchedDescriptor, private DescriptorObserver {
 public:
  EpollWatched(Epoll& epoll, int fd) : WatchedDescriptor(fd), epoll_(epoll) {}
  ~EpollWatched() override { epoll_.Watch(fd(), this, 0); }

  int SetInterest(bool read, bool write) override {
    return epoll_.Watch(fd(), this, (read ? EPOLLIN | EPOLLRDHUP : 0u) | (write ? EPOLLOUT : 0u));
  }

 private:
  // An end or an error is for both: whoever reads or writes next is told.
  void OnEvents(uint32_t events) override {
    OnReady((events & ~uint32_t{EPOLLOUT}) != 0, (events & ~uint32_t{EPOLLIN | EPOLLRDHUP}) != 0);
  }

  Epoll& epoll_;
};

class EpollDescriptors final : public Descriptors {
 public:
  EpollDescriptors(Epoll& epoll, LoopCore& core) : Descriptors(core), epoll_(epoll) {}

 private:
  std::unique_ptr<WatchedDescriptor> Make(int fd) override { return std::make_unique<EpollWatched>(epoll_, fd); }

  Epoll& epoll_;
};

}  // namespace

std::unique_ptr<Descriptors> MakeEpollDescriptors(Epoll& epoll, LoopCore& core) {
  return std::make_unique<EpollDescriptors>(epoll, core);
}

}  // namespace detent::internal
