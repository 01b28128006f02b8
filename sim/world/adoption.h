// SPDX-License-Identifier: Apache-2.0
//
// The descriptors with which a simulated program is started, or that another library hands it: for AdoptConnection(),
// AdoptListener(), InheritedListeners() and StandardInput().
//
//   const int fd = sim::ListeningDescriptor("127.0.0.1", 8080);
//   sim::InheritDescriptor(fd, "web");                           // InheritedListeners() gives it, called "web"
//
//   Connection typing = sim::FeedStandardInput();
//   co_await typing.Write("quit\n");                             // StandardInput() reads it
//
// The numbers are known to those functions only. There is no kernel behind them: WaitReadable() and AddReader() throw
// as ever.
//
// Order.         Numbers from 3 on, as they are asked for.
// Suspension.    Never.
// Cancellation.  Nothing is waited for.
// Errors.        std::system_error as of Listen(). std::invalid_argument for what cannot be inherited.
//                InvalidStateError outside a run of a SimLoop.
// Threads.       The loop's own thread only.
#ifndef DETENT_SIM_WORLD_ADOPTION_H_
#define DETENT_SIM_WORLD_ADOPTION_H_

#include <memory>
#include <string_view>
#include <utility>

#include "detent/runtime/event_loop.h"
#include "detent/runtime/io/connection.h"
#include "detent/runtime/io/internal/adoption.h"

namespace detent::sim {

// As socket(2), bind(2) and listen(2).
int ListeningDescriptor(std::string_view host, int port);
// As socketpair(2).
std::pair<int, int> SocketPairDescriptors();
// As pipe(2): the first is to read from.
std::pair<int, int> PipeDescriptors();

// As if a supervisor had started the program with it, under this name, after those of earlier calls.
void InheritDescriptor(int fd, std::string_view name);

// What is written to it StandardInput() reads, and when it is closed that ends. Once in a run, and first.
Connection FeedStandardInput();

// --- For the library ---

std::unique_ptr<internal::Adoption> MakeSimAdoption(EventLoop& loop);

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_ADOPTION_H_
