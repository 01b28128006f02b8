// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/power_loss.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"

namespace detent::sim {
namespace {

// More possibilities at one point make no search better.
constexpr size_t kAtOnceMax = 4096;

uint32_t OneOf(size_t n) { return static_cast<uint32_t>(std::min(n, kAtOnceMax)); }

// How many of its sectors a write touches.
uint64_t SectorsOf(const DiskChange& change) {
  if (change.kind != DiskChange::Kind::kWrite || change.bytes.empty()) return 0;
  return (change.offset + change.bytes.size() - 1) / kSectorSize - change.offset / kSectorSize + 1;
}

// Whether both write to one sector. A sector is written as a whole, as the program sees it by then: with the later of
// them comes the earlier.
bool ShareSector(const DiskChange& a, const DiskChange& b) {
  if (a.at != b.at || SectorsOf(a) == 0 || SectorsOf(b) == 0) return false;
  const uint64_t first_a = a.offset / kSectorSize;
  const uint64_t first_b = b.offset / kSectorSize;
  return first_a < first_b + SectorsOf(b) && first_b < first_a + SectorsOf(a);
}
bool SharesSectorWithAny(const DiskChange& change, const std::vector<DiskChange>& log, size_t begin, size_t end) {
  return std::any_of(log.begin() + static_cast<ptrdiff_t>(begin), log.begin() + static_cast<ptrdiff_t>(end),
                     [&change](const DiskChange& other) { return ShareSector(change, other); });
}

// The first `sectors` of a write.
DiskChange Torn(const DiskChange& change, uint64_t sectors) {
  DiskChange part = change;
  part.bytes.resize((change.offset / kSectorSize + sectors) * kSectorSize - change.offset);
  return part;
}

}  // namespace

std::vector<DiskChange> KeptOf(const std::vector<DiskChange>& log, DiskProfile profile, const DiskNode& root,
                               LossChooser choose) {
  if (profile == DiskProfile::kStrict || log.empty()) return log;
  const auto lost = [&](const DiskChange& change) {
    return absl::StrCat(Describe(change, root), " is lost: ", WhyItIsNotDurable(change, root));
  };
  const size_t lost_from_end = choose(OneOf(log.size() + 1), [&](uint32_t count) {
    const DiskChange& first = log[log.size() - count];
    if (count == 1) return lost(first);
    return absl::StrCat("the last ", count, " changes are lost, from ", Describe(first, root),
                        " on: ", WhyItIsNotDurable(first, root));
  });
  const size_t border = log.size() - lost_from_end;
  std::vector<DiskChange> kept(log.begin(), log.begin() + static_cast<ptrdiff_t>(border));

  // One more in the middle, which later ones have overtaken.
  std::vector<size_t> may_be_holes;
  for (size_t i = 0; i + (lost_from_end == 0 ? 1 : 0) < border; ++i) {
    const bool may_be = log[i].is_in_place || (profile == DiskProfile::kPosix && !log[i].MovesDirectory());
    // The one at the border may be there in part.
    if (may_be && !SharesSectorWithAny(log[i], log, i + 1, std::min(border + 1, log.size()))) may_be_holes.push_back(i);
  }
  const uint32_t hole = choose(OneOf(may_be_holes.size() + 1), [&](uint32_t which) {
    return absl::StrCat("so is an earlier change: ", lost(log[may_be_holes[may_be_holes.size() - which]]));
  });
  const size_t hole_at = hole == 0 ? log.size() : may_be_holes[may_be_holes.size() - hole];

  // Of what comes first behind the border, its first sectors.
  std::vector<DiskChange> behind;
  const uint64_t sectors = lost_from_end == 0 ? 0 : SectorsOf(log[border]);
  if (sectors > 1) {
    const uint32_t written = choose(OneOf(sectors), [&](uint32_t count) {
      return absl::StrCat("of ", Describe(log[border], root), " the first ", count, " of ", sectors,
                          " sectors are there");
    });
    if (written > 0) behind.push_back(Torn(log[border], written));
  }
  // Or one of those that come later, before its time.
  std::vector<size_t> may_be_early;
  for (size_t i = border + 1; profile == DiskProfile::kPosix && behind.empty() && i < log.size(); ++i) {
    if (!log[i].MovesDirectory() && !SharesSectorWithAny(log[i], log, border, i)) may_be_early.push_back(i);
  }
  const uint32_t early = choose(OneOf(may_be_early.size() + 1), [&](uint32_t which) {
    return absl::StrCat("but not ", Describe(log[may_be_early[which - 1]], root), ", which had come before them");
  });
  if (early > 0) behind.push_back(log[may_be_early[early - 1]]);
  if (hole_at < kept.size()) kept.erase(kept.begin() + static_cast<ptrdiff_t>(hole_at));
  kept.insert(kept.end(), behind.begin(), behind.end());
  return kept;
}

}  // namespace detent::sim
