// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/history/frontier.h"

#include <algorithm>
#include <map>
#include <utility>

namespace detent_testing::internal {

RealTimeFrontier::RealTimeFrontier(const std::vector<Span>& spans)
    : spans_(spans), end_(2 * spans.size()), unknown_end_(end_ + 1), next_(end_ + 2), previous_(end_ + 2) {
  std::vector<std::pair<size_t, size_t>> events;  // When, and the node.
  next_[unknown_end_] = previous_[unknown_end_] = unknown_end_;
  const auto append = [this](size_t end, size_t node) {
    const size_t last = previous_[end];
    next_[last] = previous_[end] = node;
    previous_[node] = last;
    next_[node] = end;
  };
  for (size_t op = 0; op < spans.size(); ++op) {
    if (!spans[op].IsRequired()) {
      append(unknown_end_, 2 * op);
      continue;
    }
    events.emplace_back(spans[op].called, 2 * op);
    events.emplace_back(spans[op].returned, 2 * op + 1);
  }
  std::sort(events.begin(), events.end());
  next_[end_] = previous_[end_] = end_;
  for (const auto& [when, node] : events) append(end_, node);
}

// What a walk through the list of events finds at `node`: a call, or what is offered when no call is left: a return and
// the end leave the unknown ones that were called before.
size_t RealTimeFrontier::At(size_t node) const {
  if (node == end_) return FirstUnknown(next_[unknown_end_], kNeverReturned);
  if (node % 2 == 1) return FirstUnknown(next_[unknown_end_], spans_[node / 2].returned);
  return node / 2;
}

size_t RealTimeFrontier::FirstUnknown(size_t node, size_t before) const {
  return node == unknown_end_ || spans_[node / 2].called > before ? kNoOperation : node / 2;
}

size_t RealTimeFrontier::Next(size_t op) const {
  if (spans_[op].IsRequired()) return At(next_[2 * op]);
  size_t node = next_[end_];
  while (node != end_ && node % 2 == 0) node = next_[node];
  return FirstUnknown(next_[2 * op], node == end_ ? kNeverReturned : spans_[node / 2].returned);
}

void RealTimeFrontier::Take(size_t op) {
  Unlink(2 * op);
  if (spans_[op].IsRequired()) Unlink(2 * op + 1);
}

void RealTimeFrontier::PutBack(size_t op) {
  if (spans_[op].IsRequired()) Relink(2 * op + 1);
  Relink(2 * op);
}

void RealTimeFrontier::Unlink(size_t node) {
  next_[previous_[node]] = next_[node];
  previous_[next_[node]] = previous_[node];
}

void RealTimeFrontier::Relink(size_t node) { next_[previous_[node]] = previous_[next_[node]] = node; }

ProgramFrontier::ProgramFrontier(const std::vector<Span>& spans)
    : spans_(spans), program_of_(spans.size()), place_(spans.size()) {
  std::map<int, size_t> program_of_client;
  for (size_t op = 0; op < spans.size(); ++op) {
    const auto [it, is_new] = program_of_client.emplace(spans[op].client, programs_.size());
    if (is_new) programs_.emplace_back();
    program_of_[op] = it->second;
    Program& program = programs_[it->second];
    if (spans[op].IsRequired()) {
      place_[op] = program.ops.size();
      program.ops.push_back(op);
    } else {
      place_[op] = unknown_.size();
      unknown_.push_back(op);
      unknown_after_.push_back(program.ops.size());
    }
  }
  unknown_taken_.resize(unknown_.size());
}

size_t ProgramFrontier::FromProgram(size_t program) const {
  for (; program < programs_.size(); ++program) {
    const Program& each = programs_[program];
    if (each.taken < each.ops.size()) return each.ops[each.taken];
  }
  return FromUnknown(0);
}

size_t ProgramFrontier::FromUnknown(size_t place) const {
  for (; place < unknown_.size(); ++place) {
    if (unknown_taken_[place]) continue;
    if (programs_[program_of_[unknown_[place]]].taken >= unknown_after_[place]) return unknown_[place];
  }
  return kNoOperation;
}

size_t ProgramFrontier::Next(size_t op) const {
  return spans_[op].IsRequired() ? FromProgram(program_of_[op] + 1) : FromUnknown(place_[op] + 1);
}

void ProgramFrontier::SetTaken(size_t op, bool taken) {
  if (!spans_[op].IsRequired()) {
    unknown_taken_[place_[op]] = taken;
  } else {
    programs_[program_of_[op]].taken = place_[op] + (taken ? 1 : 0);
  }
}

}  // namespace detent_testing::internal
