// SPDX-License-Identifier: Apache-2.0
//
// Huge pages for the pool of coroutine frames: with many tasks, address translation costs as much as the cache misses.
#ifndef DETENT_RUNTIME_EPOLL_HUGE_PAGES_H_
#define DETENT_RUNTIME_EPOLL_HUGE_PAGES_H_

namespace detent::internal {

// From now on the pools of all threads ask the kernel for huge pages once they are large. Where the system has none,
// small pages do. Any thread.
void UseHugePages();

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_HUGE_PAGES_H_
