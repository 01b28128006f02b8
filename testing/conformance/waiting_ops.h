// SPDX-License-Identifier: Apache-2.0
//
// The operations that wait, or may.
#ifndef DETENT_TESTING_CONFORMANCE_WAITING_OPS_H_
#define DETENT_TESTING_CONFORMANCE_WAITING_OPS_H_

#include "detent/runtime/core.h"
#include "detent/testing/conformance/program.h"
#include "detent/testing/conformance/task_body.h"

namespace detent_testing::conformance {

// REQUIRES: op.kind is neither immediate nor structured.
detent::Coro<> RunWaiting(Scope scope, const Op& op);

}  // namespace detent_testing::conformance

#endif  // DETENT_TESTING_CONFORMANCE_WAITING_OPS_H_
