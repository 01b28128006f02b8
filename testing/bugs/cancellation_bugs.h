// SPDX-License-Identifier: Apache-2.0
//
// Bugs that only a cancellation shows, in the manner of what was reported of well-known libraries, each beside the same
// program put right.
//
//   for (const CancellationBug& bug : CancellationBugs()) {
//     std::unique_ptr<CancellationScene> scene;
//     co_await CancelEverywhere([&]() -> Coro<> { scene = bug.broken(); co_await scene->Run(); },
//                               [&]() -> Coro<> { co_await scene->Check(); }, {.task = bug.task});
//   }
//
// Nothing here needs GoogleTest.
#ifndef DETENT_TESTING_BUGS_CANCELLATION_BUGS_H_
#define DETENT_TESTING_BUGS_CANCELLATION_BUGS_H_

#include <memory>
#include <string_view>
#include <vector>

#include "detent/runtime/coro.h"

namespace detent_testing {

// What the tasks of a program share.
class CancellationScene {
 public:
  virtual ~CancellationScene() = default;
  // May be cancelled at any await.
  virtual detent::Coro<> Run() = 0;
  // Throws BugFound, or never ends, if what a cancelled Run() left is not whole.
  virtual detent::Coro<> Check() { co_return; }
};

class CancellationBug {
 public:
  using Make = std::unique_ptr<CancellationScene> (*)();
  CancellationBug(std::string_view bug_name, std::string_view cancelled_task, Make make_broken, Make make_fixed)
      : name(bug_name), task(cancelled_task), broken(make_broken), fixed(make_fixed) {}

  std::string_view name;
  std::string_view task;  // Who is cancelled; the one that runs Run() if empty.
  Make broken;
  Make fixed;
};

// dirty_connection, lost_permit, kept_lock, half_frame, refresh_twice, lost_item, cancelled_cleanup, swallowed,
// forgotten_shield, stale_count.
const std::vector<CancellationBug>& CancellationBugs();

}  // namespace detent_testing

#endif  // DETENT_TESTING_BUGS_CANCELLATION_BUGS_H_
