// SPDX-License-Identifier: Apache-2.0
//
// OpenSocket: a socket that the program has, in the list of its loop: who asks what is open finds it there.
#ifndef DETENT_RUNTIME_INTERNAL_OPEN_SOCKET_H_
#define DETENT_RUNTIME_INTERNAL_OPEN_SOCKET_H_

#include <source_location>
#include <string>

#include "detent/runtime/internal/list.h"

namespace detent::internal {

// A Connection or a Listener that is not closed.
class OpenSocket : public ListLink<OpenSocket> {
 public:
  explicit OpenSocket(std::source_location where) : ListLink(nullptr), opened_at(where) {}
  OpenSocket(const OpenSocket&) = delete;
  OpenSocket& operator=(const OpenSocket&) = delete;

  // `a connection to 127.0.0.1:8080`.
  virtual std::string DescribeSocket() const = 0;
  const std::source_location opened_at;

  void Unlist() {
    if (IsListed()) List<OpenSocket>::Unlist(this);
  }

 protected:
  ~OpenSocket() { Unlist(); }
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_OPEN_SOCKET_H_
