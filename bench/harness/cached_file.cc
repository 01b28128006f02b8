// SPDX-License-Identifier: Apache-2.0
#include "detent/bench/harness/cached_file.h"

#include <stdlib.h>
#include <unistd.h>

#include <cstring>

#include "detent/bench/harness/workload.h"

namespace detent_bench {

const CachedFile& CachedFile::Get() {
  static const CachedFile file;
  return file;
}

CachedFile::CachedFile() : path_("/tmp/detent-bench-XXXXXX") {
  const int descriptor = mkstemp(path_.data());
  Require(descriptor >= 0, "a file in /tmp");
  for (uint64_t block = 0; block < kBlocks; ++block) {
    std::string bytes(kBlock, static_cast<char>(block));
    std::memcpy(bytes.data(), &block, sizeof block);
    Require(write(descriptor, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "the file's bytes");
  }
  close(descriptor);
}

CachedFile::~CachedFile() { unlink(path_.c_str()); }

bool CachedFile::IsBlock(uint64_t block, std::string_view bytes) {
  return bytes.size() == kBlock && std::memcmp(bytes.data(), &block, sizeof block) == 0 &&
         bytes.back() == static_cast<char>(block);
}

}  // namespace detent_bench
