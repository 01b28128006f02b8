// SPDX-License-Identifier: Apache-2.0
//
// Whether this thread is inside a step of a simulated loop, where the C library's clocks and entropy are the loop's.
// Internal.
#ifndef DETENT_TESTING_LIBC_SIMULATED_STEP_H_
#define DETENT_TESTING_LIBC_SIMULATED_STEP_H_

#include "detent/runtime/event_loop.h"

namespace detent_testing::internal {

// The simulated loop whose step runs on this thread, or null: then a call is the system's.
detent::EventLoop* LoopOfStep();

// The next definition of `name` behind ours: the C library's, or that of a sanitizer. Aborts if there is none.
void* NextSymbol(const char* name);

// Tells the loop's exception handler, once a run for each function, that `function` in a step would wait for the
// system, or start what the loop does not order: such a run is not the same again.
void ReportLeak(detent::EventLoop& loop, const char* function, const char* instead);

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_LIBC_SIMULATED_STEP_H_
