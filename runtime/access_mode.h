// SPDX-License-Identifier: Apache-2.0
//
// AccessMode: how a step touches something that tasks share.
#ifndef DETENT_RUNTIME_ACCESS_MODE_H_
#define DETENT_RUNTIME_ACCESS_MODE_H_

#include <cstdint>

namespace detent {

enum class AccessMode : uint8_t {
  kRead,
  kWrite,
  kCount,  // As a read, by one of several that count until the last of them makes a step ready which writes the object.
};

}  // namespace detent

#endif  // DETENT_RUNTIME_ACCESS_MODE_H_
