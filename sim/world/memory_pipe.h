// SPDX-License-Identifier: Apache-2.0
//
// A pipe of a simulated machine: what one end writes the other can read at once. Internal.
//
// It takes up to 64 KiB that nobody has read, as Linux's. A read gives a part of what there is, if the strategy
// chooses.
#ifndef DETENT_SIM_WORLD_MEMORY_PIPE_H_
#define DETENT_SIM_WORLD_MEMORY_PIPE_H_

#include <memory>
#include <string>

#include "detent/runtime/event_loop.h"
#include "detent/runtime/io/internal/network.h"

namespace detent::sim {

class MemoryPipe {
 public:
  std::unique_ptr<internal::StreamSocket> reads;
  std::unique_ptr<internal::StreamSocket> writes;
};

// `name` stands in errors.
MemoryPipe MakeMemoryPipe(EventLoop& loop, const std::string& name);
// Takes whatever is written, for nobody.
std::unique_ptr<internal::StreamSocket> MakeSink(EventLoop& loop, const std::string& name);

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_MEMORY_PIPE_H_
