// SPDX-License-Identifier: Apache-2.0
//
// Unix sockets, socket pairs and pipes of a simulated loop, under network.h. Internal.
//
// They are calm: what is written has arrived, nothing is lost, nobody is refused. How many of the bytes that are there
// a read gives is a choice all the same, as for any stream (network.h).
#ifndef DETENT_SIM_WORLD_LOCAL_SOCKETS_H_
#define DETENT_SIM_WORLD_LOCAL_SOCKETS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "detent/runtime/io/internal/io_result.h"
#include "detent/runtime/io/internal/network.h"

namespace detent::sim {

class LocalListener;

// Those of one network.
class LocalSockets {
 public:
  // Of two bytes or more, how many a read gives; and whose they are. The stream is one of NewStream's.
  using DrawPart = std::function<size_t(uint64_t stream, size_t, const std::string&)>;
  using NewStream = std::function<uint64_t()>;

  LocalSockets(DrawPart draw_part, NewStream new_stream)
      : draw_part_(std::move(draw_part)), new_stream_(std::move(new_stream)) {}
  LocalSockets(const LocalSockets&) = delete;
  LocalSockets& operator=(const LocalSockets&) = delete;
  ~LocalSockets();

  internal::IoResult<std::unique_ptr<internal::ListenSocket>> Listen(const std::string& path,
                                                                     const internal::ListenSettings& settings);
  internal::IoResult<std::unique_ptr<internal::StreamSocket>> Connect(const std::string& path);
  internal::Network::Streams MakePair(bool one_way);

 private:
  friend class LocalListener;

  DrawPart draw_part_;
  NewStream new_stream_;
  std::map<std::string, LocalListener*> listeners_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_LOCAL_SOCKETS_H_
