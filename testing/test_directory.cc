// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/test_directory.h"

#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/sim/world/disk.h"

namespace detent_testing {
namespace {

// Removes what is left when the thread ends.
class RealDirectories {
 public:
  RealDirectories() {}
  RealDirectories(const RealDirectories&) = delete;
  RealDirectories& operator=(const RealDirectories&) = delete;
  ~RealDirectories() { RemoveAll(); }

  std::string Make() {
    std::string path = absl::StrCat(Parent(), "/detent-test-XXXXXX");
    if (mkdtemp(path.data()) == nullptr) {
      throw std::system_error(errno, std::generic_category(), absl::StrCat("make the directory ", path));
    }
    paths_.push_back(path);
    return path;
  }
  void RemoveAll() {
    for (const std::string& path : paths_) {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
    paths_.clear();
  }

 private:
  static const char* Parent() {
    for (const char* const name : {"TEST_TMPDIR", "TMPDIR"}) {
      const char* const value = getenv(name);
      if (value != nullptr && *value != '\0') return value;
    }
    return "/tmp";
  }

  std::vector<std::string> paths_;
};

thread_local RealDirectories tls_directories;

}  // namespace

std::string TestDirectory() {
  detent::sim::Disk* const disk = detent::sim::Disk::CurrentOrNull();
  if (disk == nullptr) return tls_directories.Make();
  std::string path = absl::StrCat("/test-", disk->NewSuffix());
  disk->MakeDirectory(path);
  return path;
}

namespace internal {

void RemoveTestDirectories() { tls_directories.RemoveAll(); }

}  // namespace internal
}  // namespace detent_testing
