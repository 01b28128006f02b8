// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/conformance/program.h"

#include <initializer_list>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace detent_testing::conformance {
namespace {

using Json = nlohmann::json;

// In the order of OpKind.
constexpr std::string_view kNames[] = {
    "log",           "state",      "spawn",       "cancel",      "uncancel",       "event_set",     "event_clear",
    "release",       "notify",     "notify_all",  "put_nowait",  "get_nowait",     "task_done",     "shutdown",
    "fut_set",       "fut_error",  "fut_cancel",  "call_soon",   "call_later",     "call_at",       "cancel_handle",
    "add_cb",        "remove_cb",  "cb_raise",    "raise",       "with",           "timeout",       "reschedule",
    "taskgroup",     "tg_spawn",   "try",         "sleep",       "acquire",        "event_wait",    "cond_wait",
    "cond_wait_for", "put",        "get",         "join",        "barrier_wait",   "barrier_reset", "barrier_abort",
    "await",         "shield",     "gather",      "wait",        "wait_for",       "as_completed",  "pause",
    "stream_write",  "stream_eof", "stream_read", "stream_line", "stream_exactly", "stream_until"};
static_assert(std::size(kNames) == static_cast<size_t>(kLastOpKind) + 1);

template <typename T>
using Choices = std::initializer_list<std::pair<std::string_view, T>>;

template <typename T>
T Choose(const Json& json, const char* key, Choices<T> choices) {
  const std::string value = json.at(key);
  for (const auto& [name, choice] : choices) {
    if (name == value) return choice;
  }
  throw std::invalid_argument(
      absl::StrCat("the program's \"", key, "\" is \"", value, "\", which format 1 does not have"));
}

OpKind KindOf(const std::string& name) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == name) return static_cast<OpKind>(i);
  }
  throw std::invalid_argument(
      absl::StrCat("the program has an operation \"", name, "\", which format 1 does not have"));
}

std::vector<Op> ParseOps(const Json& json);

std::string Text(const Json& json, const char* key) { return json.value(key, std::string()); }
std::optional<int64_t> Milliseconds(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return std::nullopt;
  return found->get<int64_t>();
}
std::vector<Op> Ops(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() ? std::vector<Op>() : ParseOps(*found);
}
// The one number that a kind may have.
int64_t Number(const Json& json) {
  for (const char* key : {"n", "item", "value", "handle", "phase"}) {
    if (const auto found = json.find(key); found != json.end()) return found->get<int64_t>();
  }
  const auto callback = json.find("cb");
  return callback != json.end() && callback->is_number() ? callback->get<int64_t>() : 0;
}
bool Flag(const Json& json) {
  for (const char* key : {"immediate", "rex", "catch", "right"}) {
    if (const auto found = json.find(key); found != json.end()) return found->get<bool>();
  }
  return false;
}

Op ParseOp(const Json& json) {
  Op op;
  op.kind = KindOf(json.at("op"));
  op.id = json.at("i");
  op.object = Text(json, "obj");
  op.task = Text(json, "task");
  op.target = Text(json, json.contains("event") ? "event" : "target");
  op.name = Text(json, "name");
  op.text = Text(json, "text");
  op.tasks = json.value(json.contains("children") ? "children" : "tasks", std::vector<std::string>());
  op.number = Number(json);
  op.ms = Milliseconds(json, "ms");
  op.at = Milliseconds(json, "at");
  op.flag = Flag(json);
  op.propagate = json.value("propagate", false);
  if (op.kind == OpKind::kTry) {
    op.on_cancel = Choose<OnCancel>(json, "on_cancel",
                                    {{"none", OnCancel::kNone},
                                     {"reraise", OnCancel::kReraise},
                                     {"replace", OnCancel::kReplace},
                                     {"swallow", OnCancel::kSwallow}});
  }
  if (op.kind == OpKind::kWait) {
    op.mode = Choose<WaitMode>(json, "mode",
                               {{"FIRST_COMPLETED", WaitMode::kFirstCompleted},
                                {"FIRST_EXCEPTION", WaitMode::kFirstException},
                                {"ALL_COMPLETED", WaitMode::kAllCompleted}});
  }
  const bool schedules = json.contains("cb") && json.at("cb").is_array();
  op.body = Ops(json, schedules ? "cb" : "body");
  op.handler = Ops(json, "handler");
  op.cleanup = Ops(json, "finally");
  return op;
}

std::vector<Op> ParseOps(const Json& json) {
  std::vector<Op> ops;
  ops.reserve(json.size());
  for (const Json& op : json) ops.push_back(ParseOp(op));
  return ops;
}

ObjectSpec ParseObject(const Json& json) {
  ObjectSpec object;
  object.name = json.at("name");
  if (json.at("kind") == "queue") {
    object.kind = Choose<ObjectKind>(
        json, "flavor", {{"fifo", ObjectKind::kFifo}, {"lifo", ObjectKind::kLifo}, {"prio", ObjectKind::kPrio}});
  } else {
    object.kind = Choose<ObjectKind>(json, "kind",
                                     {{"lock", ObjectKind::kLock},
                                      {"sem", ObjectKind::kSem},
                                      {"bsem", ObjectKind::kBsem},
                                      {"event", ObjectKind::kEvent},
                                      {"cond", ObjectKind::kCond},
                                      {"future", ObjectKind::kFuture},
                                      {"barrier", ObjectKind::kBarrier},
                                      {"stream", ObjectKind::kStream}});
  }
  for (const char* key : {"value", "parties", "maxsize"}) {
    if (json.contains(key)) object.size = json.at(key);
  }
  return object;
}

}  // namespace

std::string_view NameOf(OpKind kind) { return kNames[static_cast<size_t>(kind)]; }

Program ParseProgram(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    if (json.at("format") != 1) throw std::invalid_argument("the program is not of format 1");
    Program program;
    for (const Json& object : json.at("objects")) program.objects.push_back(ParseObject(object));
    for (const Json& task : json.at("tasks")) {
      program.tasks.push_back(TaskSpec{.name = task.at("name"), .body = ParseOps(task.at("body"))});
    }
    const Json& watchdog = json.at("watchdog");
    program.watchdog = Watchdog{.ms = watchdog.at("ms"), .gap = watchdog.at("gap"), .rounds = watchdog.at("rounds")};
    return program;
  } catch (const Json::exception& error) {
    throw std::invalid_argument(absl::StrCat("this is no program: ", error.what()));
  }
}

}  // namespace detent_testing::conformance
