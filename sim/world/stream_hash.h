// SPDX-License-Identifier: Apache-2.0
//
// The hashes that name the streams of choices (sim/strategy/stream_id.h): the same on every machine. Internal.
#ifndef DETENT_SIM_WORLD_STREAM_HASH_H_
#define DETENT_SIM_WORLD_STREAM_HASH_H_

#include <cstdint>
#include <string_view>

namespace detent::sim {

// The finaliser of MurmurHash3 (Appleby, 2011), of `a` and then `b`.
inline uint64_t HashOf(uint64_t a, uint64_t b) {
  uint64_t hash = (a ^ 0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd;
  hash ^= hash >> 33;
  hash = (hash ^ b) * 0xc4ceb9fe1a85ec53;
  return hash ^ hash >> 33;
}
inline uint64_t HashOf(std::string_view text) {
  uint64_t hash = text.size();
  for (const char c : text) hash = HashOf(hash, static_cast<unsigned char>(c));
  return hash;
}

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_STREAM_HASH_H_
