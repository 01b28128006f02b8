// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/report/row_plan.h"

#include <algorithm>
#include <utility>

namespace detent_testing::internal {
namespace {

using Kind = TraceEvent::Kind;

// A stretch of one task is folded if that saves at least so many lines.
constexpr size_t kFoldedMin = 3;

bool IsAnchor(const TraceEvent& event) { return event.matters || event.failed; }

bool IsStep(const TraceEvent& event) {
  return event.kind == Kind::kStep || event.kind == Kind::kHop || event.kind == Kind::kCallback;
}

// A row for each event, and gaps where the recorder forgot some.
std::vector<PlannedRow> RowsWithGaps(const Trace& trace) {
  std::vector<PlannedRow> rows;
  uint64_t last_step = 0;
  for (const TraceEvent& event : trace.events) {
    if (event.step > last_step + 1) {
      rows.push_back(PlannedRow(PlannedRow::Kind::kGap, nullptr));
      rows.back().steps = event.step - last_step - 1;
    }
    last_step = std::max(last_step, event.step);
    rows.push_back(PlannedRow(PlannedRow::Kind::kEvent, &event));
  }
  return rows;
}

// Those that a person wants to see.
std::vector<PlannedRow> InterestingRows(const Trace& trace) {
  std::vector<PlannedRow> rows = RowsWithGaps(trace);
  // The task's own step tells the same as a hop.
  std::erase_if(rows, [](const PlannedRow& row) {
    return row.event != nullptr && row.event->kind == Kind::kHop && !IsAnchor(*row.event);
  });
  // The step in which Run() learns that its task has ended.
  if (!rows.empty() && rows.back().event != nullptr && rows.back().event->kind == Kind::kCallback &&
      rows.back().event->lane == Lane::OfCallbacks(0) && !IsAnchor(*rows.back().event)) {
    rows.pop_back();
  }
  return rows;
}

bool MayFold(const PlannedRow& row, Lane lane) {
  return row.kind == PlannedRow::Kind::kEvent && row.event->lane == lane && IsStep(*row.event) &&
         !IsAnchor(*row.event) && row.event->ending.empty();
}

// Folds the middle of long stretches of one lane.
std::vector<PlannedRow> Fold(std::vector<PlannedRow> rows) {
  std::vector<PlannedRow> folded;
  for (size_t i = 0; i < rows.size();) {
    const size_t begin = i;
    folded.push_back(rows[i++]);
    if (rows[begin].kind != PlannedRow::Kind::kEvent) continue;
    while (i < rows.size() && MayFold(rows[i], rows[begin].event->lane)) ++i;
    // The first and the last stay.
    if (i - begin < kFoldedMin + 2) {
      i = begin + 1;
      continue;
    }
    folded.push_back(PlannedRow(PlannedRow::Kind::kFold, rows[begin + 1].event));
    folded.back().steps = i - begin - 2;
    folded.push_back(rows[i - 1]);
  }
  return folded;
}

void AddToGap(PlannedRow& gap, const PlannedRow& row) {
  if (row.event == nullptr) {
    gap.steps += row.steps;
  } else if (row.kind == PlannedRow::Kind::kFold || IsStep(*row.event)) {
    gap.steps += row.kind == PlannedRow::Kind::kFold ? row.steps : 1;
    gap.lanes.insert(row.event->lane);
  }
}

size_t LinesOfRow(const PlannedRow& row, bool with_notes) {
  return row.kind == PlannedRow::Kind::kEvent ? LinesOf(*row.event, with_notes) : 1;
}

// How many lines there are if the rows up to `reach` rows from an anchor stay.
size_t LinesWithin(const std::vector<PlannedRow>& rows, const std::vector<size_t>& distances, size_t reach,
                   bool with_notes) {
  size_t lines = 0;
  bool in_gap = false;
  for (size_t i = 0; i < rows.size(); ++i) {
    const bool is_gap = distances[i] > reach || rows[i].kind == PlannedRow::Kind::kGap;
    if (!is_gap || !in_gap) lines += is_gap ? 1 : LinesOfRow(rows[i], with_notes);
    in_gap = is_gap;
  }
  return lines;
}

// How far each row is from one that must be seen.
std::vector<size_t> Distances(const std::vector<PlannedRow>& rows, const std::vector<bool>& is_anchor) {
  std::vector<size_t> distances(rows.size(), rows.size());
  size_t distance = rows.size();
  for (size_t i = 0; i < rows.size(); ++i) distances[i] = distance = is_anchor[i] ? 0 : distance + 1;
  distance = rows.size();
  for (size_t i = rows.size(); i-- > 0;) {
    distance = is_anchor[i] ? 0 : distance + 1;
    distances[i] = std::min(distances[i], distance);
  }
  return distances;
}

}  // namespace

size_t LinesOf(const TraceEvent& event, bool with_notes) {
  const bool has_note = with_notes && event.matters && IsStep(event);
  const bool has_failure = event.failed && event.kind != Kind::kFailure;
  return 1 + (has_note ? 1 : 0) + (has_failure ? 1 : 0);
}

RowPlan PlanRows(const Trace& trace, std::optional<size_t> lines_limit) {
  RowPlan plan;
  if (!lines_limit.has_value()) {
    plan.rows = RowsWithGaps(trace);
    return plan;
  }
  const size_t lines_max = *lines_limit;
  const std::vector<PlannedRow> rows = Fold(InterestingRows(trace));
  if (rows.empty()) return plan;

  std::vector<bool> is_anchor(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    is_anchor[i] = rows[i].kind == PlannedRow::Kind::kEvent && IsAnchor(*rows[i].event);
  }
  is_anchor.front() = is_anchor.back() = true;
  // What each task is left waiting for should be seen too, if there is room.
  std::vector<bool> with_waits = is_anchor;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].kind == PlannedRow::Kind::kEvent && rows[i].event->kind == Kind::kWaits) with_waits[i] = true;
  }
  std::vector<size_t> distances = Distances(rows, with_waits);
  if (LinesWithin(rows, distances, 0, true) > lines_max) distances = Distances(rows, is_anchor);

  plan.with_notes = LinesWithin(rows, distances, 0, true) <= lines_max;
  // Too many that must be seen: the last of them.
  if (LinesWithin(rows, distances, 0, plan.with_notes) > lines_max) {
    size_t lines = 1;  // The gap for the others.
    for (size_t i = rows.size(); i-- > 0;) {
      if (lines <= lines_max) {
        lines += is_anchor[i] ? LinesOfRow(rows[i], plan.with_notes) : distances[i + 1] == 0 ? 1 : 0;
      }
      if (lines <= lines_max || !is_anchor[i]) continue;
      distances[i] = 1;
      if (rows[i].kind == PlannedRow::Kind::kEvent && rows[i].event->matters) ++plan.choices_left_out;
    }
  }
  size_t reach = 0;
  if (LinesWithin(rows, distances, rows.size(), plan.with_notes) <= lines_max) {
    reach = rows.size();
  } else if (plan.choices_left_out == 0) {
    while (LinesWithin(rows, distances, reach + 1, plan.with_notes) <= lines_max) ++reach;
  }

  const auto is_shown = [&](size_t i) { return distances[i] <= reach && rows[i].kind != PlannedRow::Kind::kGap; };
  for (size_t i = 0; i < rows.size(); ++i) {
    // A gap of one row would save nothing.
    const bool is_lone = rows[i].kind != PlannedRow::Kind::kGap && (i == 0 || is_shown(i - 1)) &&
                         (i + 1 == rows.size() || is_shown(i + 1)) && LinesOfRow(rows[i], plan.with_notes) == 1;
    if (is_shown(i) || is_lone) {
      plan.rows.push_back(rows[i]);
      continue;
    }
    if (plan.rows.empty() || plan.rows.back().kind != PlannedRow::Kind::kGap) {
      plan.rows.push_back(PlannedRow(PlannedRow::Kind::kGap, rows[i].event));
    }
    AddToGap(plan.rows.back(), rows[i]);
  }
  return plan;
}

}  // namespace detent_testing::internal
