// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/report/interleaving.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "detent/testing/report/row_plan.h"

namespace detent_testing {
namespace {

using internal::PlannedRow;
using Kind = TraceEvent::Kind;

constexpr size_t kColumnMin = 16;  // Narrower says nothing.
constexpr size_t kPlaceMax = 28;
constexpr size_t kHeadLines = 3;
constexpr size_t kLinesMin = 13;  // Fewer say nothing.
// The column of all callbacks; its own lane is that of callbacks from outside.
constexpr Lane kCallbacks = Lane::OfCallbacks(0);
constexpr Lane kOthers = Lane();

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

// The beginning and the line: `a_very_long_fi…:41`.
std::string CutPlace(std::string_view place, size_t width) {
  if (Width(place) <= width) return std::string(place);
  const std::string_view line = place.substr(std::min(place.rfind(':'), place.size()));
  return Cut(place.substr(0, place.size() - line.size()), width - std::min(width, Width(line))) + std::string(line);
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
      : trace_(trace), options_(options), plan_(internal::PlanRows(trace, LinesForRows(options))) {}

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
  // What the head of the table leaves; empty for all.
  static std::optional<size_t> LinesForRows(const RenderOptions& options) {
    if (options.lines_max == kAllLines) return std::nullopt;
    return std::max(options.lines_max, kLinesMin) - kHeadLines;
  }

  class Column {
   public:
    explicit Column(Lane its_lane) : lane(its_lane) {}
    // A name is not cut.
    size_t WidthUnder(size_t cap) const { return std::max(std::min(width, cap), Width(name)); }
    Lane lane;
    std::string name;
    size_t width = 0;
  };

  const std::string& NameOf(Lane lane) {
    std::string& name = names_[lane];
    if (name.empty()) name = trace_.NameOf(lane);
    return name;
  }
  Lane ColumnLane(Lane lane) const { return lane == kOthers || lane.IsTask() ? lane : kCallbacks; }

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
      const size_t place_max = options_.width == kAnyWidth ? kAnyWidth : kPlaceMax;
      place_width_ = std::max(place_width_, std::min(place_max, Width(row.event->place)));
      any_matters_ |= row.event->matters;
    }
    prefix_width_ = 2 + time_width_ + 2 + step_width_ + 2 + place_width_;
  }

