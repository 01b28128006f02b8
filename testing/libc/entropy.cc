// SPDX-License-Identifier: Apache-2.0
//
// The C library's entropy, and std::random_device. In a simulated step it comes from the loop's Random(), which the
// seed decides.
// Whose headers define some of these functions inline.
#undef _FORTIFY_SOURCE

#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "detent/runtime/event_loop.h"
#include "detent/testing/libc/simulated_step.h"

namespace {

using detent_testing::internal::LoopOfStep;
using detent_testing::internal::NextSymbol;

void Fill(detent::EventLoop& loop, void* bytes, size_t size) {
  for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
    const uint64_t word = loop.Random().Next();
    std::memcpy(static_cast<char*>(bytes) + at, &word, size - at < sizeof word ? size - at : sizeof word);
  }
}

uint32_t Word(detent::EventLoop& loop) { return static_cast<uint32_t>(loop.Random().Next() >> 32); }

}  // namespace

extern "C" {

ssize_t getrandom(void* bytes, size_t size, unsigned flags) {
  if (detent::EventLoop* const loop = LoopOfStep()) {
    Fill(*loop, bytes, size);
    return static_cast<ssize_t>(size);
  }
  static auto* const next = reinterpret_cast<ssize_t (*)(void*, size_t, unsigned)>(NextSymbol("getrandom"));
  return next(bytes, size, flags);
}

int getentropy(void* bytes, size_t size) {
  if (detent::EventLoop* const loop = LoopOfStep()) {
    if (size > 256) {  // As the system's.
      errno = EIO;
      return -1;
    }
    Fill(*loop, bytes, size);
    return 0;
  }
  static auto* const next = reinterpret_cast<int (*)(void*, size_t)>(NextSymbol("getentropy"));
  return next(bytes, size);
}

uint32_t arc4random() noexcept {
  if (detent::EventLoop* const loop = LoopOfStep()) return Word(*loop);
  static auto* const next = reinterpret_cast<uint32_t (*)()>(NextSymbol("arc4random"));
  return next();
}

void arc4random_buf(void* bytes, size_t size) noexcept {
  if (detent::EventLoop* const loop = LoopOfStep()) return Fill(*loop, bytes, size);
  static auto* const next = reinterpret_cast<void (*)(void*, size_t)>(NextSymbol("arc4random_buf"));
  next(bytes, size);
}

uint32_t arc4random_uniform(uint32_t bound) noexcept {
  if (detent::EventLoop* const loop = LoopOfStep())
    return bound < 2 ? 0 : static_cast<uint32_t>(loop->Random().Below(bound));
  static auto* const next = reinterpret_cast<uint32_t (*)(uint32_t)>(NextSymbol("arc4random_uniform"));
  return next(bound);
}

#ifdef __GLIBCXX__
// std::random_device::_M_getval() of libstdc++, through which all numbers of one come. It may ask the processor, for
// which nobody can stand in.
uint32_t NumberOfRandomDevice(void* device) __asm__("_ZNSt13random_device9_M_getvalEv");
uint32_t NumberOfRandomDevice(void* device) {
  if (detent::EventLoop* const loop = LoopOfStep()) return Word(*loop);
  static auto* const next = reinterpret_cast<uint32_t (*)(void*)>(NextSymbol("_ZNSt13random_device9_M_getvalEv"));
  return next(device);
}
#endif

}  // extern "C"
