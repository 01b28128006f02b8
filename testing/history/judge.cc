// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/history/judge.h"

#include "gtest/gtest.h"

namespace detent_testing::internal {

void FailRunOrTest(std::string_view kind, std::string_view text, const std::source_location& where) {
  if (tls_judge != nullptr) return tls_judge->FailRun(kind, text);
  ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line())) << text;
}

}  // namespace detent_testing::internal
