// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/barrier.h"

#include <stdexcept>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/access.h"

namespace detent {

// A task inside the barrier. The last one out ends the round.
class Barrier::Presence : public internal::ListLink<Presence> {
 public:
  explicit Presence(Barrier& barrier)
      : ListLink(nullptr), barrier_(barrier), index_(barrier.count_++), holder_(internal::CurrentTaskState()->id()) {
    barrier.NoteChange();
    barrier.inside_.Append(this);
  }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;
  ~Presence() {
    if (!IsListed()) return;  // The barrier is gone.
    internal::List<Presence>::Unlist(this);
    barrier_.NoteChange();
    if (--barrier_.count_ > 0) return;
    if (barrier_.state_ == State::kResetting || barrier_.state_ == State::kDraining) barrier_.state_ = State::kFilling;
    // Not held only if the frame is destroyed from outside.
    if (barrier_.changed_.Locked()) barrier_.changed_.NotifyAll();
  }
  int index() const { return index_; }
  uint64_t holder() const { return holder_; }

 private:
  Barrier& barrier_;
  int index_;
  uint64_t holder_;
};

Barrier::Barrier(int parties, std::string_view name)
    : NamedObject(name), changed_(name, internal::kLockOfBarrier), parties_(parties) {
  if (parties < 1) {
    throw std::invalid_argument(absl::StrCat("Barrier: ", parties, " parties; there must be 1 or more"));
  }
}

Barrier::~Barrier() {
  std::vector<uint64_t> holders;
  while (Presence* const presence = inside_.first()) {
    holders.push_back(presence->holder());
    internal::List<Presence>::Unlist(presence);
  }
  if (holders.empty() || internal::IsTearingDown()) return;
  internal::ReportHere(
      ExceptionContext(absl::StrCat(Called("Barrier"), " was destroyed while a place was held by ",
                                    internal::DescribeHolders(holders), "; let it outlive the tasks that wait on it"),
                       nullptr, ReportKind::kDestroyedWhileHeld));
}

// The lock orders the changes; this is for those who look without it.
void Barrier::NoteChange() const { NoteAccess(*this, AccessMode::kWrite); }

int Barrier::Waiting() const {
  NoteAccess(*this, AccessMode::kRead);
  return state_ == State::kFilling ? count_ : 0;
}

bool Barrier::Broken() const {
  NoteAccess(*this, AccessMode::kRead);
  return state_ == State::kBroken;
}

Coro<int> Barrier::Wait(std::source_location where) { return WaitCoro().At(where); }
Coro<> Barrier::Reset(std::source_location where) { return ResetCoro().At(where); }
Coro<> Barrier::Abort(std::source_location where) { return AbortCoro().At(where); }

Coro<int> Barrier::WaitCoro() {
  auto held = co_await changed_.Hold();
  co_await changed_.WaitFor([this] { return state_ != State::kDraining && state_ != State::kResetting; });
  if (state_ == State::kBroken) throw BrokenBarrierError("Barrier::Wait(): the barrier was aborted; Reset() it first");
  const Presence presence(*this);
  if (presence.index() + 1 == parties_) {
    state_ = State::kDraining;
    changed_.NotifyAll();
  } else {
    co_await changed_.WaitFor([this] { return state_ != State::kFilling; });
    if (state_ == State::kBroken || state_ == State::kResetting) {
      throw BrokenBarrierError("Barrier::Wait(): the barrier was reset or aborted while this task waited");
    }
  }
  co_return presence.index();
}

Coro<> Barrier::ResetCoro() {
  auto held = co_await changed_.Hold();
  NoteChange();
  state_ = count_ > 0 ? State::kResetting : State::kFilling;
  changed_.NotifyAll();
}

Coro<> Barrier::AbortCoro() {
  auto held = co_await changed_.Hold();
  NoteChange();
  state_ = State::kBroken;
  changed_.NotifyAll();
}

}  // namespace detent
