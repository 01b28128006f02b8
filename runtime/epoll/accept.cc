// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/accept.h"

#include <algorithm>
#include <cerrno>
#include <iterator>

namespace detent::internal {
namespace {

// Errors of a connection that failed while it waited to be accepted: the next one may be well (accept(2)).
bool ConcernsOneConnection(int error) {
  constexpr int kErrors[] = {EINTR,      ECONNABORTED, ECONNRESET, EPROTO,       ENOPROTOOPT,     EPROTONOSUPPORT,
                             ENETDOWN,   ENETUNREACH,  EHOSTDOWN,  EHOSTUNREACH, ESOCKTNOSUPPORT, ENONET,
                             EOPNOTSUPP, ETIMEDOUT,    ENOSR,      EPERM};
  return std::find(std::begin(kErrors), std::end(kErrors), error) != std::end(kErrors);
}

}  // namespace

int AcceptOne(int fd, sockaddr* peer, socklen_t* size) {
  // Bounded: what forbids every call (a filter of system calls) looks like what concerns one connection.
  constexpr int kTriesMax = 1000;
  const socklen_t room = *size;
  int accepted = -1;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    *size = room;
    accepted = accept4(fd, peer, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted >= 0 || !ConcernsOneConnection(errno)) break;
  }
  return accepted;
}

}  // namespace detent::internal
