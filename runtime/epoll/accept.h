// SPDX-License-Identifier: Apache-2.0
//
// AcceptOne: accept(2), for listeners of any kind.
#ifndef DETENT_RUNTIME_EPOLL_ACCEPT_H_
#define DETENT_RUNTIME_EPOLL_ACCEPT_H_

#include <sys/socket.h>

namespace detent::internal {

// A descriptor for the next connection, or -1 and an errno that is the listener's own: who failed while waiting to be
// accepted is left out.
int AcceptOne(int fd, sockaddr* peer, socklen_t* size);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_ACCEPT_H_
