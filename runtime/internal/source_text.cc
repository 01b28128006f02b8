// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/source_text.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace detent::internal {

std::string SourceText(const std::source_location& where) {
  if (where.line() == 0) return "an unknown place";
  absl::string_view file = where.file_name();
  if (const size_t slash = file.rfind('/'); slash != absl::string_view::npos) file.remove_prefix(slash + 1);
  return absl::StrCat(file, ":", where.line());
}

bool IsOurs(const std::source_location& where) {
  // Headers are seen under the include prefix, sources under the path by which this very file was compiled.
  static constexpr absl::string_view kThisFile = "internal/source_text.cc";
  absl::string_view sources = __FILE__;
  sources.remove_suffix(kThisFile.size());
  absl::string_view file = where.file_name();
  if (where.line() == 0) return true;
  if (absl::EndsWith(file, "_test.cc") || absl::EndsWith(file, "/test_loop.h")) return false;  // Tests of the library.
  if (absl::StartsWith(file, sources) || absl::StrContains(file, "detent/runtime/")) return true;
  // What runs tests, but not the programs in the rooms below.
  sources.remove_suffix(absl::string_view("runtime/").size());
  if (const size_t room = file.rfind("detent/testing/"); room != absl::string_view::npos) {
    file.remove_prefix(room + absl::string_view("detent/").size());
  } else if (!absl::ConsumePrefix(&file, sources)) {
    return false;
  }
  return absl::ConsumePrefix(&file, "testing/") && !absl::StrContains(file, "/");
}

}  // namespace detent::internal
