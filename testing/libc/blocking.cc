// SPDX-License-Identifier: Apache-2.0
//
// Calls of the C library that in a simulated step would wait for the system, or start what the loop does not order.
// They are told of, and then do what they always do.
// Whose headers define some of these functions inline.
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "detent/testing/libc/simulated_step.h"

namespace {

using detent_testing::internal::LoopOfStep;
using detent_testing::internal::NextSymbol;
using detent_testing::internal::ReportLeak;

constexpr char kWaits[] =
    "it waits for the system, for which no simulated loop can wait; use detent's own operation, or give a fake to the "
    "code under test";
constexpr char kStarts[] =
    "a thread runs as the system likes, and its run cannot be replayed; use Spawn(), or RunInExecutor()";
constexpr char kContended[] =
    "another thread holds it, and when that lets go no schedule decides; keep threads out of the code under test";

void TellOfWait(const char* function) {
  if (detent::EventLoop* const loop = LoopOfStep()) ReportLeak(*loop, function, kWaits);
}

// A socket, pipe or terminal that makes its reader wait.
bool MayWait(int descriptor) {
  const int before = errno;
  struct stat status;
  const int flags = fcntl(descriptor, F_GETFL);
  const bool may = flags >= 0 && (flags & O_NONBLOCK) == 0 && fstat(descriptor, &status) == 0 &&
                   (S_ISSOCK(status.st_mode) || S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode));
  errno = before;
  return may;
}

// Of /dev/urandom and the like, which answer at once, nobody needs to be told.
bool IsTerminalOrStream(int descriptor) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) return false;
  return !S_ISCHR(status.st_mode) || isatty(descriptor) == 1;
}

void TellOfRead(const char* function, int descriptor) {
  if (LoopOfStep() != nullptr && MayWait(descriptor) && IsTerminalOrStream(descriptor)) TellOfWait(function);
}

}  // namespace

extern "C" {

int poll(pollfd* descriptors, nfds_t count, int timeout) {
  if (timeout != 0) TellOfWait("poll");
  static auto* const next = reinterpret_cast<int (*)(pollfd*, nfds_t, int)>(NextSymbol("poll"));
  return next(descriptors, count, timeout);
}

int select(int count, fd_set* readers, fd_set* writers, fd_set* others, timeval* timeout) {
  if (timeout == nullptr || timeout->tv_sec != 0 || timeout->tv_usec != 0) TellOfWait("select");
  static auto* const next = reinterpret_cast<int (*)(int, fd_set*, fd_set*, fd_set*, timeval*)>(NextSymbol("select"));
  return next(count, readers, writers, others, timeout);
}

int epoll_wait(int epoll, epoll_event* events, int events_max, int timeout) {
  if (timeout != 0) TellOfWait("epoll_wait");
  static auto* const next = reinterpret_cast<int (*)(int, epoll_event*, int, int)>(NextSymbol("epoll_wait"));
  return next(epoll, events, events_max, timeout);
}

ssize_t read(int descriptor, void* bytes, size_t size) {
  TellOfRead("read", descriptor);
  static auto* const next = reinterpret_cast<ssize_t (*)(int, void*, size_t)>(NextSymbol("read"));
  return next(descriptor, bytes, size);
}

ssize_t recv(int descriptor, void* bytes, size_t size, int flags) {
  if ((flags & MSG_DONTWAIT) == 0) TellOfRead("recv", descriptor);
  static auto* const next = reinterpret_cast<ssize_t (*)(int, void*, size_t, int)>(NextSymbol("recv"));
  return next(descriptor, bytes, size, flags);
}

// What a caller calls that was compiled with _FORTIFY_SOURCE.
ssize_t __read_chk(int descriptor, void* bytes, size_t size, size_t room) {
  TellOfRead("read", descriptor);
  static auto* const next = reinterpret_cast<ssize_t (*)(int, void*, size_t, size_t)>(NextSymbol("__read_chk"));
  return next(descriptor, bytes, size, room);
}

ssize_t __recv_chk(int descriptor, void* bytes, size_t size, size_t room, int flags) {
  if ((flags & MSG_DONTWAIT) == 0) TellOfRead("recv", descriptor);
  static auto* const next = reinterpret_cast<ssize_t (*)(int, void*, size_t, size_t, int)>(NextSymbol("__recv_chk"));
  return next(descriptor, bytes, size, room, flags);
}

int __poll_chk(pollfd* descriptors, nfds_t count, int timeout, size_t room) {
  if (timeout != 0) TellOfWait("poll");
  static auto* const next = reinterpret_cast<int (*)(pollfd*, nfds_t, int, size_t)>(NextSymbol("__poll_chk"));
  return next(descriptors, count, timeout, room);
}

int accept(int descriptor, sockaddr* address, socklen_t* size) {
  TellOfRead("accept", descriptor);
  static auto* const next = reinterpret_cast<int (*)(int, sockaddr*, socklen_t*)>(NextSymbol("accept"));
  return next(descriptor, address, size);
}

int connect(int descriptor, const sockaddr* address, socklen_t size) {
  TellOfRead("connect", descriptor);
  static auto* const next = reinterpret_cast<int (*)(int, const sockaddr*, socklen_t)>(NextSymbol("connect"));
  return next(descriptor, address, size);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*function)(void*),
                   void* argument) noexcept {
  if (detent::EventLoop* const loop = LoopOfStep()) ReportLeak(*loop, "pthread_create", kStarts);
  static auto* const next = reinterpret_cast<int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>(
      NextSymbol("pthread_create"));
  return next(thread, attributes, function, argument);
}

int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  static auto* const next = reinterpret_cast<int (*)(pthread_mutex_t*)>(NextSymbol("pthread_mutex_lock"));
  detent::EventLoop* const loop = LoopOfStep();
  if (loop == nullptr) return next(mutex);
  const int error = pthread_mutex_trylock(mutex);
  if (error != EBUSY) return error;
  ReportLeak(*loop, "pthread_mutex_lock", kContended);
  return next(mutex);
}

int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  TellOfWait("pthread_cond_wait");
  // x86-64 has an older one of another layout, which a look-up without a version may give.
  static void* const current = dlvsym(RTLD_NEXT, "pthread_cond_wait", "GLIBC_2.3.2");  // No sanitizer's.
  static auto* const next = reinterpret_cast<int (*)(pthread_cond_t*, pthread_mutex_t*)>(
      current != nullptr ? current : NextSymbol("pthread_cond_wait"));
  return next(condition, mutex);
}

}  // extern "C"
