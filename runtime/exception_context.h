// SPDX-License-Identifier: Apache-2.0
//
// ExceptionContext: what a loop's exception handler is told: something went wrong and nobody is there to catch it.
//
//   loop.SetExceptionHandler([](const ExceptionContext& context) { LOG(ERROR) << context.ToString(); });
#ifndef DETENT_RUNTIME_EXCEPTION_CONTEXT_H_
#define DETENT_RUNTIME_EXCEPTION_CONTEXT_H_

#include <cstdint>
#include <exception>
#include <source_location>
#include <string>
#include <utility>

namespace detent {

// What is reported, for who tells reports apart.
enum class ReportKind : uint8_t {
  kOther,
  kUnseenError,       // A task or future failed, and its last handle went before anybody looked.
  kNeverAwaited,      // A coroutine.
  kDestroyedPending,  // A task, by the end of its loop.
  kFailedAtEnd,       // A task, when the end of the run cancelled it.
  kCallbackThrew,
  kDoneCallbackThrew,
  kDestroyedWhileHeld,  // A lock, or a semaphore with a permit.
  kReleaseFailed,       // At the end of a Held's scope.
  kNotClosed,           // A socket that was dropped on a wrong thread.
  kSlowStep,            // In debug mode.
  kLeftRunning,         // A function in the executor, by the end of its loop.
  kShortage,            // A server has no descriptor or no memory for the next client, and tries again.
};

class ExceptionContext {
 public:
  ExceptionContext(std::string text, std::exception_ptr error, ReportKind what = ReportKind::kOther,
                   std::source_location place = std::source_location())
      : message(std::move(text)), exception(std::move(error)), kind(what), where(place) {}

  std::string message;           // A sentence that names the thing and the place.
  std::exception_ptr exception;  // Null for a report without an error, such as a task destroyed while pending.
  ReportKind kind;
  std::source_location where;  // Where the thing was made, if that is known: its line is 0 if not.

  // The message and the error in one line.
  std::string ToString() const;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_EXCEPTION_CONTEXT_H_
