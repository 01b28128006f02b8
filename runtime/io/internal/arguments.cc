// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/internal/arguments.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"

namespace detent::internal {
namespace {

// Of a name in the domain name system (RFC 1035, 2.3.4), as text.
constexpr size_t kNameMax = 253;

}  // namespace

uint16_t CheckedPort(const char* what, int port, int least) {
  if (port < least || port > 65535) {
    throw std::invalid_argument(
        absl::StrCat(what, ": the port is ", port, "; it must be between ", least, " and 65535"));
  }
  return static_cast<uint16_t>(port);
}

std::string CheckedHost(const char* what, std::string_view host) {
  if (host.find('\0') != std::string_view::npos) {
    throw std::invalid_argument(absl::StrCat(what, ": the host contains a zero byte"));
  }
  if (host.size() > kNameMax) {
    throw std::invalid_argument(
        absl::StrCat(what, ": the host has ", host.size(), " bytes; a name has at most ", kNameMax));
  }
  return std::string(host);
}

}  // namespace detent::internal
