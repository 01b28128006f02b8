// SPDX-License-Identifier: Apache-2.0
//
// Program: one random asynchronous program in the oracle's format 1, parsed.
//
//   Program program = ParseProgram(text);       // text: what the oracle's gen.py prints
//
// The format is the differential programs' own, so an operation keeps their field names. One struct for all
// kinds: each kind uses the fields that its comment names and leaves the others empty.
#ifndef DETENT_TESTING_CONFORMANCE_PROGRAM_H_
#define DETENT_TESTING_CONFORMANCE_PROGRAM_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace detent_testing::conformance {

enum class OpKind : uint8_t {
  // Immediate: never suspend, so that callbacks can run them too.
  kLog,           // text
  kState,         // object (or task)
  kSpawn,         // task
  kCancel,        // task
  kUncancel,      //
  kEventSet,      // object
  kEventClear,    // object
  kRelease,       // object
  kNotify,        // object, number
  kNotifyAll,     // object
  kPutNowait,     // object, number
  kGetNowait,     // object
  kTaskDone,      // object
  kShutdown,      // object, flag: immediate
  kFutSet,        // object, number
  kFutError,      // object, name
  kFutCancel,     // object
  kCallSoon,      // body
  kCallLater,     // ms, body
  kCallAt,        // at, body
  kCancelHandle,  // number: the id of the scheduling operation
  kAddCb,         // target
  kRemoveCb,      // number: the id of the kAddCb, target
  kCbRaise,       // name; in callbacks only

  // Structured: hold other operations, or act on the block around them.
  kRaise,       // name
  kWith,        // object, body
  kTimeout,     // at or ms, body, propagate
  kReschedule,  // ms
  kTaskgroup,   // tasks: the children, body, propagate
  kTgSpawn,     // task
  kTry,         // on_cancel, flag: catch, name, body, handler, cleanup

  // Waiting: suspend, or may.
  kSleep,         // ms
  kAcquire,       // object
  kEventWait,     // object
  kCondWait,      // object
  kCondWaitFor,   // object, target: the event
  kPut,           // object, number
  kGet,           // object
  kJoin,          // object
  kBarrierWait,   // object
  kBarrierReset,  // object
  kBarrierAbort,  // object
  kAwait,         // target, propagate
  kShield,        // target, propagate
  kGather,        // tasks, flag: rex, propagate
  kWait,          // tasks, mode, ms
  kWaitFor,       // target or body, ms, propagate
  kAsCompleted,   // tasks, ms

  // On streams: streams.py.
  kPause,          // number: the phase
  kStreamWrite,    // object, flag: the right end, text
  kStreamEof,      // object, flag
  kStreamRead,     // object, flag, number
  kStreamLine,     // object, flag
  kStreamExactly,  // object, flag, number
  kStreamUntil,    // object, flag, text
};
inline constexpr OpKind kLastOpKind = OpKind::kStreamUntil;

// The kind's name in programs and traces, and back.
std::string_view NameOf(OpKind kind);

enum class OnCancel : uint8_t { kNone, kReraise, kReplace, kSwallow };
enum class WaitMode : uint8_t { kFirstCompleted, kFirstException, kAllCompleted };

struct Op {
  OpKind kind = OpKind::kLog;
  int id = 0;  // Unique in the program: "i".
  std::string object;
  std::string task;
  std::string target;
  std::string name;  // Of an error.
  std::string text;
  std::vector<std::string> tasks;
  int64_t number = 0;
  std::optional<int64_t> ms;  // None: no deadline.
  std::optional<int64_t> at;
  bool flag = false;
  bool propagate = false;
  OnCancel on_cancel = OnCancel::kNone;
  WaitMode mode = WaitMode::kAllCompleted;
  std::vector<Op> body;
  std::vector<Op> handler;
  std::vector<Op> cleanup;
};

enum class ObjectKind : uint8_t { kLock, kSem, kBsem, kEvent, kCond, kFuture, kBarrier, kFifo, kLifo, kPrio, kStream };

struct ObjectSpec {
  std::string name;
  ObjectKind kind = ObjectKind::kLock;
  int64_t size = 0;  // A semaphore's value, a barrier's parties, a queue's maxsize.
};

struct TaskSpec {
  std::string name;
  std::vector<Op> body;
};

// Cancels what is left: after ms, then every gap, for so many rounds.
struct Watchdog {
  int64_t ms = 0;
  int64_t gap = 0;
  int64_t rounds = 0;
};

struct Program {
  std::vector<ObjectSpec> objects;
  std::vector<TaskSpec> tasks;
  Watchdog watchdog;
};

// Throws std::invalid_argument, with a sentence that names the place, if `text` is no program of format 1.
Program ParseProgram(std::string_view text);

}  // namespace detent_testing::conformance

#endif  // DETENT_TESTING_CONFORMANCE_PROGRAM_H_
