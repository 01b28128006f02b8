// SPDX-License-Identifier: Apache-2.0
//
// DescribeTasks: what every task of a loop is at, for a person: who awaits whom, for what, where, and who waits in a
// circle.
//
//   loop.CallLater(absl::Minutes(1), [] { std::puts(DescribeTasks().c_str()); });
//
//  4 tasks
//    task "main"  Gather of 2, 2 not done  bank.cc:12
//      task "alice"  Lock::Acquire on "b", held by task "bob"  bank.cc:41
//      task "bob"  Lock::Acquire on "a", held by task "alice"  bank.cc:52
//    task "poll"  running  bank.cc:77
//    cycle: alice -> Lock "b" (held by bob) -> bob -> Lock "a" (held by alice) -> alice
//
// Order.         As the tasks were spawned; a task below the first of those that await it. Of very many, the first.
//                Of a task whose steps are watched (EventLoop::SetMeasuring(), SetSlowStep(), SetDebug()) also for how
//                long it has waited.
// Threads.       The loop's own thread only; DescribeRunningStep() also in a signal handler there.
#ifndef DETENT_RUNTIME_DESCRIBE_TASKS_H_
#define DETENT_RUNTIME_DESCRIBE_TASKS_H_

#include <cstddef>
#include <span>
#include <string>

#include "detent/runtime/event_loop.h"

namespace detent {

// Of the running loop, and of `loop`, which need not run.
std::string DescribeTasks();
std::string DescribeTasks(const EventLoop& loop);

// Writes which task this thread's loop is running, with its number, name and where it was spawned, into `text`, and
// gives how many bytes: for a handler of a signal that comes while a step is stuck, when nobody else can tell. None if
// the thread runs no task at the moment. It allocates nothing, takes no lock and may be called from a signal handler.
size_t DescribeRunningStep(std::span<char> text) noexcept;

}  // namespace detent

#endif  // DETENT_RUNTIME_DESCRIBE_TASKS_H_
