// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/interleaving.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "detent/testing/row_plan.h"

namespace detent_testing {
namespace {

using internal::PlannedRow;
using Kind = TraceEvent::Kind;

constexpr size_t kColumnMin = 16;  // Narrower says nothing.
constexpr size_t kPlaceMax = 28;
constexpr uint64_t kCallbacks = 1;  // The column of all callbacks, as a lane; its own is that of callbacks from outside.
constexpr uint64_t kOthers = 0;

constexpr std::string_view kPlain = "";
constexpr std::string_view kBold = "\033[1m";
constexpr std::string_view kDim = "\033[2m";
constexpr std::string_view kYellow = "\033[1;33m";
constexpr std::string_view kRed = "\033[1;31m";
constexpr std::string_view kReset = "\033[0m";

bool ContinuesCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// In characters.
size_t Width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !ContinuesCharacter(c); }));
}

std::string Cut(std::string_view text, size_t width) {
  if (Width(text) <= width) return std::string(text);
  if (width == 0) return "";
  size_t bytes = 0;
  for (size_t characters = 0; characters < width; ++characters) {
    if (characters + 1 == width) break;
    for (++bytes; bytes < text.size() && ContinuesCharacter(text[bytes]); ++bytes) {
    }
  }
  return std::string(text.substr(0, bytes)) + "…";
}

// Leaves out what can be spared, bit by bit: the class whose operation it is, who holds it, how full it is, on what.
std::string Shorten(const std::string& text, size_t width) {
  if (Width(text) <= width) return text;
  std::string brief = text;
  // waits: Lock::Acquire on "ledger": waits: Acquire "ledger"
  const size_t scope = brief.find("::");
  const size_t on = brief.find(" on \"");
  if (scope != std::string::npos && on != std::string::npos && scope < on) {
    brief.erase(on, 3);
    const size_t space = brief.rfind(' ', scope);
    const size_t begin = space == std::string::npos ? 0 : space + 1;
    brief.erase(begin, scope + 2 - begin);
  }
  for (const std::string_view detail : {"", ", held by ", " (", ", ", " on ", " until "}) {
    const size_t at = detail.empty() ? std::string::npos : brief.find(detail);
    if (at != 0 && Width(brief.substr(0, at)) <= width) return brief.substr(0, at);
  }
  return Cut(brief, width);
}

std::string Padded(std::string text, size_t width) {
  const size_t has = Width(text);
  return has < width ? text.append(width - has, ' ') : text;
}

std::string Number(uint64_t n, std::string_view what) {
  return absl::StrCat(n, " ", std::string(what), n == 1 ? "" : "s");
}

class Table {
 public:
  Table(const Trace& trace, const RenderOptions& options)
      : trace_(trace),
        options_(options),
        plan_(internal::PlanRows(trace, options.lines_max == kAllLines ? kAllLines
                                        : options.lines_max > 12       ? options.lines_max - 3
                                                                       : 10)) {}

  std::string Render() {
    if (plan_.rows.empty()) return "";
    MeasurePrefix();
    ChooseColumns();
    MeasureColumns();
    RenderHeader();
    bool first = true;
    for (const PlannedRow& row : plan_.rows) {
      RenderRow(row, first);
      first = false;
    }
    return std::move(text_);
  }

 private:
  class Column {
   public:
    explicit Column(uint64_t its_lane) : lane(its_lane) {}
    uint64_t lane;
    std::string name;
    size_t width = 0;
  };

  const std::string& NameOf(uint64_t lane) {
    std::string& name = names_[lane];
    if (name.empty()) name = trace_.NameOf(lane);
    return name;
  }
  uint64_t ColumnLane(uint64_t lane) const { return lane == kOthers || trace_.IsTask(lane) ? lane : kCallbacks; }

  void Line(std::string line, std::string_view colour) {
    line.erase(line.find_last_not_of(' ') + 1);
    const bool coloured = options_.colour && !colour.empty();
    absl::StrAppend(&text_, std::string(coloured ? colour : ""), line, std::string(coloured ? kReset : ""), "\n");
  }

  void MeasurePrefix() {
    for (const PlannedRow& row : plan_.rows) {
      if (row.kind != PlannedRow::Kind::kEvent) continue;
      time_width_ = std::max(time_width_, Width(row.event->time.ToString()));
      step_width_ = std::max(step_width_, Width(absl::StrCat(row.event->step)));
      place_width_ = std::max(place_width_, std::min(kPlaceMax, Width(row.event->place)));
      any_matters_ |= row.event->matters;
    }
    prefix_width_ = 2 + time_width_ + 2 + step_width_ + 2 + place_width_;
  }

