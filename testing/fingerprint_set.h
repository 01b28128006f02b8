// SPDX-License-Identifier: Apache-2.0
//
// FingerprintSet: a set of numbers that are random already, so that they need no hash: open addressing by their bits
// from kSkipped on, eight bytes a place. The bits below may be the same in all.
//
// Internal.
#ifndef DETENT_TESTING_FINGERPRINT_SET_H_
#define DETENT_TESTING_FINGERPRINT_SET_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace detent_testing::internal {

class FingerprintSet {
 public:
  FingerprintSet() {}

  size_t size() const { return size_ + (has_zero_ ? 1 : 0); }

  // Asks for the place of `number` to be in the cache.
  void Prefetch(uint64_t number) const {
    if (!places_.empty()) __builtin_prefetch(&places_[PlaceOf(number)], /*rw=*/1);
  }
  void Insert(uint64_t number) {
    if (size_ * 2 >= places_.size()) [[unlikely]]
      Grow();
    if (number == kNone) [[unlikely]] {
      has_zero_ = true;
      return;
    }
    size_t place = PlaceOf(number);
    while (places_[place] != kNone) {
      if (places_[place] == number) return;
      place = (place + 1) & (places_.size() - 1);
    }
    places_[place] = number;
    ++size_;
  }
  void Clear() { *this = FingerprintSet(); }

  // Calls visit(number) for each, in no order.
  template <typename F>
  void Visit(F visit) const {
    if (has_zero_) visit(kNone);
    for (const uint64_t number : places_) {
      if (number != kNone) visit(number);
    }
  }

 private:
  static constexpr uint64_t kNone = 0;  // What a place that is free has.
  static constexpr int kSkipped = 20;
  static constexpr size_t kFirstPlaces = 128;
  static constexpr size_t kGrowth = 4;

  // Not by the highest bits: what another set has in its order would go into a smaller one at its beginning.
  size_t PlaceOf(uint64_t number) const { return static_cast<size_t>(number >> kSkipped) & (places_.size() - 1); }
  void Grow();

  std::vector<uint64_t> places_;  // Half of them are free at least.
  size_t size_ = 0;               // But for the number 0.
  bool has_zero_ = false;
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_FINGERPRINT_SET_H_
