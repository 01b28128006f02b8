// SPDX-License-Identifier: Apache-2.0
//
// RankSet: a set of small numbers that finds the k-th of them, and how many are below one, in the logarithm of its
// size. Internal.
//
//   RankSet heads;
//   heads.Reset(1000);           // numbers below 1,000; none is in it
//   heads.Insert(17);
//   heads.At(0);                 // 17
//
// Bits, 64 to a word, and over the words a binary indexed tree of their sums (P. Fenwick, "A new data structure for
// cumulative frequency tables", 1994).
#ifndef DETENT_SIM_STRATEGY_RANK_SET_H_
#define DETENT_SIM_STRATEGY_RANK_SET_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace detent::sim {

class RankSet {
 public:
  RankSet() {}

  void Reset(size_t bound) {
    const size_t words = bound / kBits + 1;
    bits_.assign(words, 0);
    sums_.assign(std::bit_ceil(words + 1), 0);
    size_ = 0;
  }

  size_t size() const { return size_; }
  // REQUIRES: below the bound, as everywhere.
  bool Contains(size_t number) const { return (bits_[number / kBits] >> number % kBits & 1) != 0; }
  // REQUIRES: it is not in.
  void Insert(size_t number) { Flip(number, 1); }
  // REQUIRES: it is in.
  void Erase(size_t number) { Flip(number, -1); }

  // How many are less than `number`.
  size_t CountBelow(size_t number) const {
    size_t count = 0;
    for (size_t node = number / kBits; node > 0; node &= node - 1) count += sums_[node];
    const uint64_t below = (uint64_t{1} << number % kBits) - 1;
    return count + static_cast<size_t>(std::popcount(bits_[number / kBits] & below));
  }
  // The one of which `rank` are less. REQUIRES: rank < size().
  size_t At(size_t rank) const {
    size_t word = 0;
    for (size_t step = sums_.size() / 2; step > 0; step /= 2) {
      if (word + step >= sums_.size() || sums_[word + step] > rank) continue;
      word += step;
      rank -= sums_[word];
    }
    uint64_t bits = bits_[word];
    for (; rank > 0; --rank) bits &= bits - 1;
    return word * kBits + static_cast<size_t>(std::countr_zero(bits));
  }
  // Calls visit(number) for each from `first` on. REQUIRES: none is less.
  template <typename F>
  void VisitFrom(size_t first, F visit) const {
    for (size_t word = first / kBits; word < bits_.size(); ++word) {
      for (uint64_t bits = bits_[word]; bits != 0; bits &= bits - 1) {
        visit(word * kBits + static_cast<size_t>(std::countr_zero(bits)));
      }
    }
  }

 private:
  static constexpr size_t kBits = 64;

  void Flip(size_t number, int change) {
    bits_[number / kBits] ^= uint64_t{1} << number % kBits;
    size_ += static_cast<size_t>(change);
    for (size_t node = number / kBits + 1; node < sums_.size(); node += node & (~node + 1)) {
      sums_[node] += static_cast<uint32_t>(change);
    }
  }

  std::vector<uint64_t> bits_;
  // sums_[i]: how many bits are set in the words from i - (the lowest bit of i) up to i, the last excluded.
  std::vector<uint32_t> sums_;
  size_t size_ = 0;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_RANK_SET_H_
