// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/future.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace detent {

void AnyFuture::ThrowEmpty() {
  const internal::LoopCore* const core = internal::CurrentCore();
  std::string text = "the handle is empty: assign it a Future or a Task before using it";
  if (core == nullptr || core->current_task == nullptr) {
    absl::StrAppend(&text, "; CurrentTask() gives an empty one where no task runs, as here, ",
                    core == nullptr ? "outside a loop" : "in a callback");
  }
  throw InvalidStateError(text);
}

std::exception_ptr AnyFuture::Exception() const {
  std::exception_ptr error = PeekException();
  if (error != nullptr) state().MarkRetrieved();
  return error;
}

std::exception_ptr AnyFuture::PeekException() const {
  internal::FutureState& state = Seen();
  if (!state.IsDone()) state.ThrowPending("Exception()");
  if (state.status() == internal::Status::kCancelled) throw CancelledError();
  return state.PeekError();
}

}  // namespace detent
