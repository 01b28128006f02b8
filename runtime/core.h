// SPDX-License-Identifier: Apache-2.0
//
// All of runtime/ but the real loop: what code that runs on either loop needs.
#ifndef DETENT_RUNTIME_CORE_H_
#define DETENT_RUNTIME_CORE_H_

#include "detent/runtime/as_completed.h"
#include "detent/runtime/async_generator.h"
#include "detent/runtime/barrier.h"
#include "detent/runtime/choice.h"
#include "detent/runtime/condition.h"
#include "detent/runtime/context_var.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/event.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/finally.h"
#include "detent/runtime/future.h"
#include "detent/runtime/gather.h"
#include "detent/runtime/lock.h"
#include "detent/runtime/loop_time.h"
#include "detent/runtime/net.h"
#include "detent/runtime/outcome.h"
#include "detent/runtime/queue.h"
#include "detent/runtime/race.h"
#include "detent/runtime/random.h"
#include "detent/runtime/semaphore.h"
#include "detent/runtime/shield.h"
#include "detent/runtime/sleep.h"
#include "detent/runtime/spawn.h"
#include "detent/runtime/task.h"
#include "detent/runtime/task_group.h"
#include "detent/runtime/threadsafe.h"
#include "detent/runtime/timeout.h"
#include "detent/runtime/wait.h"
#include "detent/runtime/wait_for.h"

#endif  // DETENT_RUNTIME_CORE_H_
