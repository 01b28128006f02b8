// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/wait_object.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace detent::internal {

void WaitObject::NumberAtFirstUse(LoopCore& core) const {
  run_ = core.run_number;
  ordinal_ = core.next_object_ordinal++ | kFirstUse;
}

uint32_t WaitObject::NumberIfMadeIn(const LoopCore& core) const {
  return run_ != core.run_number || (ordinal_ & kFirstUse) != 0 ? 0 : ordinal_;
}

void WaitObject::NumberIfRunning() const {
  LoopCore* core = CurrentCore();
  if (core == nullptr) return;
  run_ = core->run_number;
  ordinal_ = core->next_object_ordinal++;
}

std::string NamedObject::Called(std::string_view type) const {
  return name_.empty() ? Quoted(type) : absl::StrCat(std::string(type), " ", Quoted(type));
}

std::string NamedObject::Quoted(std::string_view type) const {
  return name_.empty() ? WithArticle(type) : absl::StrCat("\"", name_, "\"");
}

std::string WithArticle(std::string_view type) {
  const std::string kind(type);
  return absl::StrCat(absl::StrContains("AEIOU", kind.substr(0, 1)) ? "an " : "a ", kind);
}

}  // namespace detent::internal
