// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/shrink_draw.h"

#include <algorithm>

namespace detent_testing::internal {
namespace {

using detent::sim::Tape;

// A tail moves by so much at most, to either side.
constexpr uint64_t kMoveMax = 4;
// Of this many possibilities all are equally probable; of more, the first and the last are drawn more often.
constexpr uint32_t kFew = 8;

}  // namespace

TapeEntries ShrinkDraw::Next(const TapeEntries& tape, const ChoicePoints& points) {
  switch (random_.Below(8)) {
    case 0:
    case 1:
    case 2:
      return OthersForSome(tape, points);
    case 3:
    case 4:
      return OtherForOne(tape, points);
    case 5: {
      TapeEntries moved = tape;
      MoveTail(moved);
      return moved;
    }
    case 6:
      return OtherEnd(tape, points);
    default:
      return AllOthers(tape.size() - 1);
  }
}

TapeEntries ShrinkDraw::OthersForSome(const TapeEntries& tape, const ChoicePoints& points) {
  TapeEntries result = tape;
  const size_t others = std::min<size_t>(random_.Below(3), tape.size() - 1);
  Thin(result, tape.size() - 1 - others);
  if (random_.Below(2) == 0) MoveTail(result);
  for (size_t i = 0; i < others; ++i) AddOne(result, points, 0);
  return result;
}

TapeEntries ShrinkDraw::OtherForOne(const TapeEntries& tape, const ChoicePoints& points) {
  TapeEntries result = tape;
  Thin(result, tape.size() - 1);
  AddOne(result, points, 0);
  return result;
}

TapeEntries ShrinkDraw::OtherEnd(const TapeEntries& tape, const ChoicePoints& points) {
  TapeEntries result = tape;
  result.resize(random_.Below(tape.size() - 1));
  const size_t first = result.empty() ? 0 : IndexOf(points, result.back()) + 1;
  for (size_t i = result.size() + 1; i < tape.size(); ++i) AddOne(result, points, first);
  return result;
}

TapeEntries ShrinkDraw::AllOthers(size_t size) {
  TapeEntries result;
  for (size_t i = 0; i < size; ++i) AddOne(result, calm_, 0);
  return result;
}

void ShrinkDraw::Thin(TapeEntries& tape, size_t keep) {
  while (tape.size() > keep) tape.erase(tape.begin() + static_cast<ptrdiff_t>(random_.Below(tape.size())));
}

void ShrinkDraw::MoveTail(TapeEntries& tape) {
  if (tape.empty()) return;
  const size_t begin = random_.Below(tape.size());
  const auto is_step = [](const Tape::Entry& entry) { return entry.stream == detent::sim::StreamId(); };
  const auto first = std::find_if(tape.begin() + static_cast<ptrdiff_t>(begin), tape.end(), is_step);
  if (first == tape.end()) return;
  uint64_t free_from = 0;
  for (auto before = tape.begin(); before != first; ++before) {
    if (is_step(*before)) free_from = before->number + 1;
  }
  // Up by `kMoveMax`, then down again: numbers have no sign.
  const uint64_t up = random_.Below(2 * kMoveMax + 1);
  if (first->number + up < free_from + kMoveMax) return;
  for (auto entry = first; entry != tape.end(); ++entry) {
    if (is_step(*entry)) entry->number = entry->number + up - kMoveMax;
  }
}

void ShrinkDraw::AddOne(TapeEntries& tape, const ChoicePoints& points, size_t first) {
  if (first >= points.size()) return;
  const ChoiceAsked& asked = points[first + random_.Below(points.size() - first)];
  const uint32_t n = asked.n;
  uint32_t value = 1 + static_cast<uint32_t>(random_.Below(n - 1));
  if (n > kFew && random_.Below(2) == 0) value = random_.Below(2) == 0 ? 1 : n - 1;
  const Tape::Entry entry(asked.stream, asked.number, n, value);
  const auto same =
      std::find_if(tape.begin(), tape.end(), [&](const auto& other) { return IsSameChoice(other, entry); });
  if (same != tape.end()) {
    *same = entry;
    return;
  }
  // Steps stand in their order.
  const auto is_later = [&entry](const Tape::Entry& other) {
    return other.stream == entry.stream && other.number > entry.number;
  };
  tape.insert(std::find_if(tape.begin(), tape.end(), is_later), entry);
}

}  // namespace detent_testing::internal
