// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/internal/outside.h"

#include "detent/runtime/io/internal/signal_handlers.h"

namespace detent::internal {

Outside::Outside() = default;
Outside::~Outside() = default;

SignalHandlers& Outside::signal_handlers() {
  if (signal_handlers_ == nullptr) signal_handlers_ = std::make_unique<SignalHandlers>(signals());
  return *signal_handlers_;
}

}  // namespace detent::internal
