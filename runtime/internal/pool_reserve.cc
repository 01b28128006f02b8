// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/pool_reserve.h"

namespace detent::internal {

Reserve& TheReserve() {
  static Reserve* reserve = new Reserve;
  return *reserve;
}

}  // namespace detent::internal
