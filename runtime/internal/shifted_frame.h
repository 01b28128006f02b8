// SPDX-License-Identifier: Apache-2.0
//
// ShiftedFrame: makes up for coroutine frames that g++ 12 lays out wrongly.
//
// A coroutine frame begins with two pointers, resume and destroy, and a std::coroutine_handle points at them. g++ 12.2
// puts the value of a condition such as `if (co_await ready)` into the frame; in a function without other variables
// that variable becomes the frame's first member, and everything else stands 8 bytes further on. The handle, which is
// computed from the promise, then points 8 bytes into the frame, and resume and destroy, called with the handle, take
// that for the frame's beginning. With every coroutine type, nothing said: the coroutine begins anew with garbage for
// arguments.
//
// So a promise that finds itself 8 bytes further on than it should puts two functions of ours in the place of resume
// and destroy, which call those with the frame's true address. The handle that await_suspend() gets is made from that
// true address, for a change: PromiseOf() finds the promise from it. Where frames are laid out well all that is a
// comparison per coroutine and per await, and other compilers have nothing of it.
#ifndef DETENT_RUNTIME_INTERNAL_SHIFTED_FRAME_H_
#define DETENT_RUNTIME_INTERNAL_SHIFTED_FRAME_H_

#include <coroutine>
#include <cstddef>

#include "detent/runtime/internal/frame_pool.h"

namespace detent::internal {

#if defined(__GNUC__) && !defined(__clang__)

// A base of a promise that is the promise's first member.
class ShiftedFrame {
 public:
  ShiftedFrame(const ShiftedFrame&) = delete;
  ShiftedFrame& operator=(const ShiftedFrame&) = delete;

  static void* operator new(size_t size) { return new_frame = PoolAllocate(size, PoolUse::kFrame); }
  static void operator delete(void* memory, size_t size) noexcept { PoolFree(memory, size); }

  static constexpr ptrdiff_t kShift = sizeof(void*);
  // Of a frame's true address.
  static bool IsShifted(const void* frame) {
    return *reinterpret_cast<const Function*>(static_cast<const char*>(frame) + kWellPlaced) == &Destroy;
  }

 protected:
  ShiftedFrame() {
    if (reinterpret_cast<char*>(this) - static_cast<char*>(new_frame) == kWellPlaced + kShift) [[unlikely]]
      Straighten();
  }
  ~ShiftedFrame() = default;

 private:
  using Function = void (*)(void* frame);
  static constexpr ptrdiff_t kWellPlaced = 2 * sizeof(void*);

  // What stands where a handle points.
  struct Head {
    Function resume;
    Function destroy;
  };

  void Straighten() {
    Head& head = *reinterpret_cast<Head*>(reinterpret_cast<char*>(this) - kWellPlaced);
    resume_ = head.resume;
    destroy_ = head.destroy;
    head.resume = &Resume;
    head.destroy = &Destroy;
  }
  static void Resume(void* handle) { OfHandle(handle).resume_(TrueFrame(handle)); }
  static void Destroy(void* handle) { OfHandle(handle).destroy_(TrueFrame(handle)); }
  static ShiftedFrame& OfHandle(void* handle) {
    return *reinterpret_cast<ShiftedFrame*>(static_cast<char*>(handle) + kWellPlaced);
  }
  static void* TrueFrame(void* handle) { return static_cast<char*>(handle) - kShift; }

  static inline constinit thread_local void* new_frame = nullptr;  // The one that was allocated last.

  // Set by Straighten(). The first stands, in a frame that is laid out well, where a shifted one has its destroy
  // function.
  Function resume_ = nullptr;
  Function destroy_;
};

// The promise of the coroutine whose handle await_suspend() got.
template <typename P>
P& PromiseOf(std::coroutine_handle<P> handle) {
  if (ShiftedFrame::IsShifted(handle.address())) [[unlikely]] {
    handle = std::coroutine_handle<P>::from_address(static_cast<char*>(handle.address()) + ShiftedFrame::kShift);
  }
  return handle.promise();
}

#else

class ShiftedFrame {
 public:
  static void* operator new(size_t size) { return PoolAllocate(size, PoolUse::kFrame); }
  static void operator delete(void* memory, size_t size) noexcept { PoolFree(memory, size); }

 protected:
  ShiftedFrame() {}
};

template <typename P>
P& PromiseOf(std::coroutine_handle<P> handle) {
  return handle.promise();
}

#endif

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_SHIFTED_FRAME_H_
