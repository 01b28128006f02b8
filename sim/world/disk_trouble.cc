// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/disk_trouble.h"

#include <cerrno>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/sim/world/arrivals.h"
#include "detent/sim/world/choices.h"

namespace detent::sim {
namespace {

using internal::DiskVerb;
using Kind = DiskTrouble::Kind;

constexpr absl::Duration kSlow = absl::Seconds(1);
constexpr absl::Duration kHeldUp = absl::Minutes(1);
constexpr uint32_t kCalm = 1 + kDoublings;

// What can befall a call, in the order of severity. Closing always closes.
std::vector<Kind> TroublesOf(DiskVerb verb, bool may_rot) {
  if (verb == DiskVerb::kClose || verb == DiskVerb::kSize) return {Kind::kIsSlow};
  std::vector<Kind> kinds = {Kind::kIsSlow};
  if (IsWrite(verb)) kinds.push_back(Kind::kIsFull);
  kinds.push_back(Kind::kFails);
  if (verb == DiskVerb::kReadAt && may_rot) kinds.push_back(Kind::kTurnsBit);
  kinds.push_back(Kind::kIsHeldUp);
  return kinds;
}

const char* PlaceOf(DiskVerb verb) {
  if (IsWrite(verb)) return "disk write";
  if (IsSync(verb) || verb == DiskVerb::kSyncDirectory) return "disk sync";
  return verb == DiskVerb::kReadAt ? "disk read" : "disk";
}

std::string WordsOf(Kind kind, DiskVerb verb, const std::string& what) {
  switch (kind) {
    case Kind::kNone:
      break;
    case Kind::kIsSlow:
      return absl::StrCat(what, " takes ", absl::FormatDuration(kSlow));
    case Kind::kIsFull:
      return absl::StrCat(what, " finds no room");
    case Kind::kFails:
      return absl::StrCat(what, " fails", IsSync(verb) ? ", and what it should have made durable never will be" : "",
                          verb == DiskVerb::kReadAt ? ", and so does each further read of the file" : "");
    case Kind::kTurnsBit:
      return absl::StrCat(what, " finds a bit turned");
    case Kind::kIsHeldUp:
      return absl::StrCat(what, " is not answered for ", absl::FormatDuration(kHeldUp));
  }
  return "";
}

}  // namespace

DiskTrouble DiskTrouble::Draw(internal::LoopOwner& owner, Faults& faults, uint64_t stream,
                              const internal::DiskCall& call, bool may_rot, absl::FunctionRef<std::string()> what) {
  if (!faults.May(FaultFamily::kDisk)) {
    const uint32_t doublings = ChooseDoublings(owner, ChoiceKind::kDisk, stream, Calm::kAtOnce, what);
    return DiskTrouble(Kind::kNone, doublings == 0 ? absl::ZeroDuration() : kDelay * (1 << doublings));
  }
  const std::vector<Kind> kinds = TroublesOf(call.verb, may_rot);
  const std::vector<FaultFamily> families(kinds.size(), FaultFamily::kDisk);
  const uint32_t choice =
      faults.Decide(ChoiceKind::kDisk, stream, kCalm, families, PlaceOf(call.verb), [&](uint32_t alternative) {
        if (alternative < kCalm) return WordsOfDelay(what(), alternative, Calm::kAtOnce);
        return WordsOf(kinds[alternative - kCalm], call.verb, what());
      });
  if (choice < kCalm) return DiskTrouble(Kind::kNone, choice == 0 ? absl::ZeroDuration() : kDelay * (1 << choice));
  const Kind kind = kinds[choice - kCalm];
  const absl::Duration delay = kind == Kind::kIsSlow ? kSlow : kind == Kind::kIsHeldUp ? kHeldUp : absl::ZeroDuration();
  return DiskTrouble(kind, delay);
}

void DiskTrouble::CarryOut(internal::DiskCall& call, FileTree& tree) const {
  switch (kind_) {
    case Kind::kIsFull:
      call.error = ENOSPC;
      return;
    case Kind::kFails:
      if (call.verb == DiskVerb::kReadAt) FileTree::NodeOf(*call.file).read_error = EIO;
      if (IsSync(call.verb)) tree.DropUnsynced(*call.file);
      call.error = EIO;
      return;
    case Kind::kTurnsBit:
      TurnBit(FileTree::NodeOf(*call.file), call.offset);
      break;
    default:
      break;
  }
  internal::CarryOut(call, tree);
}

}  // namespace detent::sim
