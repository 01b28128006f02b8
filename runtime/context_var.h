// SPDX-License-Identifier: Apache-2.0
//
// ContextVar<T>: a value that tasks inherit. asyncio's context variables.
//
//   ContextVar<std::string> request_id;            // a global, usually
//   ...
//   request_id.Set("r1");                          // seen by this task and by those that it spawns from now on
//   Log(request_id.Get());
//
// A task starts with the values of whoever spawned it; what it sets, only it and its later children see. Callbacks run
// with the values of whoever made them.
//
// Suspension.    None.
// Threads.       A variable may be shared by loops on different threads; its values belong to their tasks.
#ifndef DETENT_RUNTIME_CONTEXT_VAR_H_
#define DETENT_RUNTIME_CONTEXT_VAR_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "detent/runtime/internal/context.h"

namespace detent {
namespace internal {

uint64_t NextContextVariable();
// The values that the running code sees. InvalidStateError outside a running loop.
ContextRef& CurrentContext(const char* what);
const ContextRef* CurrentContextOrNull();

}  // namespace internal

template <typename T>
class ContextVar {
 public:
  // `initial` is what Get() gives where nothing was set.
  explicit ContextVar(T initial = T()) : id_(internal::NextContextVariable()), initial_(std::move(initial)) {}
  ContextVar(const ContextVar&) = delete;
  ContextVar& operator=(const ContextVar&) = delete;

  // The reference is valid until the running task sets the variable or ends.
  const T& Get() const {
    const internal::ContextRef* context = internal::CurrentContextOrNull();
    const void* value = context == nullptr ? nullptr : context->Find(id_);
    return value == nullptr ? initial_ : *static_cast<const T*>(value);
  }
  void Set(T value) {
    internal::CurrentContext("ContextVar::Set()").Set(id_, std::make_shared<const T>(std::move(value)));
  }

 private:
  const uint64_t id_;
  const T initial_;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_CONTEXT_VAR_H_
