// SPDX-License-Identifier: Apache-2.0
//
// LoopLocal<T>: what a global would be: one value for each event loop.
//
//   class Counters {
//    public:
//     int requests = 0;
//   };
//   LoopLocal<Counters> counters;                  // a global, usually
//   ...
//   ++counters.Get().requests;                     // this loop's own; no other thread sees it
//
// A value is made, by its default constructor, when its loop first asks for it. It goes with the loop, after the tasks,
// the latest first: a destructor may still use others. On a SimLoop each loop of RunThreads() has its own, and each run
// begins without any.
//
// Errors.        InvalidStateError outside a running loop.
// Ownership.     The variable must outlive the loops that use it. A reference is good until the loop ends.
// Threads.       The variable may be shared by all; a value belongs to its loop's thread.
#ifndef DETENT_RUNTIME_LOOP_LOCAL_H_
#define DETENT_RUNTIME_LOOP_LOCAL_H_

#include <cstddef>

#include "detent/runtime/internal/loop_locals.h"

namespace detent {

template <typename T>
class LoopLocal {
 public:
  LoopLocal() : variable_(internal::NextLoopLocal()) {}
  LoopLocal(const LoopLocal&) = delete;
  LoopLocal& operator=(const LoopLocal&) = delete;

  // That of the loop that runs.
  T& Get() const {
    internal::LoopLocals& locals = internal::CurrentLoopLocals();
    void* const value = locals.Find(variable_);
    return value != nullptr ? *static_cast<T*>(value) : locals.Make<T>(variable_);
  }

  // --- For the library ---

  size_t variable() const { return variable_; }

 private:
  const size_t variable_;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_LOOP_LOCAL_H_
