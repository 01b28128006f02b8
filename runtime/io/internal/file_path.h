// SPDX-License-Identifier: Apache-2.0
//
// CheckedPath: what no system takes for a path is refused before it is asked.
#ifndef DETENT_RUNTIME_IO_INTERNAL_FILE_PATH_H_
#define DETENT_RUNTIME_IO_INTERNAL_FILE_PATH_H_

#include <string>
#include <string_view>

namespace detent::internal {

// A copy of `path`; std::invalid_argument if it is empty or contains a zero byte. `what` is the call.
std::string CheckedPath(const char* what, std::string_view path);

// The directory in which `path` is: "/a" for "/a/b", "." for "b".
std::string DirectoryOf(const std::string& path);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_INTERNAL_FILE_PATH_H_
