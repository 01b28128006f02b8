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

bool IsBefore(const Tape::Entry& a, const Tape::Entry& b) { return a.position < b.position; }

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
  const uint64_t first = result.empty() ? 0 : result.back().position + 1;
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
  const uint64_t first = begin == 0 ? 0 : tape[begin - 1].position + 1;
  // Up by `kMoveMax`, then down again: positions have no sign.
  const uint64_t up = random_.Below(2 * kMoveMax + 1);
  if (tape[begin].position + up < first + kMoveMax) return;
  for (size_t i = begin; i < tape.size(); ++i) tape[i].position = tape[i].position + up - kMoveMax;
}

void ShrinkDraw::AddOne(TapeEntries& tape, const ChoicePoints& points, uint64_t first) {
  if (first >= points.size()) return;
  const uint64_t position = first + random_.Below(points.size() - first);
  const auto [kind, n] = points[position];
  uint32_t value = 1 + static_cast<uint32_t>(random_.Below(n - 1));
  if (n > kFew && random_.Below(2) == 0) value = random_.Below(2) == 0 ? 1 : n - 1;
  const Tape::Entry entry(position, kind, n, value);
  const auto at = std::lower_bound(tape.begin(), tape.end(), entry, IsBefore);
  if (at != tape.end() && at->position == position) {
    *at = entry;
  } else {
    tape.insert(at, entry);
  }
}

}  // namespace detent_testing::internal
