// SPDX-License-Identifier: Apache-2.0
//
// AddProgram: the programs of a simulated machine: coroutines, by the name under which StartProcess() finds them.
//
//   sim::AddProgram("gzip", [](sim::ProcessContext& process) -> Coro<int> {
//     co_await process.Out().Write(co_await process.In().Read(4096));
//     co_return 0;                                                      // the exit code
//   });
//   ProcessOutput output = co_await RunProcess(Command("gzip"), "text");
//
// Such a program is a task of the same loop. When it returns its streams are closed, and when the parent is told of the
// end is a choice: at once, which is the calmest, or up to 6.4 milliseconds later, before or after other events. One
// that throws ends as by SIGABRT. A signal ends it, unless it ignores that, by destroying its frames: its task is
// cancelled as with Unwind::kDestroy, and from then on its streams lead nowhere. A name that was not added is ENOENT.
//
// Not simulated  (yet): directories, of which each is there; the signals that a program takes; what a program has
//                started or spawned, which outlives it; sessions.
//
// Order.         From now on, until the run ends.
// Suspension.    AddProgram() never; a program where its coroutine does.
// Cancellation.  See above.
// Errors.        std::invalid_argument for an empty name. InvalidStateError outside a running loop. On a real loop it
//                does nothing, so that a LOOP_TEST may call it: there StartProcess() finds what is installed.
// Threads.       The loop's own thread only.
#ifndef DETENT_SIM_WORLD_PROGRAMS_H_
#define DETENT_SIM_WORLD_PROGRAMS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "detent/runtime/coro.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/io/connection.h"
#include "detent/runtime/io/internal/programs.h"
#include "detent/sim/world/arrivals.h"

namespace detent::sim {

// What a program has of its process.
class ProcessContext {
 public:
  ProcessContext(const ProcessContext&) = delete;
  ProcessContext& operator=(const ProcessContext&) = delete;

  Connection& In() { return in_; }
  Connection& Out() { return out_; }
  Connection& Err() { return err_to_out_ ? out_ : err_; }

  // Without the program's own name.
  const std::vector<std::string>& arguments() const { return arguments_; }
  // Empty where the program that started it runs.
  const std::string& directory() const { return directory_; }
  // Empty if there is none; a simulated machine has none of its own.
  std::string Environment(std::string_view name) const;

  // From now on `signal` does nothing. Not for SIGKILL.
  void Ignore(int signal);

  // --- For the library ---

  explicit ProcessContext(const internal::ProgramSpec& spec);

 private:
  friend class SimChild;

  Connection in_;
  Connection out_;
  Connection err_;
  bool err_to_out_ = false;
  std::vector<std::string> arguments_;
  std::string directory_;
  std::map<std::string, std::string, std::less<>> environment_;
  uint64_t ignored_ = 0;
};

using Program = std::function<Coro<int>(ProcessContext&)>;

void AddProgram(std::string_view name, Program program);

// --- For the library ---

std::unique_ptr<internal::Programs> MakeSimPrograms(EventLoop& loop, Arrivals& arrivals);

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_PROGRAMS_H_
