// SPDX-License-Identifier: Apache-2.0
//
// The checks that calls with a host and a port have in common. Each throws std::invalid_argument; `what` is the call:
// "Connect()".
#ifndef DETENT_RUNTIME_IO_INTERNAL_ARGUMENTS_H_
#define DETENT_RUNTIME_IO_INTERNAL_ARGUMENTS_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace detent::internal {

// A port in [least, 65535].
uint16_t CheckedPort(const char* what, int port, int least);
// A copy of `host`, which may be looked up.
std::string CheckedHost(const char* what, std::string_view host);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_INTERNAL_ARGUMENTS_H_
