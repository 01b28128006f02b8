// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/candidate.h"

namespace detent::sim {
namespace {

// Looks, and numbers nothing: a run whose strategy looks and its replay, which does not, give the same numbers out.
ObjectKey KeyOf(const internal::TaskState& task, const internal::WaitObject& object) {
  const ObjectKey number = object.NumberIfAny(task.core());
  return number == 0 ? kUnnumbered : number;
}

}  // namespace

bool Footprint::ConflictsWith(const Footprint& other) const {
  if (size_ == 0 || other.size_ == 0) return false;
  if (mode_ == AccessMode::kRead && other.mode_ == AccessMode::kRead) return false;
  if (touches_more_ || other.touches_more_) return true;
  for (size_t i = 0; i < size_; ++i) {
    for (size_t j = 0; j < other.size_; ++j) {
      if (objects_[i] == other.objects_[j]) return true;
    }
  }
  return false;
}

Footprint Candidate::AnnouncedFootprint() const {
  Footprint footprint;
  const internal::TaskState& task = *step_.task();
  const internal::WaitNode* wait = task.wait();
  if (wait->Kind() != internal::WaitKind::kShared) {
    if (const internal::WaitObject* object = wait->Object()) footprint.Add(KeyOf(task, *object));
    return footprint;
  }
  const auto& announced = static_cast<const internal::AnnouncedYield&>(*wait);
  footprint.set_mode(announced.Mode());
  for (size_t i = 0; i < announced.ObjectCount(); ++i) footprint.Add(KeyOf(task, *announced.ObjectAt(i)));
  return footprint;
}

bool Candidate::IsAnnounced(ObjectKey object) const {
  const internal::TaskState& task = *step_.task();
  const internal::WaitNode* wait = task.wait();
  const internal::WaitObject* first = wait->Object();
  if (first == nullptr) return false;
  if (KeyOf(task, *first) == object) return true;
  if (wait->Kind() != internal::WaitKind::kShared) return false;
  const auto& announced = static_cast<const internal::AnnouncedYield&>(*wait);
  for (size_t i = 1; i < announced.ObjectCount(); ++i) {
    if (KeyOf(task, *announced.ObjectAt(i)) == object) return true;
  }
  return false;
}

}  // namespace detent::sim
