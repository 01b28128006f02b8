// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/channel_state.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/internal/wait_text.h"

namespace detent::internal {
namespace {

constexpr ChannelSide kSides[] = {ChannelSide::kSend, ChannelSide::kReceive};
constexpr size_t kAll = std::numeric_limits<size_t>::max();
// What an operation takes of its step's budget: it is some dozens of nanoseconds.
constexpr int64_t kPrice = 4;

void NoteUse() {
  if (LoopCore* const core = CurrentCore()) NoteUnknownAccess(*core);
}

}  // namespace

// A message to a loop: that its port has been told. Two words, so that it needs no memory of its own.
template <ChannelSide kSide>
class ChannelLetter {
 public:
  explicit ChannelLetter(std::shared_ptr<ChannelPort> to) : to_(std::move(to)) {}
  ChannelLetter(ChannelLetter&&) noexcept = default;
  ChannelLetter& operator=(ChannelLetter&&) = delete;
  ~ChannelLetter() {
    if (to_ != nullptr) to_->Miss(kSide);
  }
  void operator()() { std::exchange(to_, nullptr)->Hear(kSide); }

 private:
  std::shared_ptr<ChannelPort> to_;
};

void ChannelNews::Tell() noexcept {
  for (const ChannelSide side : kSides) {
    if (auto& port = ports[static_cast<size_t>(side)]) ChannelPort::Send(std::move(port), side);
  }
}

// --- ChannelState ---

ChannelState::ChannelState(int64_t capacity, std::string_view name) : capacity_(capacity), name_(name) {
  if (capacity < 1) {
    throw std::invalid_argument(
        absl::StrCat("Channel: the capacity is ", capacity, "; it must be the number of places, 1 or more"));
  }
}

size_t ChannelState::Size() {
  NoteUse();
  const std::lock_guard<std::mutex> held(mutex_);
  return size_;
}

bool ChannelState::IsClosed() {
  NoteUse();
  const std::lock_guard<std::mutex> held(mutex_);
  return closed_;
}

void ChannelState::Close() {
  NoteUse();
  {
    const std::lock_guard<std::mutex> held(mutex_);
    closed_ = true;
  }
  TellAll();
}

void ChannelState::Abandon() {
  {
    const std::lock_guard<std::mutex> held(mutex_);
    closed_ = gone_ = true;
  }
  TellAll();
  // They keep us.
  const std::lock_guard<std::mutex> held(mutex_);
  ports_.clear();
}

std::string ChannelState::CallOf(std::string_view call) const {
  return absl::StrCat("Channel::", std::string(call), "() on ",
                      name_.empty() ? std::string("a Channel") : absl::StrCat("Channel \"", name_, "\""));
}

size_t ChannelState::For(ChannelSide side) const {
  if (closed_) return kAll;
  return side == ChannelSide::kReceive ? size_ : static_cast<size_t>(capacity_) - size_;
}

ChannelNews ChannelState::News() {
  ChannelNews news;
  for (const ChannelSide side : kSides) {
    if (untold_ > 0 && For(side) > 0) news.ports[static_cast<size_t>(side)] = NextToTell(side);
  }
  return news;
}

std::shared_ptr<ChannelPort> ChannelState::NextToTell(ChannelSide side) {
  const auto next = std::find_if(ports_.begin(), ports_.end(),
                                 [side](const auto& port) { return port->at(side).waits && !port->at(side).told; });
  if (next == ports_.end()) return nullptr;
  (*next)->SetTold(side, true);
  std::rotate(next, next + 1, ports_.end());
  return ports_.back();
}

void ChannelState::TellAll() {
  while (true) {
    ChannelNews news;
    {
      const std::lock_guard<std::mutex> held(mutex_);
      news = News();
    }
    if (news.ports[0] == nullptr && news.ports[1] == nullptr) return;
    news.Tell();
  }
}

std::shared_ptr<ChannelPort> ChannelState::PortOf(const LoopCore& core) {
  for (const auto& port : ports_) {
    if (port->loop_number_ == core.loop_number) return port;
  }
  std::erase_if(ports_, [](const auto& port) { return port->inbox_->IsClosed() && port.use_count() == 1; });
  ports_.push_back(std::make_shared<ChannelPort>(shared_from_this(), core));
  return ports_.back();
}

// --- ChannelPort ---

ChannelPort::ChannelPort(std::shared_ptr<ChannelState> channel, const LoopCore& core)
    : channel_(std::move(channel)),
      loop_number_(core.loop_number),
      inbox_(static_cast<EventLoop&>(core.owner()).inbox()) {
  NumberIfRunning();
}

void ChannelPort::SetWaits(ChannelSide side, bool waits) {
  Side& here = at(side);
  if (here.waits == waits) return;
  here.waits = waits;
  if (!here.told) channel_->untold_ += waits ? 1 : size_t{0} - 1;
}

void ChannelPort::SetTold(ChannelSide side, bool told) {
  Side& here = at(side);
  if (here.told == told) return;
  here.told = told;
  if (here.waits) channel_->untold_ += told ? size_t{0} - 1 : 1;
}

void ChannelPort::Append(ListedWait* wait, ChannelSide side) {
  at(side).waiters.Append(wait);
  SetWaits(side, true);
}

void ChannelPort::Remove(ListedWait* wait, ChannelSide side) noexcept {
  at(side).waiters.Remove(wait);
  ChannelNews news;
  {
    const std::lock_guard<std::mutex> held(channel_->mutex());
    SetWaits(side, at(side).waiters.HasWaiting());
    news = channel_->News();
  }
  news.Tell();
}

void ChannelPort::Hear(ChannelSide side) noexcept {
  size_t left;
  {
    const std::lock_guard<std::mutex> held(channel_->mutex());
    SetTold(side, false);
    left = channel_->For(side);
  }
  TurnList& waiters = at(side).waiters;
  while (left > 0 && waiters.WakeNext()) --left;
  ChannelNews news;
  {
    const std::lock_guard<std::mutex> held(channel_->mutex());
    SetWaits(side, waiters.HasWaiting());
    if (left > 0) news = channel_->News();
  }
  news.Tell();
}

void ChannelPort::Miss(ChannelSide side) noexcept {
  ChannelNews news;
  {
    const std::lock_guard<std::mutex> held(channel_->mutex());
    SetWaits(side, false);
    SetTold(side, false);
    news = channel_->News();
  }
  news.Tell();
}

void ChannelPort::Send(std::shared_ptr<ChannelPort> port, ChannelSide side) noexcept {
  const LoopCore* const running = CurrentCore();
  if (running != nullptr && running->loop_number == port->loop_number_) return port->Hear(side);
  const std::shared_ptr<Inbox> inbox = port->inbox_;
  // If its loop is gone the letter is dropped, and says so.
  if (side == ChannelSide::kSend) {
    inbox->Add(ChannelLetter<ChannelSide::kSend>(std::move(port)));
  } else {
    inbox->Add(ChannelLetter<ChannelSide::kReceive>(std::move(port)));
  }
}

// --- ChannelWait ---

bool ChannelWait::Ready(TaskState& task) {
  LoopCore& core = task.core();
  NoteUnknownAccess(core);
  takes_turn_ = core.IsSpent() && core.MayTakeTurn();
  if (takes_turn_ || !Attempt(/*waits_on=*/false)) return false;
  core.SpendsLast(kPrice);
  return true;
}

WaitNode* ChannelWait::Suspend(TaskState& task) {
  Park(task);
  task.RequestRecheck();
  if (takes_turn_) {
    Wake();
    return this;
  }
  bool has_come;  // Since Ready() looked.
  {
    const std::lock_guard<std::mutex> held(channel_->mutex());
    Enlist(task.core());
    has_come = channel_->For(side_) > 0;
  }
  if (has_come) port_->Hear(side_);
  return this;
}

void ChannelWait::Enlist(const LoopCore& core) {
  if (port_ == nullptr) port_ = channel_->PortOf(core);
  port_->Append(this, side_);
  is_listed_ = true;
}

bool ChannelWait::Recheck() {
  NoteUnknownAccess(task()->core());
  takes_turn_ = false;
  return Attempt(/*waits_on=*/true);
}

bool ChannelWait::Attempt(bool waits_on) noexcept {
  ChannelNews news;
  bool is_over = true;
  {
    const std::lock_guard<std::mutex> held(channel_->mutex());
    if (std::exchange(is_listed_, false)) ChannelPort::RemoveWoken(this);
    try {
      is_over = Try(news);
    } catch (...) {
      thrown_ = std::current_exception();
      Fail(Failure::kThrown);
      news = channel_->News();  // What it was woken for is still there.
    }
    if (!is_over && waits_on) {
      Park(*task());
      Enlist(task()->core());
    }
  }
  news.Tell();
  return is_over;
}

Ending ChannelWait::End(TaskState& task) {
  if (IsParked()) {
    const Ending ending = EndOfWait(task);
    if (ending != Ending::kValue) {
      Abandon();
      return ending;
    }
  }
  return failure_ == Failure::kNone ? Ending::kValue : Ending::kError;
}

std::exception_ptr ChannelWait::TakeError() {
  switch (failure_) {
    case Failure::kClosed:
      return std::make_exception_ptr(
          QueueShutDown(absl::StrCat(channel_->CallOf(Verb()), ": the channel was closed; nothing was sent")));
    case Failure::kGone:
      return std::make_exception_ptr(InvalidStateError(
          absl::StrCat(channel_->CallOf(Verb()), ": it was destroyed while task \"", CurrentTaskState()->name(),
                       "\" waited on it; let it outlive the tasks that wait on it")));
    case Failure::kThrown:
      return std::exchange(thrown_, nullptr);
    case Failure::kNone:
      break;
  }
  return nullptr;
}

void ChannelWait::Abandon() noexcept {
  NoteUnknownAccess(task()->core());
  if (std::exchange(is_listed_, false)) port_->Remove(this, side_);
}

void ChannelWait::Describe(WaitText& text) const {
  text.type = "Channel";
  text.verb = Verb();
  text.preposition = "on";
  text.is_named = !channel_->name().empty();
  text.object = text.is_named ? channel_->name() : "a Channel";
  const std::lock_guard<std::mutex> held(channel_->mutex());
  text.progress =
      side_ == ChannelSide::kReceive ? "empty" : absl::StrCat("full, ", channel_->size(), " of ", channel_->capacity());
}

}  // namespace detent::internal
