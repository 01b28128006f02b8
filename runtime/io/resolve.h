// SPDX-License-Identifier: Apache-2.0
//
// Resolve: the addresses of a name, as Connect() and Listen() ask for them.
//
//   for (const Address& address : co_await Resolve("db.example", 5432)) Log(address.ToString());
//
// A numeric address, "" (every address of this machine) and "localhost" are known at once; any other name is the
// system's to look up, on at most four threads that all loops of the process share and for which nothing ever waits.
// Those that are asked for one name at the same time are one look-up.
//
// Order.         The addresses come in the order in which to try them, never none.
// Suspension.    While a name is looked up.
// Cancellation.  At any point. An abandoned look-up is dropped if it has not begun; else its thread ends it, and its
//                answer is for nobody. Neither the end of a run nor that of the process waits for it.
// Errors.        std::system_error with the resolver's words: "look up db.example (Temporary failure in name
//                resolution)". The errno is EAGAIN for a failure that may pass, also if too many look-ups wait; ENXIO
//                for a name that is not there, EAFNOSUPPORT for one that has no address of the family that was asked
//                for. std::invalid_argument for a port out of range and a host that cannot be a name.
//                InvalidStateError outside a running loop.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_IO_RESOLVE_H_
#define DETENT_RUNTIME_IO_RESOLVE_H_

#include <source_location>
#include <string_view>
#include <vector>

#include "detent/runtime/coro.h"
#include "detent/runtime/io/address.h"

namespace detent {

struct ResolveOptions {
  // kAny, kIpv4 or kIpv6: only addresses of that family.
  AddressFamily family = AddressFamily::kAny;
};

// `port`, in [0, 65535], is that of each address.
Coro<std::vector<Address>> Resolve(std::string_view host, int port, ResolveOptions options = ResolveOptions(),
                                   std::source_location where = std::source_location::current());

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_RESOLVE_H_
