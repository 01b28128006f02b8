// SPDX-License-Identifier: Apache-2.0
//
// TemporaryDirectory: an empty one with a short path, gone with what is in it at the end of its block. For tests that
// need it outside a loop, or for the name of a Unix socket; others use detent_testing::TestDirectory().
#ifndef DETENT_RUNTIME_EPOLL_TEMPORARY_DIRECTORY_TEST_H_
#define DETENT_RUNTIME_EPOLL_TEMPORARY_DIRECTORY_TEST_H_

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace detent {

class TemporaryDirectory {
 public:
  TemporaryDirectory() { EXPECT_NE(mkdtemp(path_), nullptr); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const char* path() const { return path_; }
  std::string PathOf(std::string_view name) const { return absl::StrCat(path_, "/", std::string(name)); }

 private:
  char path_[24] = "/tmp/detent-test-XXXXXX";
};

}  // namespace detent

#endif  // DETENT_RUNTIME_EPOLL_TEMPORARY_DIRECTORY_TEST_H_