  // Which tasks get a column of their own.
  void ChooseColumns() {
    std::map<uint64_t, int> scores;  // By the lane of the column.
    const auto score = [&](uint64_t lane, int points) {
      if (lane != kOthers) scores[ColumnLane(lane)] = std::max(scores[ColumnLane(lane)], points);
    };
    for (size_t i = 0; i < plan_.rows.size(); ++i) {
      if (plan_.rows[i].kind != PlannedRow::Kind::kEvent) continue;
      const TraceEvent& event = *plan_.rows[i].event;
      score(event.lane, 0);
      if (!event.matters && !event.failed) continue;
      score(event.lane, event.matters ? 4 : 2);
      score(event.instead_of, 3);
      for (const size_t beside : {i - 1, i + 1}) {
        if (beside < plan_.rows.size() && plan_.rows[beside].kind == PlannedRow::Kind::kEvent) {
          score(plan_.rows[beside].event->lane, 1);
        }
      }
    }
    LeaveOutColumns(scores);
    for (const auto& [lane, points] : scores) {
      if (lane != kCallbacks) columns_.push_back(Column(lane));
    }
    // After the tasks.
    if (scores.contains(kCallbacks)) columns_.push_back(Column(kCallbacks));
    if (has_others_) columns_.push_back(Column(kOthers));
    for (Column& column : columns_) {
      column.name = column.lane == kCallbacks ? "callbacks" : column.lane == kOthers ? "others" : NameOf(column.lane);
    }
  }

  // Takes away those that matter least until the rest, and a column for the others, fit.
  void LeaveOutColumns(std::map<uint64_t, int>& scores) {
    std::map<uint64_t, size_t> widths;  // At least needed, with the separator.
    for (const PlannedRow& row : plan_.rows) {
      if (Spans(row)) continue;
      const auto [text, ending] = CellOf(row);
      size_t& width = widths[ColumnLane(row.event->lane)];
      width = std::max(width, 3 + std::min(kColumnMin, Width(text) + Width(ending)));
    }
    const size_t room = options_.width > prefix_width_ ? options_.width - prefix_width_ : 0;
    size_t needed = 0;
    std::vector<std::pair<int, uint64_t>> ranking;
    for (const auto& [lane, points] : scores) {
      ranking.emplace_back(-points, lane);
      needed += widths[lane];
    }
    if (needed <= room) return;
    has_others_ = true;
    needed += 3 + kColumnMin;
    std::sort(ranking.begin(), ranking.end());
    while (needed > room && ranking.size() > 1) {
      needed -= widths[ranking.back().second];
      scores.erase(ranking.back().second);
      ranking.pop_back();
    }
  }

  Column& ColumnOf(uint64_t lane) {
    const uint64_t wanted = ColumnLane(lane);
    const auto found =
        std::find_if(columns_.begin(), columns_.end(), [&](const Column& column) { return column.lane == wanted; });
    return found == columns_.end() ? columns_.back() : *found;
  }

  // The row's cell: what may be shortened, and what may not.
  std::pair<std::string, std::string> CellOf(const PlannedRow& row) {
    if (row.kind == PlannedRow::Kind::kFold) return {"", absl::StrCat("… ", Number(row.steps, "more step"))};
    const TraceEvent& event = *row.event;
    const bool with_name = !columns_.empty() && ColumnOf(event.lane).lane == kOthers;
    std::string text = event.text;
    if (event.kind == Kind::kCallback) {
      text = with_name ? NameOf(event.lane) : std::string(absl::StripPrefix(NameOf(event.lane), "a callback "));
    } else if (with_name) {
      text = absl::StrCat(NameOf(event.lane), ": ", text);
    }
    if (event.ending.empty()) return {text, ""};
    return {text, absl::StrCat(", ", event.failed ? "fails" : event.ending)};
  }

  static bool Spans(const PlannedRow& row) {
    return row.kind == PlannedRow::Kind::kGap || row.event->kind == Kind::kSlip || row.event->kind == Kind::kFailure ||
           row.event->lane == 0;
  }

  void MeasureColumns() {
    for (Column& column : columns_) column.width = Width(column.name);
    for (const PlannedRow& row : plan_.rows) {
      if (Spans(row)) continue;
      Column& column = ColumnOf(row.event->lane);
      const auto [text, ending] = CellOf(row);
      column.width = std::max(column.width, Width(text) + Width(ending));
    }
    // What is too much goes at the cost of the widest.
    const size_t separators = prefix_width_ + 3 * columns_.size();
    const size_t room = std::max(options_.width, separators + columns_.size()) - separators;
    size_t cap = room;
    const auto total = [&] {
      size_t sum = 0;
      for (const Column& column : columns_) sum += std::min(column.width, cap);
      return sum;
    };
    while (cap > 1 && total() > room) --cap;
    for (Column& column : columns_) column.width = std::min(column.width, cap);
  }

