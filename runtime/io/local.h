// SPDX-License-Identifier: Apache-2.0
//
// Connections inside one machine: Unix sockets, by path or by name, and pairs of ends.
//
//   Listener listener = co_await ListenUnix("/run/app.sock", {.mode = 0600});
//   Connection client = co_await ConnectUnix("/run/app.sock");
//   uint32_t who = client.PeerCredentials().uid;
//
//   auto [left, right] = SocketPair();          // both ways
//   auto [read_end, write_end] = Pipe();        // one way
//
// Paths.         Of a file, of 107 bytes at most. A name that begins with '@', or with a zero byte, belongs to no file
//                (Linux's abstract names). ListenUnix() takes over the file of a listener that is gone, which it finds
//                out by trying to connect; a file that is no socket, or whose listener lives, is "Address already in
//                use". The file is removed when the listener is closed, unless another one has its path by then.
// Suspension.    ConnectUnix() while the listener's backlog is full; the others never.
// Cancellation.  At any point; nothing is left open.
// Errors.        std::system_error with the errno and the path: "connect to app.sock: No such file or directory".
//                std::invalid_argument for a path that cannot be one. InvalidStateError outside a running loop, and for
//                reading from the end of a Pipe() to which one writes, or the other way round.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_IO_LOCAL_H_
#define DETENT_RUNTIME_IO_LOCAL_H_

#include <source_location>
#include <string_view>
#include <utility>

#include "detent/runtime/coro.h"
#include "detent/runtime/io/connection.h"
#include "detent/runtime/io/listener.h"

namespace detent {

struct UnixListenOptions {
  // Who may connect, as the file's mode: 0600 is the owner. 0: as the process's umask has it.
  int mode = 0;
  // How many connections may wait to be accepted; the system may have a lower bound of its own.
  int backlog = 4096;
};

Coro<Listener> ListenUnix(std::string_view path, UnixListenOptions options = UnixListenOptions(),
                          std::source_location where = std::source_location::current());
Coro<Connection> ConnectUnix(std::string_view path, std::source_location where = std::source_location::current());

// Two connections that are each other's peers.
std::pair<Connection, Connection> SocketPair(std::source_location where = std::source_location::current());
// The first is only to read from, the second only to write to.
std::pair<Connection, Connection> Pipe(std::source_location where = std::source_location::current());

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_LOCAL_H_
