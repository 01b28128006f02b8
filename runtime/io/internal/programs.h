// SPDX-License-Identifier: Apache-2.0
//
// Programs: starts child processes: the system's, or coroutines in memory.
#ifndef DETENT_RUNTIME_IO_INTERNAL_PROGRAMS_H_
#define DETENT_RUNTIME_IO_INTERNAL_PROGRAMS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/io/internal/exit_status.h"
#include "detent/runtime/io/internal/network.h"

namespace detent {

// Where one of a child's standard streams leads.
enum class ProcessStream : uint8_t {
  kPipe,     // To the Process.
  kInherit,  // Where this program's leads.
  kNull,     // To nothing: /dev/null.
  kOutput,   // Of its errors: where its output leads.
};

namespace internal {

class ProgramSpec {
 public:
  std::vector<std::string> arguments;  // The program itself first.
  std::string directory;               // Empty for this program's own.
  bool keeps_environment = true;       // Begins with this program's own.
  // Changes to it, in order; without a value a name is taken out.
  std::vector<std::pair<std::string, std::optional<std::string>>> environment;
  ProcessStream in = ProcessStream::kPipe;
  ProcessStream out = ProcessStream::kPipe;
  ProcessStream err = ProcessStream::kPipe;
  bool new_session = false;
};

class ChildObserver {
 public:
  // It has ended. Wakes tasks and runs no user code. Told once, after Start() has returned.
  virtual void OnExit(ExitStatus status) = 0;

 protected:
  ~ChildObserver() = default;
};

class Child {
 public:
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  // Kills it, with its session if it has its own, unless it has ended. It is reaped then, sooner or later, by the loop.
  virtual ~Child() = default;

  virtual int pid() const = 0;
  // To its whole session, if it is `to_group`. Nothing if it has ended.
  virtual void SendSignal(int signal, bool to_group) = 0;

  void SetObserver(ChildObserver* observer) { observer_ = observer; }

 protected:
  Child() {}

  ChildObserver* observer_ = nullptr;
};

// A child, or why there is none.
class StartedChild {
 public:
  enum class Failed : uint8_t { kNothing, kProgram, kDirectory };

  std::unique_ptr<Child> child;
  // Our ends; null for a stream that is no pipe.
  std::unique_ptr<StreamSocket> in;
  std::unique_ptr<StreamSocket> out;
  std::unique_ptr<StreamSocket> err;
  Failed failed = Failed::kNothing;
  int error = 0;  // The errno.
};

class Programs {
 public:
  // Children that are left are killed and reaped.
  virtual ~Programs() = default;

  virtual StartedChild Start(const ProgramSpec& spec) = 0;
};

}  // namespace internal
}  // namespace detent

#endif  // DETENT_RUNTIME_IO_INTERNAL_PROGRAMS_H_
