// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/largest_of.h"

namespace detent::sim {
namespace {

__extension__ using Wide = unsigned __int128;

// Fractions are multiples of 2^-64; 1 is the greatest there is.
constexpr uint64_t kOne = ~uint64_t{0};
constexpr uint64_t kInverseOfE = 0x5e2d58d8b3bcdf1a;  // Of 2^64.
// So many terms of the series are exact to the last bit or two.
constexpr uint64_t kTerms = 20;

uint64_t Product(uint64_t a, uint64_t b) { return static_cast<uint64_t>(Wide{a} * b >> 64); }

// An exponential number of mean 1 (J. von Neumann, "Various techniques used in connection with random digits", 1951):
// a first number is kept if the run of numbers that fall from it is of odd length; each that is not kept is 1 more.
Wide Exponential(RandomGenerator& random) {
  for (uint64_t whole = 0;; ++whole) {
    const uint64_t first = random.Next();
    uint64_t last = first;
    bool is_odd = true;
    for (uint64_t next; (next = random.Next()) < last; last = next) is_odd = !is_odd;
    if (is_odd) return Wide{whole} << 64 | first;
  }
}

// exp(-fraction), by Horner's rule.
uint64_t ExpOfMinus(uint64_t fraction) {
  uint64_t sum = kOne;
  for (uint64_t term = kTerms; term > 0; --term) sum = kOne - Product(fraction, sum) / term;
  return sum;
}

}  // namespace

uint64_t LargestOf(RandomGenerator& random, uint64_t count, uint64_t bound) {
  const Wide exponent = Exponential(random) / count;
  uint64_t factor = ExpOfMinus(static_cast<uint64_t>(exponent));
  for (auto whole = static_cast<uint64_t>(exponent >> 64); whole > 0; --whole) factor = Product(factor, kInverseOfE);
  return Product(bound, factor);
}

}  // namespace detent::sim
