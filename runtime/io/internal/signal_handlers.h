// SPDX-License-Identifier: Apache-2.0
//
// SignalHandlers: the functions of EventLoop::AddSignalHandler(), one for a signal.
#ifndef DETENT_RUNTIME_IO_INTERNAL_SIGNAL_HANDLERS_H_
#define DETENT_RUNTIME_IO_INTERNAL_SIGNAL_HANDLERS_H_

#include <map>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "detent/runtime/io/internal/signal_source.h"

namespace detent::internal {

class SignalHandlers {
 public:
  explicit SignalHandlers(SignalSource& source) : source_(source) {}
  ~SignalHandlers();

  // As EventLoop::SetSignalHandler().
  bool Set(int signal, absl::AnyInvocable<void()> function);

 private:
  class Handler;

  SignalSource& source_;
  std::map<int, std::shared_ptr<Handler>> handlers_;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_INTERNAL_SIGNAL_HANDLERS_H_
