// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/task_paths.h"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "detent/runtime/internal/task_state.h"
#include "detent/sim/world/stream_hash.h"

namespace detent::sim {
namespace {

constexpr size_t kSizeMin = 64;

}  // namespace

void TaskPaths::NoteNew(const internal::LoopCore& core, internal::Lane maker) noexcept {
  const uint64_t id = maker.IsTask() ? maker.task_id() : maker.IsDeliveries() ? 0 : maker.source();
  const Task* const found = Find(id);
  const uint64_t path = found == nullptr ? 0 : found->path;
  uint64_t children = found == nullptr ? children_of_nobody_ : found->children;
  bool has_room = true;
  for (; next_id_ < core.next_task_id; ++next_id_) {
    ++children;
    try {
      if (2 * (size_ + 1) > table_.size()) ForgetTheEnded(core);
    } catch (const std::bad_alloc&) {
      has_room = false;
    }
    if (has_room) Add(next_id_, HashOf(path, children), 0);
  }
  if (found == nullptr) {
    children_of_nobody_ = children;
  } else if (Task* const parent = Find(id)) {  // It may have ended.
    parent->children = children;
  }
}

void TaskPaths::Add(uint64_t id, uint64_t path, uint64_t children) {
  size_t i = id & (table_.size() - 1);
  while (table_[i].generation == generation_) i = (i + 1) & (table_.size() - 1);
  table_[i].generation = generation_;
  table_[i].id = id;
  table_[i].path = path;
  table_[i].children = children;
  ++size_;
}

void TaskPaths::ForgetTheEnded(const internal::LoopCore& core) {
  const size_t size = std::max(kSizeMin, std::bit_ceil(4 * (core.task_count + 1)));
  // Both grow, so that the next time allocates nothing.
  std::vector<Task> other;
  if (table_.size() < size) {
    other.resize(size);
    spare_.resize(size);
  }
  std::swap(table_, spare_);
  const std::vector<Task>& old = spare_;
  const uint64_t old_generation = generation_++;
  const bool was_empty = size_ == 0;
  size_ = 0;
  const internal::TaskState* live = was_empty ? nullptr : core.tasks.first();
  for (; live != nullptr; live = core.tasks.Next(live)) {
    for (size_t i = live->id();; ++i) {
      const Task& known = old[i & (old.size() - 1)];
      if (known.generation != old_generation) break;  // One of those that are new.
      if (known.id != live->id()) continue;
      Add(known.id, known.path, known.children);
      break;
    }
  }
  if (!other.empty()) spare_ = std::move(other);
}

}  // namespace detent::sim
