// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/resolve.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/io/internal/arguments.h"
#include "detent/runtime/io/internal/names.h"
#include "detent/runtime/io/internal/outside.h"

namespace detent {
namespace {

// A name of a simulated host stands for an address of any family.
bool IsOf(const Address& address, AddressFamily family) {
  return family == AddressFamily::kAny || address.family() == AddressFamily::kName || address.family() == family;
}

Address EveryAddress(uint16_t port, AddressFamily family) {
  return family == AddressFamily::kIpv6 ? Address::Ipv6({}, port) : Address::Ipv4({}, port);
}

Coro<std::vector<Address>> LookUp(std::string host, uint16_t port, AddressFamily family) {
  internal::LoopCore& core = internal::RequireCore("Resolve()");
  std::vector<Address> addresses;
  if (host.empty()) {
    addresses.push_back(EveryAddress(port, family));
  } else if (std::optional<Address> numeric = Address::FromHost(host, port)) {
    addresses.push_back(*std::move(numeric));
  } else {
    const std::unique_ptr<internal::NameLookUp> look_up = core.owner().outside().names().LookUp(host);
    co_await internal::LookUpWait(*look_up);
    internal::NamesFound found = look_up->Take();
    if (found.error != 0) {
      throw std::system_error(found.error, std::generic_category(),
                              absl::StrCat("look up ", host, " (", found.reason, ")"));
    }
    addresses = std::move(found.addresses);
    for (Address& address : addresses) address = address.WithPort(port);
  }
  std::erase_if(addresses, [&](const Address& address) { return !IsOf(address, family); });
  if (addresses.empty()) {
    throw std::system_error(
        EAFNOSUPPORT, std::generic_category(),
        absl::StrCat("look up ", host, " (it has no IPv", family == AddressFamily::kIpv6 ? "6" : "4", " address)"));
  }
  co_return std::move(addresses);
}

}  // namespace

Coro<std::vector<Address>> Resolve(std::string_view host, int port, ResolveOptions options,
                                   std::source_location where) {
  if (options.family > AddressFamily::kIpv6) {
    throw std::invalid_argument("Resolve(): the family must be kAny, kIpv4 or kIpv6; a name has no other addresses");
  }
  return LookUp(internal::CheckedHost("Resolve()", host), internal::CheckedPort("Resolve()", port, 0), options.family)
      .At(where);
}

}  // namespace detent
