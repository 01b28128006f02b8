// SPDX-License-Identifier: Apache-2.0
//
// What is random in a step of a simulated loop, and elsewhere.
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using detent::Coro;

// Some of each source of entropy.
std::vector<uint64_t> Entropy() {
  std::vector<uint64_t> words;
  uint64_t word = 0;
  EXPECT_EQ(getrandom(&word, sizeof word, 0), 8);
  words.push_back(word);
  EXPECT_EQ(getentropy(&word, sizeof word), 0);
  words.push_back(word);
  words.push_back(std::random_device()());
  words.push_back(std::random_device("/dev/urandom")());
  words.push_back(arc4random());
  arc4random_buf(&word, sizeof word);
  words.push_back(word);
  words.push_back(arc4random_uniform(1'000'000));
  std::array<char, 3> few = {};
  EXPECT_EQ(getrandom(few.data(), few.size(), 0), 3);
  words.push_back(static_cast<uint64_t>(few[0]) << 16 | static_cast<uint64_t>(few[2]));
  return words;
}

TEST(EntropyTest, EntropyComesFromTheSeed) {
  const auto of_seed = [](uint64_t seed) {
    detent::sim::SimLoop loop({.seed = seed});
    return loop.Run([]() -> Coro<std::vector<uint64_t>> { co_return Entropy(); });
  };
  const std::vector<uint64_t> once = of_seed(1);
  EXPECT_EQ(of_seed(1), once);
  const std::vector<uint64_t> other = of_seed(2);
  for (size_t i = 0; i < once.size(); ++i) EXPECT_NE(once[i], other[i]) << i;
}

SIM_TEST(EntropyTest, NoMoreEntropyAtOnceThanTheSystemGives, {.schedules = 1}) {
  std::array<char, 257> many;
  EXPECT_EQ(getentropy(many.data(), many.size()), -1);
  EXPECT_EQ(arc4random_uniform(0), 0u);
  EXPECT_LT(arc4random_uniform(7), 7u);
  co_return;
}

TEST(EntropyTest, ElsewhereNothingChanges) {
  EXPECT_NE(Entropy(), Entropy());
  detent::EpollLoop real;
  real.Run([]() -> Coro<> {
    EXPECT_NE(Entropy(), Entropy());
    co_return;
  });
}

}  // namespace
}  // namespace detent_testing
