// SPDX-License-Identifier: Apache-2.0
//
// One large read from a socket: by ReadExactly(), and by reads into a string that had its size from the beginning.
#include <sys/resource.h>

#include <algorithm>
#include <string>
#include <utility>

#include "detent/bench/harness/workload.h"
#include "detent/bench/ours/ours.h"
#include "detent/runtime/runtime.h"

namespace detent_bench::ours {
namespace {

using detent::Connection;
using detent::Coro;

// In another process's stead: its CPU time is in both figures.
Coro<> Send(Connection connection, uint64_t size) {
  const std::string chunk(256 * 1024, 'x');
  while (size > 0) {
    const size_t some = std::min<uint64_t>(size, chunk.size());
    co_await connection.Write(std::string_view(chunk).substr(0, some));
    size -= some;
  }
}

Coro<std::string> ReadAtOnce(Connection& connection, uint64_t size) { co_return co_await connection.ReadExactly(size); }

Coro<std::string> ReadReserved(Connection& connection, uint64_t size) {
  std::string bytes(size, '\0');
  size_t at = 0;
  while (at < size) at += co_await connection.ReadInto(std::span(bytes).subspan(at));
  co_return bytes;
}

double PeakBytes() {
  rusage usage;
  Require(getrusage(RUSAGE_SELF, &usage) == 0, "getrusage()");
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

void ReadLarge(uint64_t size, Coro<std::string> (*read)(Connection&, uint64_t)) {
  detent::Run([&]() -> Coro<> {
    auto [reads, writes] = detent::SocketPair();
    detent::Task<> sender = detent::Spawn(Send(std::move(writes), size));
    const double before = ResidentBytes();
    const std::string bytes = co_await read(reads, size);
    Require(bytes.size() == size && bytes.back() == 'x', "the bytes");
    Note("peak_bytes_a_byte", (PeakBytes() - before) / static_cast<double>(size));
    co_await sender;
  });
}

}  // namespace

void ReadExactlyLarge(uint64_t ops) { ReadLarge(ops, ReadAtOnce); }

void ReadReservedLarge(uint64_t ops) { ReadLarge(ops, ReadReserved); }

}  // namespace detent_bench::ours
