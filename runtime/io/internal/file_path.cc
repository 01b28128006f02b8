// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/internal/file_path.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"

namespace detent::internal {

std::string CheckedPath(const char* what, std::string_view path) {
  if (path.empty()) throw std::invalid_argument(absl::StrCat(what, ": the path is empty; give the name of a file"));
  if (path.find('\0') != std::string_view::npos) {
    const std::string start(path.substr(0, path.find('\0')));
    throw std::invalid_argument(absl::StrCat(what, ": the path contains a zero byte after \"", start, "\""));
  }
  return std::string(path);
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace detent::internal
