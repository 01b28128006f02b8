// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/listener.h"

#include <cerrno>

#include "detent/runtime/errors.h"

namespace detent {
namespace internal {

bool AcceptOperation::Try() {
  if (YieldsTurn()) return false;
  int error = 0;
  accepted_ = static_cast<ListenerState&>(state()).socket().Accept(&error);
  if (accepted_ == nullptr) {
    if (error == EAGAIN) return false;
    FailWithErrno(error);
  }
  state().CountEager();
  return true;
}

Connection AcceptOperation::Take() {
  return Connection(StateRef<ConnectionState>(new ConnectionState(state().core(), std::move(accepted_))));
}

}  // namespace internal

void Listener::ThrowEmpty() {
  throw InvalidStateError("this Listener is empty: it was default-constructed or moved from; Listen() gives one");
}

}  // namespace detent
