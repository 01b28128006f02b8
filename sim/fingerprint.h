// SPDX-License-Identifier: Apache-2.0
//
// Fingerprint: a hash of what a run did, step by step. The same on every compiler, at every optimisation level.
//
// Each number goes through one round of multiplication and xor-shift (the finaliser of MurmurHash3, Appleby 2011, cut
// short): quick, and good enough to tell runs apart. Not for cryptography.
#ifndef DETENT_SIM_FINGERPRINT_H_
#define DETENT_SIM_FINGERPRINT_H_

#include <cstdint>

namespace detent::sim {

class Fingerprint {
 public:
  Fingerprint() {}

  void Add(uint64_t number) {
    value_ = (value_ ^ number) * 0xff51afd7ed558ccd;
    value_ ^= value_ >> 32;
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0x9e3779b97f4a7c15;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_FINGERPRINT_H_
