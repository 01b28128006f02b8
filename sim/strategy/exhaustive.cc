// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/exhaustive.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"

namespace detent::sim {
namespace {

// A timer that is due already becomes ready at the next iteration, and where that begins depends on the order of all
// steps.
bool TimerIsDue() {
  const internal::LoopCore* core = internal::CurrentCore();
  return core != nullptr && !core->timers.empty() && core->timers.earliest() <= core->now;
}

std::string WithCommas(uint64_t number) {
  std::string text = absl::StrCat(number);
  for (size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

}  // namespace

std::unique_ptr<Strategy> Exhaustive::Make() const { return std::make_unique<ExhaustiveSearch>(runs_max_); }

void ExhaustiveSearch::Attach(const RunRules& rules) {
  // Slips happen at the beginning of iterations, which depends on the order of all steps.
  reduces_ = rules.footprint == FootprintRule::kDeclaredOnly && !rules.may_slip;
}

void ExhaustiveSearch::BeginRun(uint64_t) {
  EndRun();
  abandoned_ = false;
  depth_ = 0;
  asleep_.clear();
  ready_.clear();
  steps_ = clock_moved_ = 0;
  now_ = LoopTime();
  in_step_ = false;
  step_node_ = kNoNode;
}

bool ExhaustiveSearch::IsAsleep(const std::vector<Sleeper>& asleep, Lane lane) {
  return std::any_of(asleep.begin(), asleep.end(), [lane](const Sleeper& sleeper) { return sleeper.lane == lane; });
}

uint32_t ExhaustiveSearch::FirstAwake(const Node& node) {
  uint32_t i = 0;
  while (i < node.n && IsAsleep(node.asleep, node.lanes[i])) ++i;
  return i;
}

bool ExhaustiveSearch::Advance(Node& node) {
  ++node.tried;
  if (node.lanes.empty()) return ++node.chosen < node.n;
  // If nothing ever conflicted with the step in all that came after it, it can be moved to the front of every run that
  // goes on from here: all have been made. (The step that would conflict in such a run would do so after this one, too:
  // up to there it finds the same state.) If something did, the lanes that have a part in it are not all known, because
  // what a step touches may depend on what came before: all are tried. Source sets (Abdulla et al., 2014) would pick
  // among them, but need steps that touch the same whatever came before; a step that is cancelled does not.
  if (!node.contested) return false;
  node.asleep.push_back(Sleeper(node.lanes[node.chosen], node.touched));
  node.touched.Clear();
  node.chosen = FirstAwake(node);
  return node.chosen < node.n;
}

void ExhaustiveSearch::RequireSame(const Node& node, const ChoicePoint& point) const {
  bool same = node.kind == point.kind() && node.n == point.n();
  for (size_t i = 0; same && i < node.lanes.size(); ++i) same = node.lanes[i] == point.lane(static_cast<uint32_t>(i));
  if (same) return;
  throw InvalidStateError(absl::StrCat(
      "Exhaustive: the run does not go as before: choice ", depth_, " is another one than when it was made first; the ",
      "program must depend on nothing but its choices: no clock, no address, no variable that outlives a run"));
}

uint32_t ExhaustiveSearch::Choose(const ChoicePoint& point) {
  const bool reduces = reduces_ && point.kind() == ChoiceKind::kSchedule;
  if (reduces) EndStep();
  if (depth_ < path_.size()) {
    RequireSame(path_[depth_], point);
  } else {
    Node node(point, in_step_ ? steps_ - 1 : steps_);
    if (reduces) {
      for (uint32_t i = 0; i < point.n(); ++i) node.lanes.push_back(point.lane(i));
      node.asleep = asleep_;
      node.chosen = FirstAwake(node);
      if (node.chosen == node.n) Abandon();
    }
    path_.push_back(std::move(node));
  }
  if (reduces) {
    NoteReady(path_[depth_].lanes);
    asleep_ = path_[depth_].asleep;
    step_node_ = depth_;
  }
  return path_[depth_++].chosen;
}

void ExhaustiveSearch::OnStep(const Candidate& step) {
  running_ = true;
  if (!reduces_) return;
  if (in_step_) EndStep();  // There was no choice.
  if (IsAsleep(asleep_, step.lane())) Abandon();
  if (step_node_ == kNoNode) NoteReady({step.lane()});
  const auto ready = std::find_if(ready_.begin(), ready_.end(), [&](const Ready& r) { return r.lane == step.lane(); });
  step_lane_ = step.lane();
  step_ready_since_ = ready->since;
  ready_.erase(ready);
  in_step_ = true;
  step_.Clear();
  // What plain callbacks do is not known.
  if (step.lane().IsTask()) {
    step_.Add(internal::AccessKey(internal::AccessKind::kTask, step.lane().task_id()), AccessMode::kWrite);
  } else {
    step_.AddUnknown();
  }
  if (TimerIsDue()) step_.AddUnknown();
  const internal::LoopCore& core = *internal::CurrentCore();
  first_new_object_ = core.next_object_ordinal;
  first_new_task_ = core.next_task_id;
  if (core.now != now_) clock_moved_ = steps_;
  now_ = core.now;
  ++steps_;
}

void ExhaustiveSearch::NoteReady(const std::vector<Lane>& lanes) {
  ready_.erase(std::remove_if(ready_.begin(), ready_.end(),
                              [&](const Ready& ready) {
                                return std::find(lanes.begin(), lanes.end(), ready.lane) == lanes.end();
                              }),
               ready_.end());
  for (const Lane lane : lanes) {
    if (std::none_of(ready_.begin(), ready_.end(), [lane](const Ready& ready) { return ready.lane == lane; })) {
      ready_.push_back(Ready(lane, steps_));
    }
  }
}

void ExhaustiveSearch::OnAccess(internal::AccessKey key, AccessMode mode) {
  switch (key.kind) {
    case internal::AccessKind::kObject:
    case internal::AccessKind::kHeldPart:
      if (key.number >= first_new_object_) return;
      break;
    case internal::AccessKind::kTask:
    case internal::AccessKind::kTaskIncoming:
      if (key.number >= first_new_task_) return;
      break;
    case internal::AccessKind::kRandom:
      break;
  }
  step_.Add(key, mode);
}

void ExhaustiveSearch::EndStep() {
  if (!in_step_) return;
  in_step_ = false;
  if (TimerIsDue()) step_.AddUnknown();
  if (step_node_ != kNoNode) path_[step_node_].touched.Merge(step_);
  if (steps_ > same_steps_) {
    TracedStep step;
    step.lane = step_lane_;
    step.node = step_node_;
    step.ready_since = step_ready_since_;
    step.clock_moved = clock_moved_;
    step.touched = step_;
    trace_.Add(step);
  }
  step_node_ = kNoNode;
  asleep_.erase(
      std::remove_if(asleep_.begin(), asleep_.end(),
                     [&](const Sleeper& sleeper) { return sleeper.touched.ConflictWith(step_) != Conflict::kNone; }),
      asleep_.end());
}

void ExhaustiveSearch::Abandon() {
  abandoned_ = true;
  throw RunAbandoned();
}

void ExhaustiveSearch::EndRun() {
  if (!running_) return;
  EndStep();
  running_ = false;
  if (depth_ < path_.size()) {
    throw InvalidStateError(absl::StrCat(
        "Exhaustive: the run ended after ", depth_, " choices, but went further before; the program must depend on ",
        "nothing but its choices: no clock, no address, no variable that outlives a run"));
  }
  ++(abandoned_ ? abandoned_runs_ : runs_);
  if (reduces_) FindContested();
  while (!path_.empty()) {
    if (Advance(path_.back())) {
      same_steps_ = path_.back().step;
      trace_.Truncate(same_steps_);
      return;
    }
    path_.pop_back();
  }
  complete_ = true;
}

void ExhaustiveSearch::FindContested() {
  // The races within the part that is the same were found when it was new.
  for (size_t later = same_steps_; later < trace_.size(); ++later) {
    for (const size_t earlier : trace_.FindRaces(later)) {
      const size_t node = trace_.step(earlier).node;
      // Where there was no choice, nothing could have come first.
      if (node != kNoNode) path_[node].contested = true;
    }
  }
}

bool ExhaustiveSearch::IsExhausted() const {
  // It is the end of the run that shows whether another one follows.
  const_cast<ExhaustiveSearch*>(this)->EndRun();
  return complete_ || (runs_max_ != 0 && runs_ + abandoned_runs_ >= runs_max_);
}

uint64_t ExhaustiveSearch::RunsAtLeast() const {
  uint64_t runs = runs_ + abandoned_runs_;
  if (complete_) return runs;
  ++runs;  // The one that the path leads to.
  for (const Node& node : path_) {
    if (node.lanes.empty()) {
      runs += node.n - node.tried - 1;
    } else if (node.contested) {
      for (uint32_t i = 0; i < node.n; ++i) runs += i != node.chosen && !IsAsleep(node.asleep, node.lanes[i]) ? 1 : 0;
    }
  }
  return runs;
}

std::string ExhaustiveSearch::Summary() const {
  std::string cut;
  if (abandoned_runs_ > 0) cut = absl::StrCat(" (", abandoned_runs_, " more were cut short as repetitions)");
  if (complete_) {
    return absl::StrCat("all ", runs_, " interleavings were run", cut,
                        reduces_ ? ", given that all shared state is declared" : "");
  }
  // How much of the tree lies behind: each choice's possibilities count as equally much.
  double done = 0;
  double share = 1;
  for (const Node& node : path_) {
    // When reducing, a choice may yet turn out to be contested: it is a guess.
    const double possible = node.lanes.empty() || node.contested ? node.n : 1;
    done += share * node.tried / possible;
    share /= possible;
  }
  std::string text = absl::StrCat("not finished: ", WithCommas(runs_ + abandoned_runs_), " of at least ",
                                  WithCommas(RunsAtLeast()), " schedules", cut, ", about ", absl::SixDigits(done * 100),
                                  "% of all; the next run would have gone on with");
  for (size_t i = 0; i < path_.size() && i < 8; ++i) {
    absl::StrAppend(&text, i == 0 ? " choice " : ", ", path_[i].chosen, " of ", path_[i].n);
  }
  return absl::StrCat(text, path_.size() > 8 ? "..." : "");
}

}  // namespace detent::sim
