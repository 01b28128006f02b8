// SPDX-License-Identifier: Apache-2.0
//
// The bug programs, written for the bare machine: a second transcription, so that a slip in one of the two shows.
#ifndef DETENT_BENCH_BARE_PROGRAMS_H_
#define DETENT_BENCH_BARE_PROGRAMS_H_

#include <string_view>

#include "detent/bench/bare/machine.h"

namespace detent_bench::bare {

// Adds the tasks of the program called `name` to `machine`.
using Setup = void (*)(Machine& machine);
// Null if there is none.
Setup FindProgram(std::string_view name);

}  // namespace detent_bench::bare

#endif  // DETENT_BENCH_BARE_PROGRAMS_H_
