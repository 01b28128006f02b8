// SPDX-License-Identifier: Apache-2.0
//
// TextOf, TextInTask: what an error says, for tests of misuse.
//
//   EXPECT_EQ(TextOf<InvalidStateError>([&] { lock.Release(); }), "Lock::Release() on a Lock: ...");
#ifndef DETENT_TESTING_TEXT_OF_H_
#define DETENT_TESTING_TEXT_OF_H_

#include <string>

#include "detent/runtime/coro.h"
#include "detent/sim/sim_loop.h"
#include "detent/sim/strategy/fifo.h"

namespace detent_testing {

// The text of the E that `call` throws.
template <typename E, typename F>
std::string TextOf(const F& call) {
  try {
    (void)call();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing was thrown";
}

// The same for a body that runs in a task. What is reported meanwhile is dropped.
template <typename E, typename F>
std::string TextInTask(F body) {
  detent::sim::SimLoop loop({.strategy = detent::sim::Fifo()});
  loop.SetExceptionHandler([](const detent::ExceptionContext&) {});
  return TextOf<E>([&] { loop.Run([&]() -> detent::Coro<> { co_await body(); }); });
}

}  // namespace detent_testing

#endif  // DETENT_TESTING_TEXT_OF_H_
