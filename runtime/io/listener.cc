// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/listener.h"

#include "detent/runtime/errors.h"

namespace detent {
namespace internal {

bool AcceptOperation::Try() {
  IoResult<std::unique_ptr<StreamSocket>> result = static_cast<ListenerState&>(state()).socket().Accept();
  if (result.would_block()) return false;
  if (result.ok()) {
    accepted_ = std::move(result).value();
  } else {
    FailWithErrno(result.error());
  }
  state().core().SpendsLast(PriceOfCall(0));
  return true;
}

Connection AcceptOperation::Take() {
  return Connection(Ref<ConnectionState>(new ConnectionState(state().core(), std::move(accepted_), where_)));
}

}  // namespace internal

void Listener::ThrowEmpty() {
  throw InvalidStateError("this Listener is empty: it was default-constructed or moved from; Listen() gives one");
}

}  // namespace detent
