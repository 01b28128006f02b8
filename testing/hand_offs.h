// SPDX-License-Identifier: Apache-2.0
//
// HandOffs: which task took what over from whom: the coverage of interleavings that a fuzzer is fed with.
//
// A hand-off is (task, object, task): two steps of different tasks announced one object, with none in between. Where
// steps announce nothing, it is (task, number of its step, task, number of its step) of two steps in a row. Each is
// hashed into a table of counters.
//
// There is no loop of our own that feeds on this, because it did not pay. With half of the schedules mutants of those
// that had shown something new, the nine programs of testing/bugs/ needed as many schedules as under the portfolio or
// more (medians of 50 seeds: bluetooth 15 and 15, reorder_3 11 instead of 8, reorder_10 44 instead of 36): such bugs
// are found before there is anything to learn. Where a bug needs a dozen hand-offs, each enabled by the one before, a
// fuzzer does find it.
//
// Internal.
#ifndef DETENT_TESTING_HAND_OFFS_H_
#define DETENT_TESTING_HAND_OFFS_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "detent/sim/strategy/observer.h"

namespace detent_testing::internal {

class HandOffs final : public detent::sim::RunObserver {
 public:
  // Counts into `size` counters, which saturate. REQUIRES: `size` is a power of 2.
  HandOffs(uint8_t* counters, size_t size) : counters_(counters), mask_(size - 1) {}

  void OnStep(const detent::sim::Candidate& step, uint64_t number) override;

 private:
  void Count(uint64_t hash);

  uint8_t* const counters_;
  const size_t mask_;
  absl::flat_hash_map<detent::sim::ObjectKey, uint64_t> last_lane_of_object_;
  absl::flat_hash_map<uint64_t, uint64_t> steps_of_lane_;
  uint64_t last_lane_ = 0;
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_HAND_OFFS_H_
