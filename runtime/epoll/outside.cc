// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/outside.h"

#include "detent/runtime/epoll/adoption.h"
#include "detent/runtime/epoll/datagrams.h"
#include "detent/runtime/epoll/descriptors.h"
#include "detent/runtime/epoll/disk.h"
#include "detent/runtime/epoll/names.h"
#include "detent/runtime/epoll/processes.h"
#include "detent/runtime/epoll/signals.h"
#include "detent/runtime/epoll/sockets.h"
#include "detent/runtime/internal/ref.h"
#include "detent/runtime/io/internal/adoption.h"
#include "detent/runtime/io/internal/datagrams.h"
#include "detent/runtime/io/internal/descriptors.h"
#include "detent/runtime/io/internal/names.h"
#include "detent/runtime/io/internal/network.h"

namespace detent::internal {
namespace {

class EpollOutside final : public Outside {
 public:
  EpollOutside(Epoll& epoll, EventLoop& loop, RunLoop run) : epoll_(epoll), loop_(loop), run_(run) {}
  ~EpollOutside() override {
    if (disk_) disk_->End();
  }

  Names& names() override {
    if (names_ == nullptr) names_ = MakeEpollNames(loop_);
    return *names_;
  }
  Disk& disk() override {
    if (!disk_) disk_ = Ref<EpollDisk>(new EpollDisk(loop_));
    return *disk_;
  }
  Network& network() override {
    if (network_ == nullptr) network_ = MakeEpollNetwork(epoll_);
    return *network_;
  }
  Adoption& adoption() override {
    if (adoption_ == nullptr) adoption_ = MakeEpollAdoption(epoll_, disk());
    return *adoption_;
  }
  Descriptors& descriptors() override {
    if (descriptors_ == nullptr) descriptors_ = MakeEpollDescriptors(epoll_, loop_.core());
    return *descriptors_;
  }
  Datagrams& datagrams() override {
    if (datagrams_ == nullptr) datagrams_ = MakeEpollDatagrams(epoll_);
    return *datagrams_;
  }
  SignalSource& signals() override {
    if (signals_ == nullptr) signals_ = MakeEpollSignals(epoll_, loop_.core());
    return *signals_;
  }
  Programs& programs() override {
    if (programs_ == nullptr) programs_ = MakeEpollPrograms(epoll_, loop_.core());
    return *programs_;
  }
  Threads& threads() override {
    if (threads_ == nullptr) threads_ = MakeEpollThreads(loop_, run_);
    return *threads_;
  }

 private:
  Epoll& epoll_;
  EventLoop& loop_;
  const RunLoop run_;
  std::unique_ptr<Names> names_;
  Ref<EpollDisk> disk_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Adoption> adoption_;
  std::unique_ptr<Descriptors> descriptors_;
  std::unique_ptr<Datagrams> datagrams_;
  std::unique_ptr<SignalSource> signals_;
  std::unique_ptr<Programs> programs_;
  std::unique_ptr<Threads> threads_;
};

}  // namespace

std::unique_ptr<Outside> MakeEpollOutside(Epoll& epoll, EventLoop& loop, RunLoop run) {
  return std::make_unique<EpollOutside>(epoll, loop, run);
}

}  // namespace detent::internal
