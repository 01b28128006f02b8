// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/tape_recorder.h"

#include <cstdint>

#include "detent/runtime/random.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

// Records a run of `choices` choices, and compares its tape with one that is written directly: after every
// `asked_every` choices, and at the end.
void ExpectTheSame(TapeRecorder& recorder, uint64_t seed, int choices, int asked_every) {
  RandomGenerator random(seed);
  recorder.BeginRun(seed);
  Tape expected;
  expected.set_seed(seed);
  expected.set_test(7);
  expected.set_limits(TapeLimits(1'000, absl::Seconds(1), absl::ZeroDuration()));
  const StreamId kOther(ChoiceKind::kProgram, 5);
  uint64_t next_step = 0;
  uint64_t next_other = 0;
  for (int i = 1; i <= choices; ++i) {
    const auto value = static_cast<uint32_t>(random.Below(3));
    if (random.Below(2) == 0) {
      recorder.RecordStep(3, value);
      expected.Record(StreamId(), next_step++, 3, value);
    } else {
      recorder.Record(kOther, next_other, 3, value);
      expected.Record(kOther, next_other++, 3, value);
    }
    if (i % asked_every != 0) continue;
    expected.set_fingerprint(static_cast<uint64_t>(i));
    ASSERT_EQ(recorder.tape(static_cast<uint64_t>(i)), expected) << i;
  }
  expected.set_fingerprint(1);
  EXPECT_EQ(recorder.tape(1), expected);
}

TEST(TapeRecorderTest, MakesTheTapeOfTheRun) {
  TapeRecorder recorder(7, TapeLimits(1'000, absl::Seconds(1), absl::ZeroDuration()));
  for (uint64_t seed = 0; seed < 20; ++seed) {
    ExpectTheSame(recorder, seed, 10, 1'000);
    ExpectTheSame(recorder, seed, 500, 1'000);
    ExpectTheSame(recorder, seed, 500, 1);
    ExpectTheSame(recorder, seed, 500, 7);
  }
}

}  // namespace
}  // namespace detent::sim
