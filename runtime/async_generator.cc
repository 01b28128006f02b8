// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/async_generator.h"

#include "detent/runtime/errors.h"

namespace detent::internal {

void ThrowGeneratorBusy() {
  throw InvalidStateError(
      "AsyncGenerator::Next(): another Next() of this generator is not over yet; await one at a time");
}

}  // namespace detent::internal
