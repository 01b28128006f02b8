// SPDX-License-Identifier: Apache-2.0
//
// The datagrams of a simulated loop: UDP as a program sees it, in memory, on virtual time. Internal.
//
// Each datagram goes its own way: how long it takes is a choice, one of eight, 50 microseconds (the calmest) doubled up
// to seven times, and from there it may take a place before, with or after the events next to it (arrivals.h). So one
// may overtake another. That one is lost or comes twice is a fault (datagram_faults.h).
//
// A socket holds so many bytes and datagrams that the program has not received; the newest that finds no room is lost,
// as Linux does it. So many bytes may be under way from a socket; then sending waits. If nobody is at the address when
// a datagram comes there, a connected sender is told, which is a message of its own.
//
// Hosts.         Any name is an address of its own. Who is bound to 0.0.0.0 or :: receives what is sent to any host,
//                and a connected peer hears it whichever of its addresses that peer calls it by. Free ports are handed
//                out in order, from 49152; they are not those of TCP.
// Not simulated  (yet): fragments, the host's unreachability, a limit to how often refusals are told.
#ifndef DETENT_SIM_WORLD_DATAGRAMS_H_
#define DETENT_SIM_WORLD_DATAGRAMS_H_

#include <memory>

#include "detent/runtime/event_loop.h"
#include "detent/runtime/io/internal/datagrams.h"
#include "detent/sim/world/arrivals.h"
#include "detent/sim/world/faults.h"

namespace detent::sim {

// What one datagram may have: 64 KiB without the headers of IPv4 and UDP.
inline constexpr size_t kDatagramMax = 65'507;
// What a socket holds that was not received, and what may be under way from one.
inline constexpr size_t kDatagramsWaitingMax = 256;
inline constexpr size_t kDatagramBytesMax = 208 * 1024;

// For one run: make a new one for the next. `arrivals` are the loop's.
std::unique_ptr<internal::Datagrams> MakeSimDatagrams(EventLoop& loop, Arrivals& arrivals, Faults& faults);

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_DATAGRAMS_H_
