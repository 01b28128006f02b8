// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/disk.h"

#include <algorithm>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/callback.h"
#include "detent/runtime/io/internal/file_path.h"
#include "detent/runtime/io/internal/outside.h"
#include "detent/sim/world/choices.h"
#include "detent/sim/world/disk_trouble.h"

namespace detent::sim {

// What a callback runs when a call has come to its end.
class DiskStep {
 public:
  static constexpr char kStep[] = "file operation";

  DiskStep(Disk& disk, uint64_t stream, const DiskTrouble& trouble, std::unique_ptr<internal::DiskCall> call)
      : disk_(&disk), stream_(stream), trouble_(trouble), call_(std::move(call)) {}
  DiskStep(DiskStep&&) noexcept = default;
  DiskStep& operator=(DiskStep&&) = delete;
  ~DiskStep() {
    if (call_ != nullptr) disk_->Forget(*call_);
  }

  void operator()() {
    internal::NoteUnknownAccess(disk_->loop_.core());
    disk_->carried_out_ = call_.get();
    disk_->stream_ = stream_;
    disk_->Settle();
    trouble_.CarryOut(*call_, disk_->tree_);
    disk_->carried_out_ = nullptr;
    if (IsSync(call_->verb)) disk_->faults_.OfferBlow("sync");
    if (IsWrite(call_->verb)) disk_->faults_.OfferBlow("write");
    disk_->Done(std::move(call_));
  }

 private:
  internal::Ref<Disk> disk_;
  uint64_t stream_;
  DiskTrouble trouble_;
  std::unique_ptr<internal::DiskCall> call_;
};

// Deletes itself when it has come, or will not.
class DiskArrival final : public Arrival {
 public:
  DiskArrival(Disk& disk, internal::Ref<internal::Callback> callback, std::string what, uint64_t stream)
      : disk_(disk), callback_(std::move(callback)), what_(std::move(what)), stream_(stream) {}
  ~DiskArrival() { std::erase(disk_.held_up_, this); }

  void Arrive() override {
    const std::unique_ptr<DiskArrival> self(this);
    callback_->Schedule();
  }
  void Drop() override { delete this; }
  const internal::Home* home() const override { return callback_->home(); }
  std::string Describe() const override { return absl::StrCat("the disk's answer to ", what_); }
  uint64_t Stream() const override { return stream_; }

