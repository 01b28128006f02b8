// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/internal/exit_status.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/io/internal/signal_numbers.h"

namespace detent {

std::string ExitStatus::ToString() const {
  if (!known_) return "unknown";
  if (signal_ != 0) return absl::StrCat("ended by ", internal::SignalName(signal_));
  return absl::StrCat("exit code ", code_);
}

}  // namespace detent
