// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/history/lanes.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace detent_testing::internal {
namespace {

constexpr size_t kLanesMax = 24;
constexpr size_t kColumnsMax = 60;
constexpr size_t kTextMax = 60;

size_t Width(const std::string& text) { return std::min(text.size(), kTextMax); }

std::string Padded(std::string text, size_t width) {
  if (text.size() > kTextMax) text = absl::StrCat(text.substr(0, kTextMax - 4), " ...");
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

std::string Head(const Lane& lane) { return absl::StrCat("#", lane.number, "  client ", lane.span.client, "  "); }

}  // namespace

std::string DrawLanes(const std::vector<Lane>& lanes, size_t marked) {
  const size_t left_out = lanes.size() > kLanesMax ? lanes.size() - kLanesMax : 0;
  const std::vector<Lane> shown(lanes.begin() + static_cast<std::ptrdiff_t>(left_out), lanes.end());
  std::vector<size_t> events;
  size_t head_width = 0, text_width = 0;
  for (const Lane& lane : shown) {
    events.push_back(lane.span.called);
    if (lane.span.IsRequired()) events.push_back(lane.span.returned);
    head_width = std::max(head_width, Head(lane).size());
    text_width = std::max(text_width, Width(lane.text));
  }
  std::sort(events.begin(), events.end());
  const size_t scale = std::max<size_t>(1, kColumnsMax / std::max<size_t>(1, events.size()));
  const auto column = [&](size_t event) {
    const auto at = std::lower_bound(events.begin(), events.end(), event) - events.begin();
    const size_t place = static_cast<size_t>(at) * std::min<size_t>(scale, 3);
    const size_t last = events.size() * std::min<size_t>(scale, 3);
    return last <= kColumnsMax ? place : place * kColumnsMax / last;
  };
  std::string text;
  if (left_out > 0) absl::StrAppend(&text, "  (", left_out, " earlier operations are left out)\n");
  for (const Lane& lane : shown) {
    std::string bar(column(lane.span.called), ' ');
    bar += '[';
    const size_t end = lane.span.IsRequired() ? column(lane.span.returned) : kColumnsMax;
    if (end > bar.size()) bar.append(end - bar.size(), lane.span.IsRequired() ? '=' : '.');
    if (lane.span.IsRequired()) bar += ']';
    std::string head = Head(lane);
    head.resize(head_width, ' ');
    absl::StrAppend(&text, "  ", head, Padded(lane.text, text_width), lane.number == marked ? "  > " : "    ", bar,
                    "\n");
  }
  return text;
}

}  // namespace detent_testing::internal
