// SPDX-License-Identifier: Apache-2.0
//
// EpollStream: what all stream sockets of the kernel have in common. Who derives from it knows its addresses.
//
// Invariants.
//   1. A descriptor is registered once, edge-triggered, for everything. `readable_` and `writable_` say whether a
//      system call is worth it: an event sets them, EAGAIN clears them.
//   2. A read that gives less than was asked for has drained the socket: what comes later is another edge. That spares
//      the call that would only say EAGAIN. It does not hold once the peer has closed, reset, or sent urgent data:
//      the edge may have come before the read, and the read stops short of what it announced.
#ifndef DETENT_RUNTIME_EPOLL_STREAM_H_
#define DETENT_RUNTIME_EPOLL_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "detent/runtime/epoll/socket_descriptor.h"
#include "detent/runtime/internal/frame_pool.h"
#include "detent/runtime/io/internal/io_result.h"
#include "detent/runtime/io/internal/network.h"

namespace detent::internal {

class EpollStream : public StreamSocket, public Pooled, protected SocketDescriptor {
 public:
  enum class Start : bool { kConnecting, kConnected };

  EpollStream(SocketDescriptors& all, int fd, Start start, Ways ways = Ways::kBoth)
      : StreamSocket(Reads::kAll, ways),
        SocketDescriptor(all, fd),
        readable_(start == Start::kConnected),
        writable_(start == Start::kConnected) {}

  void Close() override { CloseDescriptor(); }
  void Abort() override;
  IoResult<> FinishConnect() override;
  IoResult<size_t> Read(char* buffer, size_t size) final;
  IoResult<size_t> Write(const char* data, size_t size) final;
  IoResult<size_t> WritePieces(std::span<const std::string_view> pieces) final;
  void ShutdownWrite() override;
  bool HasPeerClosed() const final { return peer_closed_; }
  void Leave() override;
  int Join(Network& network) override;

 private:
  void OnEvents(uint32_t events) override;
  // Of what concerns an end, or urgent data.
  void OnUnusual(uint32_t events);

  bool readable_;
  bool writable_;
  bool drains_on_short_read_ = true;
  bool peer_closed_ = false;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_STREAM_H_
