// SPDX-License-Identifier: Apache-2.0
//
// LoopSteps: what the world may do with the steps of its loop. Internal.
#ifndef DETENT_SIM_WORLD_LOOP_STEPS_H_
#define DETENT_SIM_WORLD_LOOP_STEPS_H_

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "detent/runtime/internal/ready_queue.h"

namespace detent::sim {

class LoopSteps {
 public:
  // Takes the ready steps out that are meant, and appends them to `taken`, in their order. Each is then the caller's:
  // he runs it, makes it ready again, or drops it.
  virtual void TakeOut(absl::FunctionRef<bool(internal::Step)> is_meant, std::vector<internal::Step>& taken) = 0;

  // A number for something that makes tasks and callbacks. Its streams are those of `path`, a hash that says what it
  // is, whoever asks and whatever was made before.
  virtual uint64_t NewSource(uint64_t path) = 0;

 protected:
  ~LoopSteps() = default;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_LOOP_STEPS_H_
