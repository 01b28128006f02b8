// SPDX-License-Identifier: Apache-2.0
//
// CachedFile: a file of random bytes that is in the system's cache, and what a random read of it has to give.
#ifndef DETENT_BENCH_HARNESS_CACHED_FILE_H_
#define DETENT_BENCH_HARNESS_CACHED_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace detent_bench {

class CachedFile {
 public:
  static constexpr uint64_t kBlock = 4096;
  static constexpr uint64_t kBlocks = 4096;
  static constexpr int kInFlight = 16;

  // The one of this process, made at first use and removed at its end.
  static const CachedFile& Get();

  const std::string& path() const { return path_; }
  // Whether `bytes` are those of this block.
  static bool IsBlock(uint64_t block, std::string_view bytes);

  CachedFile(const CachedFile&) = delete;
  CachedFile& operator=(const CachedFile&) = delete;
  ~CachedFile();

 private:
  CachedFile();

  std::string path_;
};

}  // namespace detent_bench

#endif  // DETENT_BENCH_HARNESS_CACHED_FILE_H_
