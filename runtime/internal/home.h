// SPDX-License-Identifier: Apache-2.0
//
// Home: which loop a piece of code takes for its own. On the real loop there is one a loop. A simulated loop may stand
// in for several (sim/world/home_loop.h): each is a home there, with an EventLoop of its own in front of the same core.
//
// Whatever makes a task or a callback hands its home on, as it hands on the context variables: see Context. The core
// says whose step runs: LoopCore::EnterHome().
#ifndef DETENT_RUNTIME_INTERNAL_HOME_H_
#define DETENT_RUNTIME_INTERNAL_HOME_H_

#include <cstdint>
#include <string>

namespace detent::internal {

class LoopOwner;

class Home {
 public:
  // What is between it and others. Of a thread's loop: nothing. A simulated host's tasks may be awaited by its test.
  enum class Tasks : bool { kItsOwn, kAwaitedByOthers };

  // `maker` is where it was made; null for the core's own.
  Home(LoopOwner* its_owner, uint32_t number, Tasks its_tasks = Tasks::kItsOwn, const Home* its_maker = nullptr)
      : owner(its_owner), loop_number(number), tasks(its_tasks), maker(its_maker) {}
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;

  // Whether it is `other`, or was made there: a thread of a host.
  bool IsOf(const Home& other) const {
    const Home* home = this;
    while (home != nullptr && home != &other) home = home->maker;
    return home != nullptr;
  }

  LoopOwner* owner;
  const uint32_t loop_number;  // By which what belongs to a loop knows it.
  const Tasks tasks;
  const Home* const maker;
  std::string name;        // Before those of its tasks, for a person. Empty if it has none.
  bool has_ended = false;  // What is still ready there is dropped, and what its code does has no effect.
  bool is_paused = false;  // What is ready there waits.
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_HOME_H_
