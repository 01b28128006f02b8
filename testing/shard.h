// SPDX-License-Identifier: Apache-2.0
//
// Shard: GoogleTest's and Bazel's way to run a test program in several processes, on several machines.
//
// With detent's own main() a shard runs every simulated test, with its share of the schedules, and its share of the
// other tests; `bazel test --test_arg=--detent_schedules=1000000` with shard_count = 8 so searches eight times as fast.
// With any other main(), GoogleTest deals out whole tests, as ever.
//
// `bazel test --runs_per_test=5` (the variable TEST_RUN_NUMBER, which Bazel 4 calls TEST_RANDOM_SEED) lets each run
// search other schedules, with any main().
//
// Internal.
#ifndef DETENT_TESTING_SHARD_H_
#define DETENT_TESTING_SHARD_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace detent_testing::internal {

class Shard {
 public:
  Shard() {}
  uint64_t index = 0;
  uint64_t count = 1;
};

// The shard that this process is; the only one, unless TakeShard() found another.
Shard& TheShard();

// Takes the shard out of the environment, so that GoogleTest does not see it, and tells Bazel, by touching a file, that
// this program knows about shards. For main(), before InitGoogleTest(). The error is a sentence.
absl::Status TakeShard();

// Takes back what a GoogleTest has seen of it nevertheless: from 1.18 on it reads the shard before main(), into flags,
// and would deal out whole tests among the shards of which each then runs only its share of the schedules. For main(),
// after InitGoogleTest(). A shard that was given by those flags is ours too.
absl::Status TakeShardFlags();

// Bazel's number of this run, from 1; 1 without Bazel.
absl::StatusOr<uint64_t> RunNumber();

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_SHARD_H_
