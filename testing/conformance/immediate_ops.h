// SPDX-License-Identifier: Apache-2.0
//
// The operations that never suspend: task bodies and callbacks run them alike.
#ifndef DETENT_TESTING_CONFORMANCE_IMMEDIATE_OPS_H_
#define DETENT_TESTING_CONFORMANCE_IMMEDIATE_OPS_H_

#include <string_view>

#include "detent/testing/conformance/program.h"
#include "detent/testing/conformance/world.h"

namespace detent_testing::conformance {

// Whether `kind` is one of them.
bool IsImmediate(OpKind kind);

// Runs one for the task or callback `who`. An error that the library throws is printed; only kCbRaise throws.
// REQUIRES: IsImmediate(op.kind).
void RunImmediate(World& world, std::string_view who, const Op& op);

}  // namespace detent_testing::conformance

#endif  // DETENT_TESTING_CONFORMANCE_IMMEDIATE_OPS_H_
