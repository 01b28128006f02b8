// SPDX-License-Identifier: Apache-2.0
//
// What an echo server's process pays for a request, under load from this one.
//
// A server is a process that prints `port N` on its standard output and then serves that port of 127.0.0.1 until it is
// killed; for Kind::kUnix N is any number, and it serves the abstract name that UnixName(N) gives. Its CPU time is read
// from outside, so that servers in any language can be compared.
#ifndef DETENT_BENCH_HARNESS_ECHO_H_
#define DETENT_BENCH_HARNESS_ECHO_H_

#include <cstdint>
#include <string>

namespace detent_bench {

class EchoLoad {
 public:
  enum class Kind { kStreams, kDatagrams, kUnix };

  EchoLoad(int the_connections, int the_in_flight, uint64_t the_requests, Kind its_kind = Kind::kStreams)
      : connections(the_connections), in_flight(the_in_flight), requests(the_requests), kind(its_kind) {}

  int connections;
  // Requests of 64 bytes that each connection has sent and not got back. Of datagrams no more in all than a socket
  // holds (some 270): none may be lost.
  int in_flight;
  uint64_t requests;
  Kind kind;
};

// "detent-echo-N": what follows the zero byte, or the @, of an abstract name.
std::string UnixName(int number);

// The server's CPU time for all requests, in nanoseconds. `serve` runs in a process of its own.
double EchoNanoseconds(void (*serve)(), const EchoLoad& load);
// The same for a command.
double EchoNanoseconds(const std::string& command, const EchoLoad& load);

}  // namespace detent_bench

#endif  // DETENT_BENCH_HARNESS_ECHO_H_
