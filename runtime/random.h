// SPDX-License-Identifier: Apache-2.0
//
// RandomGenerator: a small generator whose output is specified, so that a seed means the same numbers everywhere.
//
//   RandomGenerator random(42);
//   uint64_t die = 1 + random.Below(6);
//
// xoshiro256** (Blackman and Vigna, 2018), seeded through SplitMix64 (Steele, Lea and Flood, 2014). Below() is unbiased
// (Lemire, "Fast random integer generation in an interval", 2019). Not for cryptography.
#ifndef DETENT_RUNTIME_RANDOM_H_
#define DETENT_RUNTIME_RANDOM_H_

#include <cstdint>

namespace detent {

class RandomGenerator {
 public:
  explicit RandomGenerator(uint64_t seed = 0) { Seed(seed); }

  void Seed(uint64_t seed) {
    state_[0] = SplitMix(seed + 1 * kGolden);
    state_[1] = SplitMix(seed + 2 * kGolden);
    state_[2] = SplitMix(seed + 3 * kGolden);
    state_[3] = SplitMix(seed + 4 * kGolden);
  }

  // 64 random bits.
  uint64_t Next() {
    const uint64_t result = Rotate(state_[1] * 5, 7) * 9;
    const uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = Rotate(state_[3], 45);
    return result;
  }

  // A number in [0, n), each with the same probability. REQUIRES: n > 0.
  uint64_t Below(uint64_t n) {
    __extension__ using Wide = unsigned __int128;
    Wide product = Wide{Next()} * n;
    if (static_cast<uint64_t>(product) < n) {
      const uint64_t threshold = -n % n;
      while (static_cast<uint64_t>(product) < threshold) product = Wide{Next()} * n;
    }
    return static_cast<uint64_t>(product >> 64);
  }

  // A number in [0, 1), a multiple of 2^-53.
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

 private:
  static constexpr uint64_t kGolden = 0x9e3779b97f4a7c15;

  static uint64_t SplitMix(uint64_t z) {
    asm("" : "+r"(z));  // Else clang would take four at once in vectors, which lack the multiplication.
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  static uint64_t Rotate(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

  uint64_t state_[4];
};

}  // namespace detent

#endif  // DETENT_RUNTIME_RANDOM_H_
