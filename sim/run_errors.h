// SPDX-License-Identifier: Apache-2.0
//
// How a simulated run ends that does not come to its end.
#ifndef DETENT_SIM_RUN_ERRORS_H_
#define DETENT_SIM_RUN_ERRORS_H_

#include <cstdint>
#include <stdexcept>
#include <string>

#include "absl/time/time.h"
#include "detent/runtime/internal/loop_core.h"

namespace detent::sim {

// Every task waits, and nothing can wake one. what() lists the tasks, what each waits for, and where.
class DeadlockError : public std::runtime_error {
 public:
  explicit DeadlockError(const std::string& what) : std::runtime_error(what) {}
};

// A run went past its limit of steps or of virtual time.
class LimitError : public std::runtime_error {
 public:
  enum class Limit { kSteps, kTime };

  LimitError(Limit limit, const std::string& what) : std::runtime_error(what), limit_(limit) {}

  Limit limit() const { return limit_; }

 private:
  const Limit limit_;
};

// --- For the library: in the words of a loop that has come to this ---

// `hold` says who keeps the time from going on, if anybody.
DeadlockError MakeDeadlockError(const internal::LoopCore& core, uint64_t steps, const std::string& hold);
LimitError StepLimitError(const internal::LoopCore& core, uint64_t steps_max);
LimitError TimeLimitError(const internal::LoopCore& core, absl::Duration time_max);

}  // namespace detent::sim

#endif  // DETENT_SIM_RUN_ERRORS_H_
