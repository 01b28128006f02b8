// SPDX-License-Identifier: Apache-2.0
//
// Home: which loop a piece of code takes for its own. On the real loop there is one a loop. A simulated loop may stand
// in for several (sim/world/threads.h): each is a home there, with an EventLoop of its own in front of the same core.
//
// Whatever makes a task or a callback hands its home on, as it hands on the context variables: see Context. The core
// says whose step runs: LoopCore::EnterHome().
#ifndef DETENT_RUNTIME_INTERNAL_HOME_H_
#define DETENT_RUNTIME_INTERNAL_HOME_H_

#include <cstdint>

namespace detent::internal {

class LoopOwner;

class Home {
 public:
  Home(LoopOwner* its_owner, uint32_t number) : owner(its_owner), loop_number(number) {}
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;

  LoopOwner* owner;
  const uint32_t loop_number;  // By which what belongs to a loop knows it.
  bool has_ended = false;      // What is still ready there is dropped.
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_HOME_H_
