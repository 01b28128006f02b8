// SPDX-License-Identifier: Apache-2.0
//
// The operations that hold other operations, and those that act on the block around them.
#ifndef DETENT_TESTING_CONFORMANCE_STRUCTURED_OPS_H_
#define DETENT_TESTING_CONFORMANCE_STRUCTURED_OPS_H_

#include "detent/runtime/core.h"
#include "detent/testing/conformance/program.h"
#include "detent/testing/conformance/task_body.h"

namespace detent_testing::conformance {

// Whether `kind` is one of them.
bool IsStructured(OpKind kind);

// REQUIRES: IsStructured(op.kind).
detent::Coro<> RunStructured(Scope scope, const Op& op);

}  // namespace detent_testing::conformance

#endif  // DETENT_TESTING_CONFORMANCE_STRUCTURED_OPS_H_
