// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/report/trace.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace detent_testing {

std::string Trace::WordsOf(const TraceEvent& event, WaitDetail detail) const {
  if (event.kind == TraceEvent::Kind::kCallback) {
    const bool has_owner = !event.lane.IsDeliveries() && event.lane.source() != 0;
    return has_owner ? absl::StrCat(event.text, " of ", NameOf(Lane::OfTask(event.lane.source()))) : event.text;
  }
  const std::string await = !event.wait.has_value() ? event.text : event.wait->Words(detail);
  if (event.was_cancelled) {
    const bool own_time_out = event.timed_out && event.cancelled_by.source() == event.lane.task_id();
    const std::string by = own_time_out ? "" : DescribeCanceller(event);
    return absl::StrCat(own_time_out ? "timed out" : "cancelled", by.empty() ? "" : " ", by,
                        event.text == "starts" ? " before it starts"
                        : event.wait.has_value() && event.wait->awaits_task
                            ? absl::StrCat(" awaiting ", event.wait->object)
                            : absl::StrCat(" in ", await));
  }
  if (!event.value.empty()) return absl::StrCat(await, " = ", event.value);
  if (event.completed_by) {
    return absl::StrCat(await, ", ", event.completed_call, " by ", NameOf(event.completed_by));
  }
  if (!event.wait.has_value()) return await;
  return absl::StrCat(event.kind == TraceEvent::Kind::kWaits ? "waits: "
                      : event.kind == TraceEvent::Kind::kHop ? "a wake-up from "
                                                             : "",
                      await);
}

std::string Trace::DescribeCanceller(const TraceEvent& event) const {
  if (!event.cancelled_by) return "";
  const bool by_itself = event.cancelled_by == event.lane;
  switch (event.cancelled_as) {
    case detent::internal::Actor::kTaskGroup:
      return by_itself ? "by its TaskGroup" : absl::StrCat("by the TaskGroup of ", NameOf(event.cancelled_by));
    case detent::internal::Actor::kRace:
      return absl::StrCat("by the Race that ", NameOf(event.cancelled_by), " has decided");
    case detent::internal::Actor::kEndOfBody:
      return "at the end of the body";
    case detent::internal::Actor::kProgram:
      break;
  }
  return by_itself ? "by itself" : absl::StrCat("by ", NameOf(event.cancelled_by, event.timed_out ? "time-out" : ""));
}

std::string Trace::DescribeThrow() const {
  const auto is_failed_step = [](const TraceEvent& event) {
    return event.failed && event.kind == TraceEvent::Kind::kStep;
  };
  const auto of_body = std::find_if(events.rbegin(), events.rend(), [](const TraceEvent& event) {
    return event.kind == TraceEvent::Kind::kStep && event.lane == Lane::OfTask(1) && !event.ending.empty();
  });
  if (of_body != events.rend() && of_body->ending == "is cancelled") return DescribeCancellation(*of_body);
  // What left the body was thrown first where it is the same, or a part of it.
  const std::string_view prefix = "fails: ";
  const auto thrown = std::find_if(events.begin(), events.end(), [&](const TraceEvent& event) {
    return is_failed_step(event) && (of_body == events.rend() || !of_body->failed ||
                                     absl::StrContains(of_body->ending, event.ending.substr(prefix.size())));
  });
  if (thrown == events.end()) return "";
  const std::string after = thrown->text == "starts"   ? "in its first step"
                            : thrown->wait.has_value() ? absl::StrCat("after ", thrown->wait->Sentence())
                                                       : absl::StrCat("after ", thrown->text);
  return absl::StrCat(
      "thrown in task \"", NameOf(thrown->lane), "\" ", after,
      thrown->completed_by ? absl::StrCat(", ", thrown->completed_call, " by ", NameOf(thrown->completed_by)) : "",
      thrown->place.empty() ? "" : absl::StrCat(", ", thrown->place));
}

std::string Trace::DescribeCancellation(const TraceEvent& of_body) const {
  // The last task that was cancelled before the body heard of it.
  const TraceEvent* cancelled = nullptr;
  for (const TraceEvent& event : events) {
    if (event.was_cancelled && event.ending == "is cancelled") cancelled = &event;
    if (&event == &of_body) break;
  }
  if (cancelled == nullptr) {
    if (!of_body.completed_by) return "";
    return absl::StrCat("cancelled by ", of_body.completed_call, " in ", NameOf(of_body.completed_by));
  }
  const std::string by = DescribeCanceller(*cancelled);
  return absl::StrCat("task \"", NameOf(cancelled->lane), "\" was cancelled", by.empty() ? "" : " ", by,
                      cancelled->text == "starts"   ? " before it started"
                      : cancelled->wait.has_value() ? absl::StrCat(" in ", cancelled->wait->Sentence())
                                                    : "",
                      cancelled->place.empty() ? "" : absl::StrCat(", ", cancelled->place));
}

std::string Trace::NameOf(Lane lane, std::string_view what) const {
  if (!lane.IsTask()) {
    const std::string name = !what.empty() ? std::string(what) : lane.IsDeliveries() ? "delivery" : "callback";
    if (lane.IsDeliveries() || lane.source() == 0) return absl::StrCat("a ", name);
    return absl::StrCat("a ", name, " of ", NameOf(Lane::OfTask(lane.source())));
  }
  const auto found = task_names.find(lane);
  if (found == task_names.end()) return absl::StrCat("task-", lane.task_id());
  const bool is_unique = std::none_of(task_names.begin(), task_names.end(), [&](const auto& other) {
    return other.first != lane && other.second == found->second;
  });
  return is_unique ? found->second : absl::StrCat(found->second, " #", lane.task_id());
}

}  // namespace detent_testing