 private:
  Disk& disk_;
  const internal::Ref<internal::Callback> callback_;
  const std::string what_;
  const uint64_t stream_;
};

namespace {

// `append to /a`: of an open file the call has no path itself.
std::string WordsOf(const internal::DiskCall& call) {
  return absl::StrCat(call.Describe(), call.path.empty() && call.state != nullptr ? call.state->path() : "");
}

}  // namespace

Disk& Disk::Current() {
  if (Disk* const disk = CurrentOrNull()) return *disk;
  throw InvalidStateError("sim::Disk::Current(): the disk of a real loop is the system's; ask on a SimLoop only");
}

Disk* Disk::CurrentOrNull() {
  return dynamic_cast<Disk*>(&internal::RequireCore("sim::Disk::Current()").owner().outside().disk());
}

Disk::Disk(EventLoop& loop, Arrivals& arrivals, Faults& faults)
    : loop_(loop), arrivals_(arrivals), faults_(faults), tree_(*this) {
  faults_.Enrol(*this);
}

Disk::~Disk() = default;

std::string Disk::NewSuffix() { return absl::StrCat(++last_suffix_); }

void Disk::End() {
  if (std::exchange(ended_, true)) return;
  faults_.Dismiss(*this);
  on_change_ = nullptr;
  Detach();
}

// What a program does between two runs, and at the end of one, is on no tape.
bool Disk::MayDraw() const { return !ended_ && internal::CurrentCore() == &loop_.core() && !loop_.core().tearing_down; }

size_t Disk::DrawPart(ChoiceKind kind, size_t size) {
  if (size < 2 || !MayDraw()) return size;
  return ChoosePart(loop_, kind, stream_, size, [&](size_t part) {
    return absl::StrCat(carried_out_ == nullptr ? "a file operation" : WordsOf(*carried_out_),
                        ": a call of the system ", kind == ChoiceKind::kRead ? "reads " : "writes ", part, " of ", size,
                        " bytes");
  });
}

// Whether who runs has died.
bool Disk::IsMuted() const {
  if (ended_) return false;
  const internal::Home* const home = loop_.core().home();
  return home != nullptr && home->has_ended;
}

void Disk::Start(std::unique_ptr<internal::DiskCall> call) {
  if (!MayDraw() || IsMuted()) {  // Nobody hears of it.
    Forget(*call);
    if (IsMuted() && call->verb != internal::DiskVerb::kClose) return;
    return internal::CarryOut(*call, tree_);
  }
  internal::LoopCore& core = loop_.core();
  internal::NoteUnknownAccess(core);
  const uint64_t stream = loop_.NewStream("file operation");
  const DiskTrouble trouble = DiskTrouble::Draw(loop_, faults_, stream, *call, !faults_.HasRuinedAnother(this),
                                                [&call] { return WordsOf(*call); });
  if (trouble.kind() == DiskTrouble::Kind::kTurnsBit) faults_.Ruin(this);
  std::string what = trouble.delay() == absl::ZeroDuration() ? std::string() : WordsOf(*call);
  internal::Ref<internal::Callback> callback(
      internal::MakeCallback(core, DiskStep(*this, stream, trouble, std::move(call)), std::source_location()));
  if (trouble.delay() == absl::ZeroDuration()) return callback->Schedule();
  auto arrival = std::make_unique<DiskArrival>(*this, std::move(callback), std::move(what), stream);
  const LoopTime when = core.now + trouble.delay();
  const bool is_held_up = trouble.kind() != DiskTrouble::Kind::kNone;
  if (is_held_up) held_up_.push_back(arrival.get());
  arrivals_.Add(*arrival, when, is_held_up ? Range(when, when) : Range(core.now, core.now + kDelayMax));
  (void)arrival.release();  // It deletes itself.
}

void Disk::OnHealed() {
  MendReads(tree_.root());
  const LoopTime now = loop_.core().now;
  for (DiskArrival* const arrival : std::exchange(held_up_, {})) {
    arrivals_.Remove(*arrival);
    arrivals_.Add(*arrival, now, Range(now, now + kDelayMax));
  }
}

void Disk::LosePower() {
  Settle();
  loss_ = loop_.NewStream("loss of power");
}

void Disk::Settle() {
  if (loss_ == 0) return;
  const uint64_t stream = std::exchange(loss_, 0);
  tree_.LosePower([&](uint32_t n, absl::FunctionRef<std::string(uint32_t)> words) -> uint32_t {
    if (n < 2 || !MayDraw()) return 0;
    return loop_.ChooseInWorld(ChoiceKind::kDisk, stream, n, [&] {
      std::string lines;
      for (uint32_t i = 1; i < n; ++i) absl::StrAppend(&lines, words(i), "\n");
      return lines;
    });
  });
}

void Disk::Wipe() {
  loss_ = 0;
  tree_.Wipe();
}

void Disk::Write(std::string_view path, std::string_view bytes) {
  Settle();
  tree_.Install(internal::CheckedPath("sim::Disk::Write()", path), bytes);
}

void Disk::MakeDirectory(std::string_view path) {
  Settle();
  tree_.InstallDirectory(internal::CheckedPath("sim::Disk::MakeDirectory()", path));
}

std::string Disk::Read(std::string_view path) {
  Settle();
  const std::string checked = internal::CheckedPath("sim::Disk::Read()", path);
  const DiskImage image = tree_.Now();
  const auto found = image.find(checked.front() == '/' ? checked : absl::StrCat("/", checked));
  if (found != image.end()) return found->second;
  throw std::system_error(ENOENT, std::generic_category(), absl::StrCat("read ", checked, " on the simulated disk"));
}

void Disk::FailSync(std::string_view path, int error) {
  const std::string checked = internal::CheckedPath("sim::Disk::FailSync()", path);
  const int failed = tree_.FailSync(checked, error);
  if (failed != 0) throw std::system_error(failed, std::generic_category(), absl::StrCat("find ", checked));
}

}  // namespace detent::sim