  std::string Prefix(std::string_view mark, std::string_view time, std::string_view step, std::string_view place) {
    std::string line = Padded(std::string(mark), 2);
    line.append(time_width_ - std::min(time_width_, Width(time)), ' ').append(time);
    line.append(2 + step_width_ - std::min(step_width_, Width(step)), ' ').append(step);
    return line + "  " + Padded(Cut(place, place_width_), place_width_);
  }

  void RenderHeader() {
    std::string legend = "each row is one step: the await from which its task goes on";
    if (any_matters_) absl::StrAppend(&legend, "; > marks the choices that matter");
    Line(Cut(legend, options_.width), kDim);
    if (plan_.choices_left_out > 0) {
      Line(absl::StrCat("  … ", Number(plan_.choices_left_out, "choice"), " that ",
                        plan_.choices_left_out == 1 ? "matters stands" : "matter stand", " in rows that are left out"),
           kYellow);
    }
    std::string line = Prefix("", "time", "step", "place");
    for (const Column& column : columns_) {
      absl::StrAppend(&line, " | ", Padded(Cut(column.name, column.width), column.width));
    }
    Line(std::move(line), kBold);
  }

  void RenderRow(const PlannedRow& row, bool first) {
    if (row.kind == PlannedRow::Kind::kGap) return RenderGap(row);
    const TraceEvent& event = *row.event;
    if (event.kind == Kind::kFailure) {
      std::string what = event.lane == 0 ? event.text : absl::StrCat("in ", NameOf(event.lane), ": ", event.text);
      return Line(Cut(absl::StrCat("! ", what), options_.width), kRed);
    }
    if (Spans(row)) return Line(Cut(absl::StrCat("> ", event.text), options_.width), kYellow);
    if (event.matters && event.instead_of != 0 && plan_.with_notes) {
      const std::string note = absl::StrCat("> here ", NameOf(event.lane), " runs instead of ", NameOf(event.instead_of));
      Line(Cut(note, options_.width), kYellow);
    }
    const bool is_event = row.kind == PlannedRow::Kind::kEvent;
    const bool is_step = is_event && event.kind != Kind::kChoice && event.kind != Kind::kWaits;
    const bool is_new_time = is_event && (first || event.time != shown_time_);
    if (is_new_time) shown_time_ = event.time;
    const bool has_place = is_event && event.kind != Kind::kChoice;
    std::string line = Prefix(is_event && event.matters ? ">" : "", is_new_time ? event.time.ToString() : "",
                              is_step ? absl::StrCat(event.step) : "", has_place ? event.place : "");
    const Column& own = ColumnOf(event.lane);
    for (const Column& column : columns_) {
      std::string cell;
      if (&column == &own) {
        const auto [text, ending] = CellOf(row);
        const size_t room = column.width - std::min(column.width, Width(ending));
        cell = Cut(Shorten(text, room) + ending, column.width);
      }
      absl::StrAppend(&line, " | ", Padded(std::move(cell), column.width));
    }
    Line(std::move(line), !is_event ? kDim : event.matters ? kYellow : event.failed ? kRed : kPlain);
    if (is_event && event.failed) {
      Line(Cut(absl::StrCat("! ", NameOf(event.lane), " ", event.ending), options_.width), kRed);
    }
  }

  void RenderGap(const PlannedRow& row) {
    std::vector<std::string> names;
    for (const uint64_t lane : row.lanes) {
      if (names.size() < 3 || row.lanes.size() == 4) names.push_back(NameOf(lane));
    }
    std::string line = absl::StrCat("  … ", Number(row.steps, "step"));
    if (!names.empty()) absl::StrAppend(&line, " of ", absl::StrJoin(names, ", "));
    if (row.lanes.size() > names.size()) absl::StrAppend(&line, " and ", row.lanes.size() - names.size(), " others");
    Line(Cut(line, options_.width), kDim);
  }

  const Trace& trace_;
  const RenderOptions& options_;
  const internal::RowPlan plan_;
  std::map<uint64_t, std::string> names_;
  std::vector<Column> columns_;
  bool has_others_ = false;
  bool any_matters_ = false;
  size_t time_width_ = 4;
  size_t step_width_ = 4;
  size_t place_width_ = 5;
  size_t prefix_width_ = 0;
  detent::LoopTime shown_time_;
  std::string text_;
};

}  // namespace

std::string RenderInterleaving(const Trace& trace, const RenderOptions& options) { return Table(trace, options).Render(); }

bool WantsColour(int file_descriptor) {
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  return isatty(file_descriptor) != 0 && (no_color == nullptr || *no_color == '\0') && terminal != nullptr &&
         std::strcmp(terminal, "dumb") != 0;
}

}  // namespace detent_testing
