// SPDX-License-Identifier: Apache-2.0
//
// EpollDisk: carries out what a loop asks of files, on threads of its own: functions of RunInExecutor() do not hold it
// up, nor it them.
//
// Threads start as they are needed, up to a bound. They share with the loop no more than two lists, which outlive it:
// one of them may be stuck in the kernel (a file on a network, a FIFO that nobody opens at the other end), and is then
// left behind when the loop ends.
//
// In a child that fork() made the threads are not there: files are closed, and nothing else happens.
#ifndef DETENT_RUNTIME_EPOLL_DISK_H_
#define DETENT_RUNTIME_EPOLL_DISK_H_

#include <cstdint>
#include <memory>
#include <string>

#include "detent/runtime/event_loop.h"
#include "detent/runtime/io/internal/disk.h"

namespace detent::internal {

class DiskThreads;

class EpollDisk final : public Disk {
 public:
  static constexpr size_t kThreadsMax = 8;

  explicit EpollDisk(EventLoop& loop);

  std::string NewSuffix() override;

  // The end of the loop. What is under way is carried out, closes too, though nobody hears of it. Waits a second for
  // that, at most; then reports what the threads are stuck in.
  void End();

 private:
  ~EpollDisk() override;
  void Start(std::unique_ptr<DiskCall> call) override;
  // What the threads have done.
  void TakeDone();
  // Whether fork() made this process of the one to which the threads belong.
  bool IsInChild() const;

  EventLoop& loop_;
  const int64_t process_;
  std::shared_ptr<DiskThreads> threads_;  // Null after End().
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_DISK_H_
