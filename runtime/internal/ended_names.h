// SPDX-License-Identifier: Apache-2.0
//
// EndedNames: what the tasks were called that ended last, of those that had a name: a lock may be held by one of them,
// and whoever tells of it has its number only.
#ifndef DETENT_RUNTIME_INTERNAL_ENDED_NAMES_H_
#define DETENT_RUNTIME_INTERNAL_ENDED_NAMES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace detent::internal {

class EndedNames {
 public:
  EndedNames() {}

  void Add(uint64_t task_id, const std::string& name) noexcept {
    try {
      if (names_.size() < kNamesMax) {
        names_.emplace_back(task_id, name);
      } else {
        names_[next_++ % kNamesMax] = {task_id, name};
      }
    } catch (...) {  // No memory: then it is called by its number.
    }
  }
  // Null if it had none, or ended long ago.
  const std::string* Find(uint64_t task_id) const {
    for (const auto& [id, name] : names_) {
      if (id == task_id) return &name;
    }
    return nullptr;
  }
  void Clear() {
    names_.clear();
    next_ = 0;
  }

 private:
  static constexpr size_t kNamesMax = 64;

  std::vector<std::pair<uint64_t, std::string>> names_;
  size_t next_ = 0;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_ENDED_NAMES_H_
