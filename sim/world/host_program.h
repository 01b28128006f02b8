// SPDX-License-Identifier: Apache-2.0
//
// HostProgram: what a host runs: a function that gives a Coro<>, called for each boot. Internal.
#ifndef DETENT_SIM_WORLD_HOST_PROGRAM_H_
#define DETENT_SIM_WORLD_HOST_PROGRAM_H_

#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#include "detent/runtime/coro.h"

namespace detent::sim {

class HostProgram {
 public:
  HostProgram(const HostProgram&) = delete;
  HostProgram& operator=(const HostProgram&) = delete;
  virtual ~HostProgram() = default;

  virtual Coro<> Call() = 0;
  // Where the test named it.
  const std::source_location& made_at() const { return made_at_; }

 protected:
  explicit HostProgram(std::source_location where) : made_at_(where) {}

 private:
  const std::source_location made_at_;
};

template <typename F>
std::shared_ptr<HostProgram> MakeHostProgram(F&& function, std::source_location where) {
  static_assert(std::is_same_v<std::invoke_result_t<std::decay_t<F>&>, Coro<>>,
                "what a host runs takes nothing and gives a Coro<>: [] { return Serve(7000); }");
  class Kept final : public HostProgram {
   public:
    Kept(F&& its_function, std::source_location its_place)
        : HostProgram(its_place), function_(std::forward<F>(its_function)) {}
    Coro<> Call() override { return function_(); }

   private:
    std::decay_t<F> function_;
  };
  return std::make_shared<Kept>(std::forward<F>(function), where);
}

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_HOST_PROGRAM_H_