  // Which tasks get a column of their own.
  void ChooseColumns() {
    std::map<Lane, int> scores;  // By the lane of the column.
    const auto score = [&](Lane lane, int points) {
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
    for (Column& column : columns_) column.name = HeadOf(column.lane);
  }
  std::string HeadOf(Lane lane) { return lane == kCallbacks ? "callbacks" : lane == kOthers ? "others" : NameOf(lane); }

  // Takes away those that matter least until the rest, and a column for the others, fit.
  void LeaveOutColumns(std::map<Lane, int>& scores) {
    std::map<Lane, size_t> widths;  // At least needed, with the separator.
    for (const PlannedRow& row : plan_.rows) {
      if (Spans(row)) continue;
      size_t& width = widths[ColumnLane(row.event->lane)];
      width = std::max(width, 3 + std::min(kColumnMin, WidthOf(row)));
    }
    for (auto& [lane, width] : widths) width = std::max(width, 3 + Width(HeadOf(lane)));
    const size_t room = options_.width > prefix_width_ ? options_.width - prefix_width_ : 0;
    size_t needed = 0;
    std::vector<std::pair<int, Lane>> ranking;
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

  Column& ColumnOf(Lane lane) {
    const Lane wanted = ColumnLane(lane);
    const auto found =
        std::find_if(columns_.begin(), columns_.end(), [&](const Column& column) { return column.lane == wanted; });
    return found == columns_.end() ? columns_.back() : *found;
  }

  // What the row's task does, with what `detail` says.
  std::string WordsOf(const PlannedRow& row, WaitDetail detail) {
    if (row.kind == PlannedRow::Kind::kFold) return "";
    const TraceEvent& event = *row.event;
    const bool with_name = !columns_.empty() && ColumnOf(event.lane).lane == kOthers;
    std::string words = trace_.WordsOf(event, detail);
    return with_name && event.kind != Kind::kCallback ? absl::StrCat(NameOf(event.lane), ": ", words) : words;
  }

  // What stands behind that, and is never cut.
  static std::string EndingOf(const PlannedRow& row) {
    if (row.kind == PlannedRow::Kind::kFold) return absl::StrCat("… ", Number(row.steps, "more step"));
    const TraceEvent& event = *row.event;
    return event.ending.empty() ? "" : absl::StrCat(", ", event.failed ? "fails" : event.ending);
  }

  size_t WidthOf(const PlannedRow& row) { return Width(WordsOf(row, WaitDetail::kAll)) + Width(EndingOf(row)); }

  // Both in so many characters, if that is possible: what can be spared is left out, bit by bit, but nothing is cut.
  std::string CellOf(const PlannedRow& row, size_t width) {
    const std::string ending = EndingOf(row);
    const size_t room = width - std::min(width, Width(ending));
    std::string words;
    for (const WaitDetail detail :
         {WaitDetail::kAll, WaitDetail::kNoClass, WaitDetail::kNoHolder, WaitDetail::kNoProgress, WaitDetail::kVerb}) {
      words = WordsOf(row, detail);
      if (Width(words) <= room) break;
    }
    return words + ending;
  }

  static bool Spans(const PlannedRow& row) {
    if (row.kind == PlannedRow::Kind::kFold) return false;
    return row.kind == PlannedRow::Kind::kGap || row.event->kind == Kind::kSlip || row.event->kind == Kind::kFailure ||
           (row.event->kind == Kind::kChoice && row.event->matters) || !row.event->lane;
  }

  void MeasureColumns() {
    for (Column& column : columns_) column.width = Width(column.name);  // Never less.
    for (const PlannedRow& row : plan_.rows) {
      if (Spans(row)) continue;
      Column& column = ColumnOf(row.event->lane);
      column.width = std::max(column.width, WidthOf(row));
    }
    // What is too much goes at the cost of the widest.
    const size_t separators = prefix_width_ + 3 * columns_.size();
    const size_t room = std::max(options_.width, separators + columns_.size()) - separators;
    size_t cap = room;
    const auto total = [&] {
      size_t sum = 0;
      for (const Column& column : columns_) sum += column.WidthUnder(cap);
      return sum;
    };
    while (cap > 1 && total() > room) --cap;
    for (Column& column : columns_) column.width = column.WidthUnder(cap);
  }

  std::string Prefix(std::string_view mark, std::string_view time, std::string_view step, std::string_view place) {
    std::string line = Padded(std::string(mark), 2);
    line.append(time_width_ - std::min(time_width_, Width(time)), ' ').append(time);
    line.append(2 + step_width_ - std::min(step_width_, Width(step)), ' ').append(step);
    return line + "  " + Padded(CutPlace(place, place_width_), place_width_);
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
      absl::StrAppend(&line, " | ", Padded(column.name, column.width));
    }
    Line(std::move(line), kBold);
  }

  void RenderRow(const PlannedRow& row, bool first) {
    if (row.kind == PlannedRow::Kind::kGap) return RenderGap(row);
    const TraceEvent& event = *row.event;
    if (event.kind == Kind::kFailure) {
      std::string what = !event.lane ? event.text : absl::StrCat("in ", NameOf(event.lane), ": ", event.text);
      return Line(Cut(absl::StrCat("! ", what), options_.width), kRed);
    }
    if (Spans(row)) {
      return Line(absl::StrCat("> here ", event.text, event.lane ? absl::StrCat(", in ", NameOf(event.lane)) : ""),
                  kYellow);
    }
    if (event.matters && event.instead_of && plan_.with_notes) {
      const std::string who =
          event.kind == Kind::kCallback ? trace_.NameOf(event.lane, event.text) : NameOf(event.lane);
      Line(absl::StrCat("> here ", who, " runs instead of ", trace_.NameOf(event.instead_of, event.instead_of_what)),
           kYellow);
    }
    const bool is_event = row.kind == PlannedRow::Kind::kEvent;
    const bool is_step = is_event && event.kind != Kind::kChoice && event.kind != Kind::kWaits;
    const bool is_new_time = is_event && (first || event.time != shown_time_);
    if (is_new_time) shown_time_ = event.time;
    const bool has_place = is_event && event.kind != Kind::kChoice;
    std::string line = Prefix(is_event && event.matters ? ">" : "", is_new_time ? event.time.ToString() : "",
                              is_step ? absl::StrCat(event.step) : "", has_place ? event.place : "");
    // What its cell cannot hold goes on over the empty ones behind it; the columns keep their places.
    const Column& own = ColumnOf(event.lane);
    size_t begin = Width(line);
    for (const Column& column : columns_) {
      if (Width(line) <= begin) absl::StrAppend(&line, " | ");
      if (&column == &own) line += CellOf(row, column.width);
      begin += 3 + column.width;
      line = Padded(std::move(line), begin);
    }
    Line(std::move(line), !is_event ? kDim : event.matters ? kYellow : event.failed ? kRed : kPlain);
    if (is_event && event.failed) {
      Line(Cut(absl::StrCat("! ", NameOf(event.lane), " ", event.ending), options_.width), kRed);
    }
  }

  void RenderGap(const PlannedRow& row) {
    std::vector<std::string> names;
    for (const Lane lane : row.lanes) {
      if (names.size() < 3 || row.lanes.size() == 4) names.push_back(NameOf(lane));
    }
    std::string line = absl::StrCat("  … ", Number(row.steps, "step"));
    if (!names.empty()) absl::StrAppend(&line, " of ", absl::StrJoin(names, ", "));
    if (row.lanes.size() > names.size()) absl::StrAppend(&line, " and ", row.lanes.size() - names.size(), " others");
    Line(std::move(line), kDim);
  }

  const Trace& trace_;
  const RenderOptions& options_;
  const internal::RowPlan plan_;
  std::map<Lane, std::string> names_;
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

std::string RenderInterleaving(const Trace& trace, const RenderOptions& options) {
  return Table(trace, options).Render();
}

bool WantsColour(int file_descriptor) {
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  return isatty(file_descriptor) != 0 && (no_color == nullptr || *no_color == '\0') && terminal != nullptr &&
         std::strcmp(terminal, "dumb") != 0;
}

}  // namespace detent_testing
