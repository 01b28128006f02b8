// SPDX-License-Identifier: Apache-2.0
//
// The operations on streams, an extension of the oracle's format: streams.py says what they are.
#ifndef DETENT_TESTING_CONFORMANCE_STREAM_OPS_H_
#define DETENT_TESTING_CONFORMANCE_STREAM_OPS_H_

#include <string>

#include "detent/runtime/core.h"
#include "detent/testing/conformance/program.h"
#include "detent/testing/conformance/task_body.h"

namespace detent_testing::conformance {

// Whether `kind` is one of them.
bool IsOnStream(OpKind kind);

// Runs one of them; what it prints at its end. REQUIRES: IsOnStream(op.kind).
detent::Coro<std::string> RunOnStream(Scope scope, const Op& op);

}  // namespace detent_testing::conformance

#endif  // DETENT_TESTING_CONFORMANCE_STREAM_OPS_H_
