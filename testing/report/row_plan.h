// SPDX-License-Identifier: Apache-2.0
//
// RowPlan: which events of a trace get a row, which are folded and which are left out. Under RenderInterleaving(); not
// for users.
#ifndef DETENT_TESTING_REPORT_ROW_PLAN_H_
#define DETENT_TESTING_REPORT_ROW_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "detent/testing/report/trace.h"

namespace detent_testing::internal {

// A row of the table, or what stands for several.
class PlannedRow {
 public:
  enum class Kind : uint8_t {
    kEvent,
    kFold,  // Further steps of the lane above.
    kGap,   // What was left out.
  };
  PlannedRow(Kind what, const TraceEvent* shown) : kind(what), event(shown) {}

  Kind kind;
  const TraceEvent* event;  // The first one, of those that a kFold or kGap stands for; null if they were forgotten.
  uint64_t steps = 0;       // How many steps it stands for.
  std::set<Lane> lanes;     // Of kGap: whose steps.
};

class RowPlan {
 public:
  RowPlan() {}

  std::vector<PlannedRow> rows;
  bool with_notes = true;         // Whether the choices that matter are said in words.
  uint64_t choices_left_out = 0;  // Choices that matter, for want of room.
};

// Plans for about `lines_max` lines; without, for all that there are.
RowPlan PlanRows(const Trace& trace, std::optional<size_t> lines_max);

// How many lines the event takes: a row, and what is said before and after it.
size_t LinesOf(const TraceEvent& event, bool with_notes);

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_REPORT_ROW_PLAN_H_
